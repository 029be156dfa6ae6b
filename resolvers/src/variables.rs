//! Checks an operation's variables before it is executed.
//!
//! The engine reads a variable when the field that uses it is resolved; commands of earlier fields have committed by then.
//! Here a value that does not match its declared type rejects the whole request.

use async_graphql::parser::types::{BaseType, Type};
use async_graphql::{InputType, InputValueResult, Pos, Request, ScalarType, Value, Variables};

use crate::operation::executed;
use crate::scalars::{BigInt, CurrencyCode, DateTime, Decimal, TimeZone};
use crate::type_index::{InputObject, TypeIndex};

/// Turns whole numbers such as `1.0` and `1e2` into integers, for JSON has none. Both the limits and the check read the
/// integers.
pub fn normalize(variables: &mut Variables) {
    variables.values_mut().for_each(make_integers);
}

/// Checks the [normalized](normalize) variables of a request's operation, whose document is valid, and adds the defaults of
/// those without a value. The engine alone ignores defaults in `@skip` and `@include`.
pub fn check(types: &TypeIndex, request: &mut Request) -> Result<(), String> {
    // Parsing borrows the whole request; its variables, which can be large, are moved out and back.
    let mut variables = std::mem::take(&mut request.variables);
    let checked = check_values(types, request, &mut variables);
    request.variables = variables;
    checked
}

fn check_values(
    types: &TypeIndex,
    request: &mut Request,
    variables: &mut Variables,
) -> Result<(), String> {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else {
        return Ok(());
    };
    let operation = executed(&document.operations, name.as_deref());
    for definition in operation
        .iter()
        .flat_map(|operation| &operation.node.variable_definitions)
    {
        let (name, of) = (&definition.node.name.node, &definition.node.var_type.node);
        let fits = match variables.get(name) {
            Some(value) => types.check(value, of),
            None => match &definition.node.default_value {
                Some(default) => {
                    let checked = types.check(&default.node, of);
                    variables.insert(name.clone(), default.node.clone());
                    checked
                }
                None if of.nullable => Ok(()),
                None => Err(Misfit::new("is required")),
            },
        };
        fits.map_err(|misfit| misfit.of_variable(name))?;
    }
    Ok(())
}

fn make_integers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().filter(|float| float.fract() == 0.0);
            // Larger ones are not exact.
            let text = float
                .filter(|float| float.abs() < 9_007_199_254_740_992.0)
                .map(|float| format!("{float:.0}"));
            if let Some(integer) = text.and_then(|text| text.parse::<i64>().ok()) {
                *number = integer.into();
            }
        }
        Value::List(items) => items.iter_mut().for_each(make_integers),
        Value::Object(fields) => fields.values_mut().for_each(make_integers),
        _ => {}
    }
}

/// Checks a literal of a document.
pub(crate) fn check_literal(types: &TypeIndex, value: &Value, of: &Type) -> Result<(), String> {
    types.check(value, of).map_err(Misfit::of_literal)
}

/// A problem and its path in the value.
struct Misfit {
    path: Vec<String>,
    problem: String,
}

impl Misfit {
    fn new(problem: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            problem: problem.into(),
        }
    }

    fn within(mut self, step: &impl ToString) -> Self {
        self.path.insert(0, step.to_string());
        self
    }

    fn of_literal(self) -> String {
        let at = self.path.iter().map(|step| format!(".{step}"));
        format!("{} {}", at.collect::<String>(), self.problem)
    }

    fn of_variable(self, name: &str) -> String {
        let at = self.within(&format!("${name}"));
        format!("the variable {} {}", at.path.join("."), at.problem)
    }
}

impl TypeIndex {
    fn check(&self, value: &Value, of: &Type) -> Result<(), Misfit> {
        if *value == Value::Null {
            return if of.nullable {
                Ok(())
            } else {
                Err(Misfit::new("must not be null"))
            };
        }
        match (&of.base, value) {
            (BaseType::List(item), Value::List(values)) => {
                for (index, value) in values.iter().enumerate() {
                    self.check(value, item)
                        .map_err(|misfit| misfit.within(&index))?;
                }
                Ok(())
            }
            // A single value is a list of one.
            (BaseType::List(item), value) => self.check(value, item),
            (BaseType::Named(name), value) => self.check_named(value, name),
        }
    }

    fn check_named(&self, value: &Value, name: &str) -> Result<(), Misfit> {
        if let Some(object) = self.inputs.get(name) {
            return self.check_object(value, name, object);
        }
        if let Some(values) = self.enums.get(name) {
            let is_known = match value {
                Value::String(text) => values.contains(text),
                Value::Enum(text) => values.contains(text.as_str()),
                _ => false,
            };
            return if is_known {
                Ok(())
            } else {
                Err(Misfit::new(format!("is not a value of {name}")))
            };
        }
        check_scalar(value, name).map_err(Misfit::new)
    }

    fn check_object(&self, value: &Value, name: &str, object: &InputObject) -> Result<(), Misfit> {
        let Value::Object(given) = value else {
            return Err(Misfit::new(format!("is not of type {name}")));
        };
        if let Some(unknown) = given
            .keys()
            .find(|field| !object.fields.contains_key(field.as_str()))
        {
            return Err(Misfit::new(format!("is not a field of {name}")).within(unknown));
        }
        if object.is_one_of {
            let is_one = given.len() == 1 && given.values().all(|value| *value != Value::Null);
            if !is_one {
                return Err(Misfit::new(format!(
                    "needs exactly one of the fields of {name}"
                )));
            }
        }
        for (field, expected) in &object.fields {
            match given.get(field.as_str()) {
                Some(value) => self.check(value, &expected.of),
                None if expected.of.nullable || expected.default.is_some() => Ok(()),
                None => Err(Misfit::new("is required")),
            }
            .map_err(|misfit| misfit.within(field))?;
        }
        Ok(())
    }
}

