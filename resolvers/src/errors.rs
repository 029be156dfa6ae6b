//! Top-level errors: a closed list of codes; messages of unknown errors are masked.

use async_graphql::{Error, ErrorExtensionValues, Response, ServerError, Value};
use db::DbError;
use domain::access::Denied;
use strum::IntoStaticStr;

/// `extensions.reason` of the error that disconnects a slow subscriber.
pub const TOO_SLOW: &str = "TOO_SLOW";

/// Codes of top-level errors, which a developer has to fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not match the schema.
    GraphqlValidationFailed,
    /// A value that the schema allows is invalid.
    BadUserInput,
    /// The document has no operation of this name, or several and no name is given.
    OperationResolutionFailure,
    /// The text of the persisted document is not known.
    PersistedQueryNotFound,
    /// Persisted documents are switched off.
    PersistedQueryNotSupported,
    /// Only documents of the allow list are executed.
    PersistedQueryNotAllowed,
    /// The HTTP request is malformed.
    BadRequest,
    /// The caller is anonymous.
    Unauthenticated,
    /// The caller lacks the role or scope.
    Forbidden,
    /// The object does not exist, or the caller may not see it.
    NotFound,
    /// Another request with this idempotency key runs, or has another input.
    Conflict,
    /// The document, the request or the queue of a subscriber is larger than allowed.
    LimitExceeded,
    /// The caller sent too many requests.
    RateLimited,
    /// A timeout passed.
    Timeout,
    /// A dependency is unavailable; retry.
    Unavailable,
    /// A fault of the server.
    InternalServerError,
}

impl Code {
    /// The code as clients see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Result of a resolver.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

/// A top-level error of a resolver.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: Code,
    message: String,
    reason: Option<&'static str>,
    retry_after_seconds: Option<u32>,
}

/// A nullable field: an error nulls this field only.
pub(crate) type Loaded<T> = Option<Result<T>>;

impl ApiError {
    /// An error with a code and a text for developers.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            reason: None,
            retry_after_seconds: None,
        }
    }

    /// A value that the schema allows, but that is invalid.
    #[must_use]
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Code::BadUserInput, message)
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    pub(crate) fn because(self, reason: &'static str) -> Self {
        Self {
            reason: Some(reason),
            ..self
        }
    }

    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self {
            retry_after_seconds: Some(seconds),
            ..self
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::Unauthenticated => Code::Unauthenticated,
            Denied::Forbidden => Code::Forbidden,
        };
        Self::new(code, denied.to_string())
    }
}

impl From<DbError> for ApiError {
    fn from(fault: DbError) -> Self {
        Self::from(&fault)
    }
}

impl From<std::sync::Arc<DbError>> for ApiError {
    fn from(fault: std::sync::Arc<DbError>) -> Self {
        Self::from(&*fault)
    }
}

