//! Validation of documents by the rules of the GraphQL specification.
//!
//! The engine's own validation accepts many invalid documents, so it is switched off.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use apollo_compiler::ast::{Definition, DirectiveList, Document, Selection, Value};
use apollo_compiler::parser::LineColumn;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Name, Node, Schema};
use async_graphql::{Pos, ServerError};
use lru::LruCache;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// Number of valid documents that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// Validates documents. A valid document is recognized by its hash afterwards.
pub(crate) struct Validator {
    schema: Valid<Schema>,
    valid: Mutex<LruCache<[u8; 32], ()>>,
}

impl Validator {
    /// The validator of a schema, given as SDL.
    pub fn of(sdl: &str) -> Self {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql")
            .unwrap_or_else(|invalid| unreachable!("the schema is invalid: {invalid}"));
        Self {
            schema,
            valid: Mutex::new(LruCache::new(REMEMBERED)),
        }
    }

    /// Checks a document that is within the limits.
    pub fn check(&self, document: &str) -> Result<(), Vec<ServerError>> {
        let hash: [u8; 32] = Sha256::digest(document).into();
        if self.valid.lock().get(&hash).is_some() {
            return Ok(());
        }
        self.validate(document)?;
        self.valid.lock().put(hash, ());
        Ok(())
    }

    fn validate(&self, document: &str) -> Result<(), Vec<ServerError>> {
        let parsed =
            Document::parse(document, "document").map_err(|invalid| errors_of(&invalid.errors))?;
        parsed
            .to_executable_validate(&self.schema)
            .map_err(|invalid| errors_of(&invalid.errors))?;
        let repeated: Vec<_> = values(&parsed).into_iter().flat_map(repeated).collect();
        if repeated.is_empty() {
            return Ok(());
        }
        let error = |name: &Name| {
            let message = format!("the input field `{name}` is given twice");
            let location = name.location();
            error(
                message,
                location.and_then(|at| at.line_column(&parsed.sources)),
            )
        };
        Err(repeated.into_iter().map(error).collect())
    }
}

fn errors_of(found: &DiagnosticList) -> Vec<ServerError> {
    let found = found.iter().map(|found| found.to_json());
    found
        .map(|found| error(found.message, found.locations.first().copied()))
        .collect()
}

fn error(message: String, location: Option<LineColumn>) -> ServerError {
    let location = location.map(|LineColumn { line, column }| Pos { line, column });
    ServerError::new(message, location)
}

/// All values of a document: of arguments and defaults.
fn values(document: &Document) -> Vec<&Node<Value>> {
    let mut values = Vec::new();
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                for variable in &operation.variables {
                    values.extend(&variable.default_value);
                    add_arguments(&mut values, &variable.directives);
                }
                add_arguments(&mut values, &operation.directives);
                add_selections(&mut values, &operation.selection_set);
            }
            Definition::FragmentDefinition(fragment) => {
                add_arguments(&mut values, &fragment.directives);
                add_selections(&mut values, &fragment.selection_set);
            }
            // A definition of a schema is no executable one.
            _ => {}
        }
    }
    values
}

fn add_selections<'d>(values: &mut Vec<&'d Node<Value>>, selections: &'d [Selection]) {
    for selection in selections {
        let (directives, below) = match selection {
            Selection::Field(field) => {
                values.extend(field.arguments.iter().map(|argument| &argument.value));
                (&field.directives, field.selection_set.as_deref())
            }
            Selection::FragmentSpread(spread) => (&spread.directives, None),
            Selection::InlineFragment(fragment) => {
                (&fragment.directives, Some(&*fragment.selection_set))
            }
        };
        add_arguments(values, directives);
        add_selections(values, below.unwrap_or_default());
    }
}

fn add_arguments<'d>(values: &mut Vec<&'d Node<Value>>, directives: &'d DirectiveList) {
    let arguments = directives.iter().flat_map(|directive| &directive.arguments);
    values.extend(arguments.map(|argument| &argument.value));
}

/// Names of fields that an input object in a value has twice: the library does not check this rule.
fn repeated(value: &Node<Value>) -> Vec<&Name> {
    match &**value {
        Value::List(items) => items.iter().flat_map(repeated).collect(),
        Value::Object(fields) => {
            let mut seen = HashSet::new();
            let own = fields.iter().filter(|(name, _)| !seen.insert(name));
            let mut found: Vec<_> = own.map(|(name, _)| name).collect();
            found.extend(fields.iter().flat_map(|(_, value)| repeated(value)));
            found
        }
        _ => Vec::new(),
    }
}
