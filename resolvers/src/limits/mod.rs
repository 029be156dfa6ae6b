//! How large a document may be, counted before it is parsed and before it is validated.
//!
//! The engine's own validation walks a fragment wherever it is spread: a few hundred bytes can keep it busy for
//! seconds. Here each fragment is counted once, and what is too large never gets that far.

mod measure;
mod tokens;

use std::fmt;

use async_graphql::Variables;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Pos, Positioned};

use crate::type_index::TypeIndex;
use measure::Measuring;
use tokens::Text;

/// Brackets in brackets, and selections in selections with fragments written out: they are walked on the stack.
pub(crate) const NESTING: u64 = 64;

/// Lists of introspection in each other: with a few more, the schema stands in itself many times over.
const INTROSPECTION_LISTS: u64 = 3;

/// What is so many times over a limit is refused even where limits are only tried: it would keep the process busy.
const AT_ANY_RATE: u64 = 10;

/// How large documents may be. Two limits are fixed: how deep things may stand in each other, and lists of introspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether what is over a limit is refused, or only logged.
    pub mode: Mode,
    /// Bytes of the text.
    pub bytes: u64,
    /// Names, numbers, strings and punctuation.
    pub tokens: u64,
    /// Operations, of which one is executed.
    pub operations: u64,
    /// Fields in fields.
    pub depth: u64,
    /// Fields, with fragments written out, before equal ones are merged.
    pub fields: u64,
    /// Fields under another name.
    pub aliases: u64,
    /// Fields of the operation itself.
    pub root_fields: u64,
    /// Directives.
    pub directives: u64,
    /// Values of variables, as often as they are copied_size.
    pub values: u64,
    /// What executing it may cost at most, in points: see [`Limits::check`].
    pub cost: u64,
}

/// Whether limits are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What is over a limit is refused.
    Enforce,
    /// What is over a limit is logged and executed, so that limits can be tried on the clients one has. Ten times over
    /// one is refused even so.
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

/// A limit that a document is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Which.
    pub limit: &'static str,
    /// How much is allowed.
    pub maximum: u64,
    /// How much it is.
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

/// Why a document isn't executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is too large.
    Excess(Excess),
    /// It makes no sense, which the engine would find out too late or not at all.
    Invalid {
        /// For developers.
        message: String,
        /// Where.
        at: Pos,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excess(excess) => excess.fmt(f),
            Self::Invalid { message, at } => {
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
        // Not a matter of mode: the stack ends somewhere.
        over("nesting", NESTING, text.nesting).map_or(Ok(()), Err)?;
        self.judge(over("tokens", self.tokens, text.tokens))
    }

    /// Checks a document, and answers what its operation of this name may cost, in points.
    ///
    /// An object costs 1, a list as many as its `first`, `last`, `limit` or `ids` says, 5 without any, each with all that
    /// is asked of it; a field of the mutation 10; a scalar nothing.
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
                cost = measured.cost();
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
            Mode::Log if excess.value / AT_ANY_RATE <= excess.maximum => {
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