/// Logs the fault, which clients do not see.
impl From<&DbError> for ApiError {
    fn from(fault: &DbError) -> Self {
        match fault {
            DbError::InProgress | DbError::OwnerBusy => {
                return Self::new(Code::Conflict, fault.to_string())
                    .because("IN_PROGRESS")
                    .retry_after(1);
            }
            DbError::TextInvalid
            | DbError::LeastInvalid
            | DbError::IssuerForeign
            | DbError::IssuerMissing
            | DbError::OwnerRequired
            | DbError::UserRequired
            | DbError::UserSuperfluous
            | DbError::OrderRequired => {
                return Self::bad_input(fault.to_string());
            }
            DbError::OwnerForeign => return Self::new(Code::Forbidden, fault.to_string()),
            DbError::IssuerUnknown => {
                return Self::new(Code::Forbidden, fault.to_string()).because("ISSUER_UNKNOWN");
            }
            DbError::KeyReused => {
                return Self::new(Code::Conflict, fault.to_string())
                    .because("IDEMPOTENCY_KEY_REUSED");
            }
            DbError::KeysExceeded {
                retry_after_seconds,
            } => {
                return Self::new(Code::RateLimited, fault.to_string())
                    .because("IDEMPOTENCY_KEYS")
                    .retry_after(*retry_after_seconds);
            }
            _ => tracing::error!(error = %fault, "Database fault: {fault}"),
        }
        match fault {
            DbError::OutcomeUnknown => Self::new(
                Code::Unavailable,
                "the outcome is unknown: retry with the same idempotency key, or read the state before sending a command without one again",
            )
            .because("OUTCOME_UNKNOWN")
            .retry_after(1),
            DbError::Unavailable(_)
            | DbError::PoolExhausted
            | DbError::LimitReached(_)
            | DbError::Closed(_) => {
                Self::new(Code::Unavailable, "the database is unavailable: retry").retry_after(1)
            }
            DbError::Contended(_) => {
                Self::new(Code::Unavailable, "too many concurrent changes: retry").retry_after(1)
            }
            DbError::AllTaken => Self::new(
                Code::Unavailable,
                "others are taking what is left: retry, one may become free",
            )
            .retry_after(1),
            DbError::Timeout(_) => Self::new(Code::Timeout, "the database took too long"),
            _ => Self::new(Code::InternalServerError, MASKED),
        }
    }
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.code.as_str());
        if let Some(reason) = error.reason {
            extensions.set("reason", reason);
        }
        if let Some(seconds) = error.retry_after_seconds {
            extensions.set("retryAfterSeconds", seconds);
        }
        Self {
            message: error.message,
            source: None,
            extensions: Some(extensions),
        }
    }
}

/// Message of a fault of the server.
const MASKED: &str = "internal error; report it with the request id";

/// The response to a request that is not executed.
#[must_use]
pub fn refused(code: Code, message: impl Into<String>, request_id: &str) -> Response {
    let mut error = ServerError::new(message, None);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    extensions.set("requestId", request_id);
    error.extensions = Some(extensions);
    Response::from_errors(vec![error])
}

/// Most characters of a message of the engine.
const LONGEST_MESSAGE: usize = 200;
/// Most errors in the response to an invalid document.
const MAX_ERRORS_OF_A_DOCUMENT: usize = 5;

/// Gives every error its code, and masks errors without one.
#[must_use]
pub fn finish(mut response: Response, request_id: &str) -> Response {
    let was_executed =
        response.data != Value::Null || response.errors.iter().any(|error| !error.path.is_empty());
    if !was_executed {
        // A document can have thousands of errors; the first ones are enough.
        response.errors.truncate(MAX_ERRORS_OF_A_DOCUMENT);
    }
    for error in &mut response.errors {
        let known = error
            .extensions
            .as_ref()
            .is_some_and(|extensions| extensions.get("code").is_some());
        if !known {
            let code = code_of_engine(error, was_executed);
            if code == Code::InternalServerError {
                tracing::error!(request_id, error = %error.message, "Masked an error: {}", error.message);
                MASKED.clone_into(&mut error.message);
            }
            shorten(&mut error.message);
            error
                .extensions
                .get_or_insert_default()
                .set("code", code.as_str());
        }
        error
            .extensions
            .get_or_insert_default()
            .set("requestId", request_id);
        error.source = None;
    }
    response
}

/// Shortens a message of the engine, which can contain the whole input.
fn shorten(message: &mut String) {
    if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
}

/// The code of an engine error: before execution the document is at fault, later a value or the server.
fn code_of_engine(error: &ServerError, was_executed: bool) -> Code {
    let is_about_a_value = ["Failed to parse", "Expected input type", "Invalid value"]
        .iter()
        .any(|start| error.message.starts_with(start));
    match (was_executed, is_about_a_value) {
        (false, _) => Code::GraphqlValidationFailed,
        (true, true) => Code::BadUserInput,
        (true, false) => Code::InternalServerError,
    }
}
