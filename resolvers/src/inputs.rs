//! What every mutation's input has in common: the idempotency key.

use async_graphql::parser::types::Selection;
use async_graphql::{Context, InputType, Value};
use db::idempotency::Request;
use domain::wallets::Origin;

use crate::errors::ApiError;
use crate::request::Asked;

/// Characters of an idempotency key.
const KEY_LENGTH: std::ops::RangeInclusive<usize> = 1..=128;

/// Whether a command can do without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyRule {
    /// It moves nothing: a key is welcome.
    Optional,
    /// It moves points or money: without a key a retry could move them twice.
    Required,
}

/// Makes a command's request: the key from the input or the header, and the hash of the rest of the input.
pub(crate) fn command<I: InputType>(
    ctx: &Context<'_>,
    input: &I,
    key: Option<&str>,
    rule: KeyRule,
) -> Result<Request, ApiError> {
    let caller = &ctx.operation().caller;
    let header = caller.idempotency_key.as_deref();
    let key = match (key, header) {
        (Some(input), Some(header)) if input != header => {
            return Err(ApiError::bad_input(
                "the input's idempotencyKey and the Idempotency-Key header differ: send one of them",
            ));
        }
        (None, Some(_)) if !is_only_mutation(ctx) => {
            return Err(ApiError::bad_input(
                "the Idempotency-Key header serves one mutation only: with several, give each an idempotencyKey in its input",
            ));
        }
        (input, header) => input.or(header),
    };
    match key {
        None if rule == KeyRule::Required => Err(ApiError::bad_input(
            "this moves points or money: give it an idempotencyKey (a new UUID for each intent, the same for its retries)",
        )),
        Some(key) if !KEY_LENGTH.contains(&key.chars().count()) => Err(ApiError::bad_input(
            "an idempotency key has 1 to 128 characters",
        )),
        Some(key) if key.contains('\0') => Err(ApiError::bad_input(
            "an idempotency key has no NUL characters",
        )),
        key => Ok(Request {
            principal: caller.principal.clone(),
            // A person's, about what is theirs; commands of the staff say so themselves.
            origin: Origin::User,
            key: key.map(str::to_owned),
            hash: Request::hash_of(&canonical(input)),
            request_id: caller.request_id.clone(),
        }),
    }
}

/// The input without its key, as text that is the same for equal inputs.
fn canonical<I: InputType>(input: &I) -> String {
    match input.to_value() {
        Value::Object(mut fields) => {
            fields.shift_remove("idempotencyKey");
            fields.retain(|_, value| *value != Value::Null);
            Value::Object(fields).to_string()
        }
        other => other.to_string(),
    }
}

fn is_only_mutation(ctx: &Context<'_>) -> bool {
    let selected = &ctx.query_env.operation.node.selection_set.node.items;
    matches!(selected.as_slice(), [only] if matches!(only.node, Selection::Field(_)))
}
