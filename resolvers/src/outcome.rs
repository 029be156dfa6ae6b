//! What becomes of a command: what it did, or a payload that holds nothing but why it was refused.

use async_graphql::Context;
use async_graphql::resolver_utils::EnumType;
use db::idempotency::{Answer, Refused};

use crate::errors::{ApiError, Code};
use crate::language::Language;
use crate::request::{Asked, note_replay};

/// A context's user errors.
pub(crate) trait UserError: Sized {
    /// A refusal as the payload shows it.
    fn of(refused: Refused, language: Language) -> Result<Self, ApiError>;
}

/// A mutation's payload: [`payloads`] declares them.
pub(crate) trait Payload: Default {
    /// What it is refused with.
    type Error: UserError;

    /// Nothing but why.
    fn refused(error: Self::Error) -> Self;
}

/// Declares the payloads of a file, with the user errors they hold.
macro_rules! payloads {
    ($error:ty: $($payload:ty),+ $(,)?) => {
        $(impl $crate::outcome::Payload for $payload {
            type Error = $error;

            fn refused(error: $error) -> Self {
                Self {
                    user_errors: vec![error],
                    ..Self::default()
                }
            }
        })+
    };
}
pub(crate) use payloads;

/// What a command did, or the payload that says why not. Notes a replay.
pub(crate) fn outcome<T, P: Payload>(
    ctx: &Context<'_>,
    answer: Answer<T>,
) -> Result<Result<T, P>, ApiError> {
    if answer.is_replay {
        note_replay(ctx);
    }
    let language = ctx.operation().caller.language;
    Ok(match answer.outcome {
        Ok(done) => Ok(done),
        Err(refused) => Err(P::refused(P::Error::of(refused, language)?)),
    })
}

/// A refusal's code as the schema has it.
pub(crate) fn code_of<E: EnumType + Copy>(refused: &Refused) -> Result<E, ApiError> {
    E::items()
        .iter()
        .find(|item| item.name == refused.code)
        .map(|item| item.value)
        .ok_or_else(|| {
            tracing::error!(code = refused.code, "Unknown refusal {}", refused.code);
            ApiError::new(Code::InternalServerError, "an unknown refusal")
        })
}
