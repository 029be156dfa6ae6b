//! Limits on the size and cost of documents, checked before the engine parses and validates them.
//!
//! The engine's validation visits a fragment at each spread: a few hundred bytes can take seconds. Here each fragment is
//! measured once, and a document that is too large is rejected first.

mod measure;
mod tokens;

use std::fmt;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql::{Pos, Positioned, Value, Variables};

use crate::merging;
use crate::operation::executed;
use crate::type_index::TypeIndex;
use crate::variables::check_literal;
use measure::Measuring;
use tokens::Text;

/// Largest nesting of brackets, and of selections with fragments expanded: recursion uses the stack.
pub(crate) const NESTING: u64 = 64;

/// Largest nesting of introspection lists: each level multiplies the response by the size of the schema.
const INTROSPECTION_LISTS: u64 = 3;

/// A document that exceeds a limit by this factor is rejected also in [`Mode::Log`].
const ALWAYS_REJECTED: u64 = 10;

/// Limits on documents. Two further limits are fixed: nesting, and nesting of introspection lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether documents over a limit are rejected or only logged.
    pub mode: Mode,
    /// Bytes of the text.
    pub bytes: u64,
    /// Tokens: names, numbers, strings and punctuation.
    pub tokens: u64,
    /// Operations in the document.
    pub operations: u64,
    /// Depth of fields.
    pub depth: u64,
    /// Fields with fragments expanded, before equal ones are merged.
    pub fields: u64,
    /// Aliases.
    pub aliases: u64,
    /// Root fields.
    pub root_fields: u64,
    /// Directives.
    pub directives: u64,
    /// Values of variables, counted at each use.
    pub values: u64,
    /// Cost in points: see [`Limits::check`].
    pub cost: u64,
}

/// Whether limits are enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Documents over a limit are rejected.
    Enforce,
    /// Documents over a limit are logged and executed, to try limits on existing clients. Ten times a limit is rejected.
    Log,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            bytes: 64 * 1024,
            tokens: 5_000,
            operations: 20,
            depth: 16,
            fields: 5_000,
            aliases: 30,
            root_fields: 20,
            directives: 50,
            values: 50_000,
            cost: 10_000,
        }
    }
}

/// A limit that a document exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Name of the limit.
    pub limit: &'static str,
    /// Largest allowed value.
    pub maximum: u64,
    /// Value of the document.
    pub value: u64,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            limit,
            maximum,
            value,
        } = self;
        write!(
            f,
            "the document is too large: {limit} {value}, at most {maximum}"
        )
    }
}

/// Reason why a document is not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A limit is exceeded.
    Excess(Excess),
    /// The document is invalid; the engine would find that late or not at all.
    Invalid {
        /// Text for developers.
        message: String,
        /// Position in the document.
        at: Pos,
    },
    /// A variable has a value that the document can't use.
    Variable {
        /// Text for developers.
        message: String,
        /// Position of its use in the document.
        at: Pos,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excess(excess) => excess.fmt(f),
            Self::Invalid { message, at } | Self::Variable { message, at } => {
                write!(f, "{message} (line {}, column {})", at.line, at.column)
            }
        }
    }
}

impl From<Excess> for Problem {
    fn from(excess: Excess) -> Self {
        Self::Excess(excess)
    }
}

impl Limits {
    /// Checks a document's text.
    pub fn check_text(&self, document: &str) -> Result<(), Excess> {
        let bytes = u64::try_from(document.len()).unwrap_or(u64::MAX);
        self.judge(over("bytes", self.bytes, bytes))?;
        let text = Text::of(document);
        // In every mode: the stack is limited.
        over("nesting", NESTING, text.nesting).map_or(Ok(()), Err)?;
        self.judge(over("tokens", self.tokens, text.tokens))
    }

    /// Checks a document, and returns the cost of the operation with this name in points.
    ///
    /// An object costs 1 and a mutation 10, with the cost of their selections; a list costs its length times an item, with
    /// the length from `first`, `last`, `limit`, `ids` or the list of a batch's input, 5 without them; a scalar costs
    /// nothing.
    pub fn check(
        &self,
        types: &TypeIndex,
        document: &ExecutableDocument,
        name: Option<&str>,
        variables: &Variables,
    ) -> Result<u64, Problem> {
        let operations = u64::try_from(document.operations.iter().len()).unwrap_or(u64::MAX);
        self.judge(over("operations", self.operations, operations))?;
        let (mut fields, mut cost) = (0_u64, 1);
        for (known, operation) in document.operations.iter() {
            let operation = &operation.node;
            check_defaults(types, operation)?;
            let measured = Measuring::new(types, document, operation, variables).operation()?;
            fields = fields.saturating_add(measured.fields);
            over("nesting", NESTING, measured.nesting).map_or(Ok(()), Err)?;
            for excess in [
                over("depth", self.depth, measured.depth),
                over("aliases", self.aliases, measured.aliases),
                over("rootFields", self.root_fields, measured.root_fields),
                over("directives", self.directives, measured.directives),
                over(
                    "introspectionLists",
                    INTROSPECTION_LISTS,
                    measured.introspection_lists,
                ),
                over("fields", self.fields, fields),
                over("values", self.values, measured.values),
            ] {
                self.judge(excess)?;
            }
            if name.is_none() || known.is_some_and(|known| Some(known.as_str()) == name) {
                // Equal fields are executed once.
                let merged = merging::for_cost(types, document, name, variables);
                let merged = merged.as_ref();
                let merged =
                    merged.and_then(|merged| Some((merged, executed(&merged.operations, name)?)));
                cost = match merged {
                    Some((merged, operation)) => {
                        Measuring::new(types, merged, &operation.node, variables).operation()?
                    }
                    None => measured,
                }
                .cost();
            }
        }
        self.judge(over("cost", self.cost, cost))?;
        Ok(cost)
    }

    fn judge(&self, excess: Option<Excess>) -> Result<(), Excess> {
        let Some(excess) = excess else {
            return Ok(());
        };
        metrics::counter!("graphql_limits_exceeded_total", "limit" => excess.limit).increment(1);
        match self.mode {
            Mode::Log if excess.value / ALWAYS_REJECTED <= excess.maximum => {
                tracing::warn!(
                    limit = excess.limit,
                    maximum = excess.maximum,
                    value = excess.value,
                    "Would refuse: {excess}"
                );
                Ok(())
            }
            Mode::Enforce | Mode::Log => Err(excess),
        }
    }
}

/// Checks the defaults of variables, which may be lengths of lists. The engine's validation refuses null.
fn check_defaults(types: &TypeIndex, operation: &OperationDefinition) -> Result<(), Problem> {
    for variable in &operation.variable_definitions {
        let (name, of) = (&variable.node.name.node, &variable.node.var_type.node);
        let default = variable.node.default_value.as_ref();
        if let Some(default) = default.filter(|default| default.node != Value::Null) {
            check_literal(types, &default.node, of).map_err(|problem| {
                let message = format!("the default of the variable ${name}{problem}");
                invalid(message, default)
            })?;
        }
    }
    Ok(())
}

fn over(limit: &'static str, maximum: u64, value: u64) -> Option<Excess> {
    (value > maximum).then_some(Excess {
        limit,
        maximum,
        value,
    })
}

fn invalid<T>(message: String, at: &Positioned<T>) -> Problem {
    Problem::Invalid {
        message,
        at: at.pos,
    }
}
