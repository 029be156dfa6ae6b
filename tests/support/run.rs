//! Mutations: one way to run one and to look at its outcome.

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Value, json};

use super::selections::{facts_of, payload_of};
use super::{Actor, Answer};

/// A mutation that runs when it is awaited.
#[derive(Clone)]
#[must_use = "a mutation runs when it is awaited"]
pub struct Run {
    actor: Actor,
    field: String,
    input: Value,
    selection: Option<String>,
    headers: Vec<(&'static str, String)>,
    has_key: bool,
}

impl Actor {
    /// Runs a mutation. Its document selects the payload fields of `selections` and all user errors, and its input
    /// gets a fresh idempotency key unless it has one.
    pub fn run(&self, field: &str, input: Value) -> Run {
        Run {
            actor: self.clone(),
            field: field.to_owned(),
            input,
            selection: None,
            headers: Vec::new(),
            has_key: true,
        }
    }
}

impl Run {
    /// Runs it as another caller.
    pub fn by(mut self, actor: &Actor) -> Self {
        self.actor = actor.clone();
        self
    }

    /// Selects other fields of the payload.
    pub fn select(mut self, selection: &str) -> Self {
        self.selection = Some(selection.to_owned());
        self
    }

    /// Sets fields of the input.
    pub fn with(mut self, fields: Value) -> Self {
        self.input = merged(self.input, fields);
        self
    }

    /// Sets the idempotency key.
    pub fn key(self, key: &str) -> Self {
        self.with(json!({"idempotencyKey": key}))
    }

    /// Sends no idempotency key that the input doesn't have.
    pub fn without_key(mut self) -> Self {
        self.has_key = false;
        self
    }

    /// Sends a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends the mutation to a server that may go away; none when it does.
    pub async fn attempt(self) -> Option<Outcome> {
        let (query, variables) = self.operation();
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = self
            .actor
            .try_send(&query, variables, &headers)
            .await
            .ok()?;
        Some(Outcome {
            field: self.field,
            answer,
        })
    }

    fn operation(&self) -> (String, Value) {
        let field = &self.field;
        let input_type = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
        let selection = self
            .selection
            .as_deref()
            .unwrap_or_else(|| payload_of(field));
        let query = format!(
            "mutation ($input: {input_type}!) {{ {field}(input: $input) {{
                {selection} userErrors {{ code field message {} }} }} }}",
            facts_of(field)
        );
        let mut input = self.input.clone();
        if self.has_key && input.get("idempotencyKey").is_none() {
            input["idempotencyKey"] = json!(fresh_key());
        }
        (query, json!({"input": input}))
    }
}

impl IntoFuture for Run {
    type Output = Outcome;
    type IntoFuture = BoxFuture<'static, Outcome>;

    fn into_future(self) -> Self::IntoFuture {
        self.attempt().map(|outcome| outcome.unwrap()).boxed()
    }
}

fn fresh_key() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("key-{}-{number}", std::process::id())
}

/// An object with some of its fields set to other values.
pub fn merged(mut object: Value, fields: Value) -> Value {
    if let Value::Object(fields) = fields {
        for (name, value) in fields {
            object[name] = value;
        }
    }
    object
}

/// The outcome of a mutation.
#[derive(Debug)]
#[must_use = "a mutation may be refused: say `ok()`, `refused()` or `error()`"]
pub struct Outcome {
    field: String,
    /// The whole response.
    pub answer: Answer,
}

impl Outcome {
    /// The payload, with its empty list of user errors. Panics when the mutation was refused or failed.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.refusal(), None, "{}", self.answer.body);
        self.answer.body["data"][&self.field].clone()
    }

    /// The payload of a replay. Panics when the mutation was refused, failed, or ran now.
    #[track_caller]
    pub fn replayed(self) -> Value {
        assert!(self.is_replay(), "not a replay: {}", self.answer.body);
        self.ok()
    }

    /// The only user error. Panics unless it has this code and this path (`a.b`), or no path.
    #[track_caller]
    pub fn refused(&self, code: &str, path: Option<&str>) -> Value {
        let error = self.user_error();
        let path = path.map(|path| path.split('.').collect::<Vec<_>>());
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(code), &json!(path)),
            "{}",
            self.answer.body
        );
        error
    }

    /// Panics unless the response has an error with this code.
    #[track_caller]
    pub fn error(&self, code: &str) {
        assert_eq!(self.answer.code(), code, "{}", self.answer.body);
    }

    /// Panics unless the response has an error with this code and reason.
    #[track_caller]
    pub fn error_with_reason(&self, code: &str, reason: &str) {
        self.error(code);
        assert_eq!(self.answer.reason(), reason, "{}", self.answer.body);
    }

    /// The code of the only user error; none when the mutation was applied. Panics when it failed.
    #[track_caller]
    pub fn refusal(&self) -> Option<&str> {
        let refusals = self.answer.refusals();
        let payload = &self.answer.body["data"][&self.field];
        assert!(
            payload.is_object() && refusals.len() <= 1,
            "{}",
            self.answer.body
        );
        refusals.first().copied()
    }

    /// Whether the response is the stored result of an earlier request.
    pub fn is_replay(&self) -> bool {
        self.answer.body["extensions"]["idempotentReplay"] == json!([[self.field]])
    }

    /// The message of the only user error.
    #[track_caller]
    pub fn message(&self) -> String {
        let error = self.user_error();
        error["message"].as_str().unwrap().to_owned()
    }

    /// A field of the payload, also of one with user errors.
    pub fn field(&self, name: &str) -> &Value {
        &self.answer.body["data"][&self.field][name]
    }

    #[track_caller]
    fn user_error(&self) -> Value {
        let errors = self.field("userErrors").as_array();
        let is_one = errors.is_some_and(|errors| errors.len() == 1);
        assert!(is_one, "not refused: {}", self.answer.body);
        errors.unwrap()[0].clone()
    }
}

/// Outcomes of mutations that ran at the same time.
#[derive(Debug)]
#[must_use = "look at the outcomes"]
pub struct Outcomes(pub Vec<Outcome>);

/// Runs mutations at the same time.
pub async fn at_once(runs: impl IntoIterator<Item = Run>) -> Outcomes {
    Outcomes(join_all(runs.into_iter().map(IntoFuture::into_future)).await)
}

impl Outcomes {
    /// Panics unless exactly one mutation was applied and all others were refused with this code.
    #[track_caller]
    pub fn one_applied(&self, code: &str) {
        let mut refusals = self.refusals();
        refusals.sort_unstable();
        let mut expected = vec![Some(code); self.0.len()];
        expected[0] = None;
        assert_eq!(refusals, expected);
    }

    /// The payloads. Panics unless all mutations were applied.
    #[track_caller]
    pub fn all_ok(self) -> Vec<Value> {
        let mut payloads = Vec::new();
        for outcome in self.0 {
            payloads.push(outcome.ok());
        }
        payloads
    }

    /// The refusal of each mutation, none of one that was applied.
    pub fn refusals(&self) -> Vec<Option<&str>> {
        self.0.iter().map(Outcome::refusal).collect()
    }
}
