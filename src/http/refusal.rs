//! Refused requests: the reason, and its GraphQL and HTTP forms.

use std::borrow::Cow;

use async_graphql::{Pos, Response};
use axum::http::StatusCode;
use resolvers::errors::{self, Code};
use resolvers::limits::{Excess, Problem};

use super::rate::RateExceeded;

/// The reason why a request is not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Determines the HTTP status.
    pub kind: Kind,
    /// The error code.
    pub code: Code,
    /// The message for developers.
    pub message: Cow<'static, str>,
    /// Positions in the document.
    pub locations: Vec<Pos>,
    /// The exceeded limit.
    pub excess: Option<Excess>,
    /// Seconds until a retry may succeed.
    pub retry_after_seconds: Option<u32>,
}

/// The kind of a refusal. The HTTP status depends on it and on the media type of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Always this status.
    Http(StatusCode),
    /// The request is not well-formed: always 400.
    Malformed,
    /// The request can't be executed: 400 for `application/graphql-response+json`, else 200.
    Request,
    /// The client has to send the document that it named. Apollo's clients for iOS require a status of success, so clients
    /// that accept `application/json` get that type with 200; others get 400.
    DocumentNeeded,
    /// The execution timed out: 504 for `application/graphql-response+json`, else 200.
    TimedOut,
}

impl From<Excess> for Refusal {
    fn from(excess: Excess) -> Self {
        Self {
            excess: Some(excess),
            ..Self::request(Code::LimitExceeded, excess.to_string())
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Excess(excess) => excess.into(),
            Problem::Invalid { message, at } => Self {
                locations: vec![at],
                ..Self::request(Code::GraphqlValidationFailed, message)
            },
            Problem::Variable { message, at } => Self {
                locations: vec![at],
                ..Self::request(Code::BadUserInput, message)
            },
        }
    }
}

impl From<RateExceeded> for Refusal {
    fn from(exceeded: RateExceeded) -> Self {
        let seconds = exceeded.retry_after_seconds;
        let message = format!("rate exceeded: try again in {seconds} s");
        Self {
            retry_after_seconds: Some(seconds),
            ..Self::http(StatusCode::TOO_MANY_REQUESTS, message)
        }
    }
}

impl Refusal {
    /// Refuses a request with this status.
    pub fn http(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let code = match status {
            StatusCode::UNAUTHORIZED => Code::Unauthenticated,
            StatusCode::FORBIDDEN => Code::Forbidden,
            StatusCode::REQUEST_TIMEOUT => Code::Timeout,
            StatusCode::PAYLOAD_TOO_LARGE => Code::LimitExceeded,
            StatusCode::TOO_MANY_REQUESTS => Code::RateLimited,
            StatusCode::INTERNAL_SERVER_ERROR => Code::InternalServerError,
            StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
            _ => Code::BadRequest,
        };
        Self::new(Kind::Http(status), code, message)
    }

    /// Refuses a request that is not well-formed.
    pub fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Malformed, Code::BadRequest, message)
    }

    /// Refuses a GraphQL request that can't be executed.
    pub fn request(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Request, code, message)
    }

    /// Asks for the document that the request named.
    pub fn document_needed(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::DocumentNeeded, code, message)
    }

    /// Reports a timeout of the execution.
    pub fn timed_out(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::TimedOut, Code::Timeout, message)
    }

    fn new(kind: Kind, code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            code,
            message: message.into(),
            locations: Vec::new(),
            excess: None,
            retry_after_seconds: None,
        }
    }

    /// The GraphQL response.
    #[must_use]
    pub fn into_response(self, request_id: &str) -> Response {
        metrics::counter!("graphql_errors_total", "code" => self.code.as_str()).increment(1);
        let mut response = errors::refused(self.code, self.message, request_id);
        for error in &mut response.errors {
            error.locations.clone_from(&self.locations);
            let extensions = error.extensions.get_or_insert_default();
            if let Some(excess) = self.excess {
                extensions.set("limit", excess.limit);
                extensions.set("maximum", excess.maximum);
                extensions.set("value", excess.value);
            }
            if let Some(seconds) = self.retry_after_seconds {
                extensions.set("retryAfterSeconds", seconds);
            }
        }
        response
    }
}
