//! Why a request never reached execution, and what its sender is told.

use std::borrow::Cow;

use async_graphql::{Pos, Response};
use axum::http::StatusCode;
use resolvers::errors::{self, Code};
use resolvers::limits::{Excess, Problem};

use super::rate::TooMuch;

/// Why a request never reached execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which status it has over HTTP.
    pub kind: Kind,
    /// Its code.
    pub code: Code,
    /// For developers.
    pub message: Cow<'static, str>,
    /// Where in the document it is wrong.
    pub locations: Vec<Pos>,
    /// The limit it is over.
    pub excess: Option<Excess>,
    /// When to try again.
    pub retry_after_seconds: Option<u32>,
}

/// Which status a refusal has: part of it is the specification's, part depends on what the client understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This one, whoever asks.
    Http(StatusCode),
    /// It is no GraphQL request: 400, whatever the client understands.
    Malformed,
    /// It is a GraphQL request, but not one to execute: 400 for clients that know `application/graphql-response+json`.
    Request,
    /// It names a document that it has to send: a step on the way, which Apollo's clients for iOS take only at a status
    /// of success. So who takes `application/json` gets that, and 200; else it is 400.
    Unsent,
    /// It was executed for too long: 504 for the same clients.
    Late,
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
        }
    }
}

impl From<TooMuch> for Refusal {
    fn from(
        TooMuch {
            retry_after_seconds,
        }: TooMuch,
    ) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::http(
                StatusCode::TOO_MANY_REQUESTS,
                Code::RateLimited,
                format!("too much at once: try again in {retry_after_seconds} s"),
            )
        }
    }
}

impl Refusal {
    /// A request that is refused by its method, its headers or its size.
    pub fn http(status: StatusCode, code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Http(status), code, message)
    }

    /// Something that is no GraphQL request.
    pub fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Malformed, Code::BadRequest, message)
    }

    /// A GraphQL request that can't be executed.
    pub fn request(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Request, code, message)
    }

    /// A request that names its document and has to send it.
    pub fn unsent(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unsent, code, message)
    }

    /// A request whose execution took too long.
    pub fn late(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Late, Code::Timeout, message)
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

    /// The refusal as GraphQL.
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
