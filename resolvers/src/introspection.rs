//! Introspection. The engine's own leaves out the interfaces of interfaces and the schema's description.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::introspection::partial_execute;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::response::{JsonMap, JsonValue};
use async_graphql::{Name, Request, Response, Value};

use crate::validation::Validator;

/// The introspected part of an answer.
pub(crate) struct Introspected {
    /// Values of `__schema`, `__type` and `__typename` at the root, by response key.
    data: Value,
    /// Whether the operation selects nothing else.
    is_all: bool,
}

impl Introspected {
    /// The whole answer, if the operation selects nothing else.
    pub fn into_whole(self) -> Result<Response, Self> {
        if self.is_all {
            Ok(Response::new(self.data))
        } else {
            Err(self)
        }
    }

    /// Puts these values in the place of the engine's.
    pub fn replace_in(&self, mut response: Response) -> Response {
        if let (Value::Object(fields), Value::Object(own)) = (&mut response.data, &self.data) {
            fields.extend(own.clone());
        }
        response
    }
}

impl Validator {
    /// Introspects the schema, if a query selects `__schema` or `__type` at its root.
    pub fn introspect(&self, request: &Request) -> Option<Introspected> {
        // `__typename` is in most documents.
        let mut names = request.query.match_indices("__type");
        let is_type = |(at, _): (usize, _)| !request.query[at..].starts_with("__typename");
        if !request.query.contains("__schema") && !names.any(is_type) {
            return None;
        }
        let (schema, implementers) = self.schema();
        let document = ExecutableDocument::parse_and_validate(schema, &request.query, "document");
        let document = document.ok()?;
        let operation = document.operations.get(request.operation_name.as_deref());
        let operation = operation.ok().filter(|operation| operation.is_query())?;
        let is_schema = |name: &str| matches!(name, "__schema" | "__type");
        let mut fields = operation.root_fields(&document);
        if !fields.any(|field| is_schema(&field.name)) {
            return None;
        }
        let mut fields = operation.root_fields(&document);
        let is_all = fields.all(|field| is_schema(&field.name) || field.name == "__typename");
        let values = serde_json::to_value(&request.variables).ok()?;
        let values: JsonMap = serde_json::from_value(values).ok()?;
        let values = coerce_variable_values(schema, operation, &values).ok()?;
        let answer = partial_execute(schema, implementers, &document, operation, &values).ok()?;
        let data = value_of(JsonValue::Object(answer.data?));
        Some(Introspected { data, is_all })
    }
}

/// The engine's form of an answer, with the fields in the order of the selections.
fn value_of(json: JsonValue) -> Value {
    match json {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(value) => Value::Boolean(value),
        JsonValue::Number(number) => Value::Number(number),
        JsonValue::String(text) => Value::String(text.as_str().to_owned()),
        JsonValue::Array(items) => Value::List(items.into_iter().map(value_of).collect()),
        JsonValue::Object(fields) => {
            let fields = fields.into_iter();
            let fields = fields.map(|(key, value)| (Name::new(key.as_str()), value_of(value)));
            Value::Object(fields.collect())
        }
    }
}
