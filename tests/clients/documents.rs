//! Documents and values of variables, made from the schema and damaged: this server and graphql-js agree on which of them
//! are valid.

use std::path::Path;

use async_graphql::{Request, Variables};
use resolvers::request::Engine as _;
use resolvers::{strings, variables};
use serde::Deserialize;
use serde_json::Value;

use super::Node;
use crate::support::is_soak;

/// A document with graphql-js' errors.
#[derive(Deserialize)]
struct Document {
    query: String,
    /// Values of the variables, where these are judged.
    #[serde(default)]
    variables: Value,
    errors: Vec<String>,
}

/// Compares this server's errors with those of graphql-js.
fn compare(script: &str, errors_of: impl Fn(&Document) -> Vec<String>) {
    let Some(node) = Node::find(&format!("clients::documents {script}")) else {
        return;
    };
    let (count, seed) = if is_soak() {
        (100_000, std::process::id())
    } else {
        (2_000, 1)
    };
    let sdl = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let arguments = [sdl.to_str().unwrap(), &count.to_string(), &seed.to_string()];
    let printed = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(node.output(script, &arguments));
    let (mut valid, mut different) = (0, Vec::new());
    for line in printed.lines() {
        let document: Document = serde_json::from_str(line).unwrap();
        let found = errors_of(&document);
        valid += usize::from(document.errors.is_empty());
        if found.is_empty() != document.errors.is_empty() {
            different.push(format!("{line}\n  here: {found:?}"));
        }
    }
    println!(
        "soak: {script} with seed {seed}: {count} documents, {valid} valid, {} judged differently by graphql-js",
        different.len()
    );
    assert!(
        (count / 4..count / 4 * 3).contains(&valid),
        "{valid} of {count} are valid"
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn soak_agrees_with_graphql_js_on_documents() {
    let schema = resolvers::schema();
    compare("documents.mjs", |document| {
        let Ok(query) = strings::decode(&document.query) else {
            return vec!["a lone surrogate".to_owned()];
        };
        let errors = schema.validate(&query).err().unwrap_or_default();
        let errors: Vec<_> = errors.into_iter().map(|error| error.message).collect();
        let is_skipped = |message: &String| message.ends_with(SKIPS_ROOT_FIELDS);
        let is_known = errors.iter().any(is_skipped) || !errors.iter().any(|e| is_of_root(e));
        if is_known && errors.iter().all(|message| is_stricter(message)) {
            document.errors.clone()
        } else {
            errors
        }
    });
}

/// End of the error of a subscription that skips or includes root fields.
const SKIPS_ROOT_FIELDS: &str = "can not specify @skip or @include on root fields";

/// Whether an error is about several root fields of a subscription. Skipped ones do not count for graphql-js.
fn is_of_root(message: &str) -> bool {
    message.ends_with("can only have one root field")
}

/// Errors of documents that are valid for graphql-js 16: it follows an older specification, accepts every literal of a
/// custom scalar, and overlooks a nullable variable of a `@oneOf` input within a fragment.
fn is_stricter(message: &str) -> bool {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let is_nullable =
        matches!(quoted[..], [_, variable, _, position] if format!("{variable}!") == position);
    is_of_root(message)
        || is_nullable && message.contains("cannot be used for argument")
        || message.ends_with(SKIPS_ROOT_FIELDS)
        || [
            "Decimal",
            "DateTime",
            "UUID",
            "BigInt",
            "CurrencyCode",
            "TimeZone",
        ]
        .iter()
        .any(|scalar| {
            message.starts_with(&format!("expected value of type {scalar}"))
                || message.contains(&format!(" is not of type {scalar}"))
        })
}

#[test]
fn soak_agrees_with_graphql_js_on_variables() {
    let schema = resolvers::schema();
    compare("values.mjs", |document| {
        let variables = Variables::from_json(document.variables.clone());
        let mut request = Request::new(&document.query).variables(variables);
        variables::check(schema.types(), &mut request)
            .err()
            .into_iter()
            .collect()
    });
}
