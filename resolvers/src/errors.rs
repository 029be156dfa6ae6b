//! Errors: a closed list of codes, and nothing that slips through unmasked.

use async_graphql::{Error, ErrorExtensionValues, Interface, Response, ServerError, Value};
use db::DbError;
use domain::access::Denied;

use crate::mining::objects::MiningUserError;
use crate::platform::approvals::ApprovalUserError;

/// `extensions.reason` of the error that ends a subscription whose client reads too slowly.
pub const TOO_SLOW: &str = "TOO_SLOW";

/// The codes of top-level errors: what a developer must mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The document is no GraphQL.
    GraphqlParseFailed,
    /// The document doesn't fit the schema.
    GraphqlValidationFailed,
    /// A value the schema allows makes no sense.
    BadUserInput,
    /// The document has no such operation, or several and none was named.
    OperationResolutionFailure,
    /// Nobody sent this document's text yet.
    PersistedQueryNotFound,
    /// Stored documents are switched off.
    PersistedQueryNotSupported,
    /// Only documents known in advance are allowed.
    PersistedQueryNotAllowed,
    /// The HTTP request makes no sense.
    BadRequest,
    /// Nobody is signed in.
    Unauthenticated,
    /// Whoever is signed in may not do this.
    Forbidden,
    /// There is nothing there.
    NotFound,
    /// Another request stands in the way.
    Conflict,
    /// The document or the request is larger than allowed.
    LimitExceeded,
    /// Too much in too short a time.
    RateLimited,
    /// It took too long.
    Timeout,
    /// Something it needs is away: try again.
    Unavailable,
    /// A fault of ours.
    InternalServerError,
}

impl Code {
    /// The code as clients see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::OperationResolutionFailure => "OPERATION_RESOLUTION_FAILURE",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::PersistedQueryNotAllowed => "PERSISTED_QUERY_NOT_ALLOWED",
            Self::BadRequest => "BAD_REQUEST",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::RateLimited => "RATE_LIMITED",
            Self::Timeout => "TIMEOUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
        }
    }
}

/// What a person can mend: part of every payload, empty on success.
#[derive(Interface)]
#[graphql(
    field(name = "message", ty = "&String", desc = "For people."),
    field(
        name = "field",
        ty = "&Option<Vec<String>>",
        desc = "Path of the field of `input` it is about, if it is about one."
    )
)]
pub enum UserError {
    /// Of mining.
    Mining(MiningUserError),
    /// Of approvals.
    Approval(ApprovalUserError),
}

/// A top-level error of a resolver.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: Code,
    message: String,
    reason: Option<&'static str>,
    retry_after_seconds: Option<u32>,
}

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

    /// A value the schema allows, but that makes no sense.
    #[must_use]
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Code::BadUserInput, message)
    }

    pub(crate) fn because(self, reason: &'static str) -> Self {
        Self {
            reason: Some(reason),
            ..self
        }
    }

    fn retry_after(self, seconds: u32) -> Self {
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

/// Logs the fault: this is the boundary where it leaves our hands.
impl From<&DbError> for ApiError {
    fn from(fault: &DbError) -> Self {
        match fault {
            DbError::InProgress => {
                return Self::new(Code::Conflict, fault.to_string())
                    .because("IN_PROGRESS")
                    .retry_after(1);
            }
            DbError::KeyReused => {
                return Self::new(Code::Conflict, fault.to_string())
                    .because("IDEMPOTENCY_KEY_REUSED");
            }
            _ => tracing::error!(error = %fault, "Database fault: {fault}"),
        }
        match fault {
            DbError::OutcomeUnknown => Self::new(
                Code::Unavailable,
                "whether this was done is not known: send it again with the same idempotency key",
            )
            .because("OUTCOME_UNKNOWN")
            .retry_after(1),
            DbError::Unavailable(_) => {
                Self::new(Code::Unavailable, "the database is away: try again").retry_after(1)
            }
            DbError::Contended(_) => {
                Self::new(Code::Unavailable, "too many at once: try again").retry_after(1)
            }
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

/// What clients read of a fault of ours.
const MASKED: &str = "something went wrong on our side; name the request id when you report it";

/// A response to a request that never reached execution.
#[must_use]
pub fn refused(code: Code, message: impl Into<String>, request_id: &str) -> Response {
    let mut error = ServerError::new(message, None);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    extensions.set("requestId", request_id);
    error.extensions = Some(extensions);
    Response::from_errors(vec![error])
}

/// Characters of a message of the engine.
const LONGEST_MESSAGE: usize = 200;
/// How many errors a document that is refused is told.
const MAX_ERRORS_OF_A_DOCUMENT: usize = 5;

/// Gives every error its code, and masks what no resolver of ours said.
#[must_use]
pub fn finish(mut response: Response, request_id: &str) -> Response {
    let was_executed =
        response.data != Value::Null || response.errors.iter().any(|error| !error.path.is_empty());
    if !was_executed {
        // A document can be wrong in thousands of ways at once; a few of them are help enough.
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

/// Cuts a message of the engine, which repeats what it was sent.
fn shorten(message: &mut String) {
    if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
}

/// The code of an error that the engine found: before execution it is the document's, after it a value's.
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