/// Checks a value of a scalar; the problem has no subject.
pub(crate) fn check_scalar(value: &Value, name: &str) -> Result<(), String> {
    let fits = match name {
        "Int" => matches!(value, Value::Number(number)
            if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())),
        "Float" => matches!(value, Value::Number(_)),
        "String" => matches!(value, Value::String(_)),
        "Boolean" => matches!(value, Value::Boolean(_)),
        "ID" => <async_graphql::ID as ScalarType>::is_valid(value),
        // The library also reads other forms.
        "UUID" => matches!(value, Value::String(text) if text.len() == 36
            && text.parse::<uuid::Uuid>().is_ok()),
        "Decimal" => return parses::<Decimal>(value, name),
        "BigInt" => return parses::<BigInt>(value, name),
        "DateTime" => return parses::<DateTime>(value, name),
        "CurrencyCode" => return parses::<CurrencyCode>(value, name),
        "TimeZone" => return parses::<TimeZone>(value, name),
        // The validation of documents rejects unknown types.
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("is not of type {name}"))
    }
}

/// Checks a value by its scalar, whose error says what to write.
fn parses<S: ScalarType + InputType>(value: &Value, name: &str) -> Result<(), String> {
    let parsed: InputValueResult<S> = ScalarType::parse(value.clone());
    parsed.map(drop).map_err(|error| {
        let advice = error.into_server_error(Pos::default()).message;
        let advice = advice
            .rsplit_once("\": ")
            .map_or(advice.as_str(), |(_, advice)| advice);
        format!("is not of type {name}: {advice}")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::request::Engine as _;

    fn checked(query: &str, variables: Json) -> Result<(), String> {
        let mut variables = Variables::from_json(variables);
        normalize(&mut variables);
        let mut request = Request::new(query).variables(variables);
        check(crate::schema().types(), &mut request)
    }

    #[test]
    fn adds_defaults() {
        let query = "query ($b: Boolean! = true, $n: Int = 7, $m: Int = 8, $o: Int) { __typename }";
        let given = Variables::from_json(json!({"n": null, "m": 9}));
        let mut request = Request::new(query).variables(given);
        assert_eq!(check(crate::schema().types(), &mut request), Ok(()));
        let expected = json!({"b": true, "n": null, "m": 9});
        assert_eq!(request.variables, Variables::from_json(expected));
    }

    #[test]
    fn checks_every_scalar_of_inputs() {
        let sdl = crate::sdl(&crate::schema());
        let names = sdl.lines().filter_map(|line| line.strip_prefix("scalar "));
        let names = names.filter_map(|line| line.split(' ').next());
        // These are results only.
        let names: Vec<&str> = names
            .filter(|name| !["JSON", "URL"].contains(name))
            .collect();
        assert!(names.len() > 5, "{names:?}");
        for name in names {
            assert!(check_scalar(&Value::Boolean(true), name).is_err(), "{name}");
        }
    }

    #[test]
    fn rejects_values_of_other_types() {
        let query = "query ($by: MinerBy!, $ids: [ID!], $filter: MinerFilter, $n: Int = 1, $code: CurrencyCode) { __typename }";
        let uuid = "0190f5a2-7c1e-7000-8000-000000000001";
        for good in [
            json!({"by": {"uuid": uuid}}),
            json!({"by": {"id": "x"}, "ids": ["a", 1], "filter": {"status": "ACTIVE", "search": null}}),
            json!({"by": {"code": "x"}, "ids": "a", "n": null, "code": "MP", "unused": 1}),
        ] {
            assert_eq!(checked(query, good.clone()), Ok(()), "{good}");
        }
        for (bad, problem) in [
            (json!({}), "$by is required"),
            (json!({"by": null}), "$by must not be null"),
            (json!({"by": 7}), "$by is not of type MinerBy"),
            (json!({"by": {}}), "$by needs exactly one"),
            (
                json!({"by": {"id": "a", "code": "b"}}),
                "$by needs exactly one",
            ),
            (json!({"by": {"uuid": "1"}}), "$by.uuid is not of type UUID"),
            (json!({"by": {"name": "x"}}), "$by.name is not a field"),
            (
                json!({"by": {"id": "a"}, "ids": ["a", null]}),
                "$ids.1 must not be null",
            ),
            (
                json!({"by": {"id": "a"}, "filter": {"status": "GONE"}}),
                "$filter.status is not a value of MinerStatus",
            ),
            (
                json!({"by": {"id": "a"}, "n": 3_000_000_000_i64}),
                "$n is not of type Int",
            ),
            (
                json!({"by": {"id": "a"}, "n": 1.5}),
                "$n is not of type Int",
            ),
            (
                json!({"by": {"id": "a"}, "code": "M P"}),
                "$code is not of type CurrencyCode",
            ),
        ] {
            let said = checked(query, bad.clone()).expect_err("a misfit");
            assert!(
                said.starts_with(&format!("the variable {problem}")),
                "{bad}: {said}"
            );
        }
    }
}
