//! Validation of documents by the rules of the GraphQL specification.
//!
//! The engine's own validation accepts many invalid documents, so it is switched off.

mod literals;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;

use apollo_compiler::ast::{
    Definition, DirectiveList, Document, OperationType, Selection, Value, VariableDefinition,
};
use apollo_compiler::parser::LineColumn;
use apollo_compiler::schema::Implementers;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Name, Node, Schema};
use async_graphql::{Pos, ServerError};
use lru::LruCache;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// The types that implement each interface.
type ImplementersMap = apollo_compiler::collections::HashMap<Name, Implementers>;

/// Number of valid documents that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// Validates documents. A valid document is recognized by its hash afterwards.
pub(crate) struct Validator {
    schema: Valid<Schema>,
    implementers: ImplementersMap,
    valid: Mutex<LruCache<[u8; 32], ()>>,
}

impl Validator {
    /// The validator of a schema, given as SDL.
    pub fn of(sdl: &str) -> Self {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql")
            .unwrap_or_else(|invalid| unreachable!("the schema is invalid: {invalid}"));
        Self {
            implementers: schema.implementers_map(),
            schema,
            valid: Mutex::new(LruCache::new(REMEMBERED)),
        }
    }

    /// The schema, and the types that implement each interface.
    pub(crate) fn schema(&self) -> (&Valid<Schema>, &ImplementersMap) {
        (&self.schema, &self.implementers)
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
        let executable = match parsed.to_executable_validate(&self.schema) {
            Ok(executable) => executable.into_inner(),
            Err(invalid) => {
                let mut errors = errors_of(&invalid.errors);
                if have_one_root_field(&parsed) {
                    errors.retain(|error| !error.message.ends_with(SEVERAL_ROOT_FIELDS));
                }
                if !errors.is_empty() {
                    return Err(errors);
                }
                invalid.partial
            }
        };
        // The library lets a default value of null stand for a value where none may be null.
        if let Some(without) = without_null_defaults(&parsed)
            && let Err(invalid) = without.to_executable_validate(&self.schema)
        {
            return Err(errors_of(&invalid.errors));
        }
        let misfits = literals::misfits(&self.schema, &executable);
        if !misfits.is_empty() {
            let error = |(message, at): (String, Option<LineColumn>)| error(message, at);
            return Err(misfits.into_iter().map(error).collect());
        }
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

/// The document without default values of null; none if it has none.
fn without_null_defaults(document: &Document) -> Option<Document> {
    let is_null = |variable: &Node<VariableDefinition>| {
        let default = variable.default_value.as_ref();
        default.is_some_and(|default| default.is_null())
    };
    let mut document = document.clone();
    let mut has_changed = false;
    for definition in &mut document.definitions {
        if let Definition::OperationDefinition(operation) = definition
            && operation.variables.iter().any(is_null)
        {
            has_changed = true;
            for variable in &mut operation.make_mut().variables {
                if is_null(variable) {
                    variable.make_mut().default_value = None;
                }
            }
        }
    }
    has_changed.then_some(document)
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

/// End of the library's message for a subscription with several root fields. It also counts equal fields, which are one.
const SEVERAL_ROOT_FIELDS: &str = "can only have one root field";

/// Whether every subscription of a document has one response key at its root.
fn have_one_root_field(document: &Document) -> bool {
    let fragments = document.definitions.iter().filter_map(|definition| {
        let fragment = definition.as_fragment_definition()?;
        Some((&fragment.name, &*fragment.selection_set))
    });
    let fragments: HashMap<_, _> = fragments.collect();
    document.definitions.iter().all(|definition| {
        let Some(operation) = definition.as_operation_definition() else {
            return true;
        };
        let (mut keys, mut open) = (HashSet::new(), vec![&*operation.selection_set]);
        let mut spread = HashSet::new();
        while let Some(selections) = open.pop() {
            for selection in selections {
                match selection {
                    Selection::Field(field) => drop(keys.insert(field.response_name())),
                    Selection::InlineFragment(fragment) => open.push(&fragment.selection_set),
                    Selection::FragmentSpread(fragment) => {
                        let name = &fragment.fragment_name;
                        if spread.insert(name) {
                            open.extend(fragments.get(name));
                        }
                    }
                }
            }
        }
        operation.operation_type != OperationType::Subscription || keys.len() == 1
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(document: &str) -> Vec<String> {
        let validator = Validator::of(&crate::sdl(&crate::schema()));
        let checked = validator.check(document);
        let errors = checked.err().unwrap_or_default();
        errors.into_iter().map(|error| error.message).collect()
    }

    #[test]
    fn counts_equal_root_fields_of_a_subscription_once() {
        let document = "subscription { ...F a: minerUpdated { sequence } }
            fragment F on Subscription { a: minerUpdated { __typename } }";
        assert_eq!(errors(document), Vec::<String>::new());
        let two = document.replace(
            "fragment F on Subscription { a:",
            "fragment F on Subscription { b:",
        );
        assert_eq!(errors(&two).len(), 1, "{:?}", errors(&two));
    }

    #[test]
    fn refuses_literals_of_custom_scalars_beside_variables() {
        let quote = |amount: &str, rest: &str| {
            let document = "query ($d: Decimal!) { conversionQuote(amount: {amount: $d, currency: AMOUNT}, to: \"VND\") REST { __typename } }";
            errors(&document.replace("AMOUNT", amount).replace("REST", rest))
        };
        let wanted = |amount| {
            let problem = "the argument amount.currency is not of type CurrencyCode: ";
            let found = quote(amount, "");
            assert!(
                found.len() == 1 && found[0].starts_with(problem),
                "{amount}: {found:?}"
            );
        };
        for amount in ["true", "5", "MP", "\"mp\"", "{a: 1}"] {
            wanted(amount);
        }
        assert_eq!(quote("\"MP\"", ""), Vec::<String>::new());
        assert_eq!(quote("5", "@skip(if: true)").len(), 1);
        for (document, path) in [
            (
                "query A { __typename } query B($d: Decimal!) { conversionQuote(amount: {amount: $d, currency: 5}, to: \"VND\") { __typename } }",
                "the argument amount.currency",
            ),
            (
                "query ($v: DateTime) { auditLog(first: 1, filter: {occurredAt: {from: $v}, actorId: \"x\"}) { totalCount } }",
                "the argument filter.actorId",
            ),
            (
                "query ($v: DateTime) { auditLog(first: 1, filter: {occurredAt: {from: $v, until: \"zz\"}}) { totalCount } }",
                "the argument filter.occurredAt.until",
            ),
            (
                "query ($d: Decimal = true) { conversionQuote(amount: {amount: $d, currency: \"MP\"}, to: \"VND\") { __typename } }",
                "the default of the variable $d",
            ),
            (
                "query { ...F } fragment F on Query { conversionQuote(amount: {amount: \"x\", currency: \"MP\"}, to: \"VND\") { __typename } }",
                "the argument amount.amount",
            ),
            (
                "mutation ($k: String!) { withdrawalRequest(input: {idempotencyKey: $k, destination: \"d\", amount: {amount: true, currency: \"MP\"}}) { __typename } }",
                "the argument input.amount.amount",
            ),
        ] {
            let found = errors(document);
            let is_found =
                found.len() == 1 && found[0].starts_with(&format!("{path} is not of type "));
            assert!(is_found, "{document}: {found:?}");
        }
    }

    #[test]
    fn refuses_repeated_input_fields() {
        let repeated =
            errors(r#"mutation { circleRename(input: {name: "a", name: "b"}) { __typename } }"#);
        assert_eq!(repeated, ["the input field `name` is given twice"]);
    }
}
