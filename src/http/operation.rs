//! Tells which operation of its document a request means, and executes it.

use async_graphql::parser::types::{DocumentOperations, OperationType};
use async_graphql::{Request, Response};
use domain::access::Principal;
use futures_util::stream::BoxStream;
use resolvers::errors::Code;
use resolvers::request::{self, Caller};
use tokio::time::Instant;

use super::HttpState;
use super::refusal::Refusal;

/// An operation that is ready to execute.
#[derive(Debug)]
pub struct Operation {
    /// What it does.
    pub kind: OperationType,
    request: Request,
}

/// Who wants it executed, and over what.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Who.
    pub principal: Principal,
    /// The name of the request.
    pub request_id: String,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// For the metrics: `http` or `websocket`.
    pub transport: &'static str,
}

impl Operation {
    /// Parses the document, once, and finds the operation in it.
    pub fn of(mut request: Request) -> Result<Self, Refusal> {
        let name = request.operation_name.clone();
        let document = request.parsed_query().map_err(|error| Refusal {
            locations: error.locations,
            ..Refusal::request(Code::GraphqlParseFailed, error.message)
        })?;
        let kind = find(&document.operations, name.as_deref())?;
        Ok(Self { kind, request })
    }

    /// Executes a query or a mutation. Dropping it stops a query; a mutation runs to its end.
    pub async fn execute(self, state: &HttpState, asking: Asking) -> Response {
        let started_at = Instant::now();
        let Asking { transport, .. } = asking;
        let kind = self.kind;
        let response = match kind {
            OperationType::Mutation => self.execute_to_the_end(state, asking).await,
            _ => {
                request::execute(&state.schema, &state.services, asking.into(), self.request).await
            }
        };
        let outcome = if response.is_ok() { "ok" } else { "error" };
        let labels = [
            ("transport", transport),
            ("kind", name_of(kind)),
            ("outcome", outcome),
        ];
        metrics::counter!("graphql_operations_total", &labels).increment(1);
        metrics::histogram!("graphql_operation_duration_seconds", &labels)
            .record(started_at.elapsed().as_secs_f64());
        response
    }

    /// Executes a subscription, until it is dropped.
    #[must_use]
    pub fn subscribe(self, state: &HttpState, asking: Asking) -> BoxStream<'static, Response> {
        let labels = [
            ("transport", asking.transport),
            ("kind", name_of(self.kind)),
            ("outcome", "started"),
        ];
        metrics::counter!("graphql_operations_total", &labels).increment(1);
        request::execute_stream(&state.schema, &state.services, asking.into(), self.request)
    }

    async fn execute_to_the_end(self, state: &HttpState, asking: Asking) -> Response {
        use tracing::Instrument;
        let (schema, services) = (state.schema.clone(), state.services.clone());
        let task =
            async move { request::execute(&schema, &services, asking.into(), self.request).await };
        match state.tasks.spawn(task.in_current_span()).await {
            Ok(response) => response,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only the end of the runtime stops it, and with that nobody waits here any more.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl From<Asking> for Caller {
    fn from(asking: Asking) -> Self {
        Self {
            principal: asking.principal,
            request_id: asking.request_id,
            idempotency_key: asking.idempotency_key,
        }
    }
}

fn find(operations: &DocumentOperations, name: Option<&str>) -> Result<OperationType, Refusal> {
    let found = match name {
        Some(name) => operations
            .iter()
            .find(|(known, _)| known.is_some_and(|known| known == name)),
        None if operations.iter().len() > 1 => {
            return Err(Refusal::request(
                Code::OperationResolutionFailure,
                "the document has several operations: name one in operationName",
            ));
        }
        None => operations.iter().next(),
    };
    found
        .map(|(_, operation)| operation.node.ty)
        .ok_or_else(|| {
            Refusal::request(
                Code::OperationResolutionFailure,
                "the document has no operation of this name",
            )
        })
}

fn name_of(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str, name: Option<&str>) -> Result<OperationType, Code> {
        let mut request = Request::new(query);
        request.operation_name = name.map(str::to_owned);
        Operation::of(request)
            .map(|operation| operation.kind)
            .map_err(|refusal| refusal.code)
    }

    #[test]
    fn the_operation_is_the_only_one_or_the_named_one() {
        assert_eq!(of("{a}", None), Ok(OperationType::Query));
        assert_eq!(of("mutation M {a}", None), Ok(OperationType::Mutation));
        let both = "query Q {a} mutation M {a} subscription S {a}";
        assert_eq!(of(both, Some("M")), Ok(OperationType::Mutation));
        assert_eq!(of(both, Some("S")), Ok(OperationType::Subscription));
        for (query, name) in [
            (both, None),
            (both, Some("X")),
            ("{a}", Some("Q")),
            ("query Q {a}", Some("q")),
        ] {
            assert_eq!(
                of(query, name),
                Err(Code::OperationResolutionFailure),
                "{query} {name:?}"
            );
        }
    }

    #[test]
    fn what_is_no_document_is_refused_with_its_place() {
        let refusal = Operation::of(Request::new("{\n  a(")).unwrap_err();
        assert_eq!(refusal.code, Code::GraphqlParseFailed);
        assert_eq!(refusal.locations.first().map(|at| at.line), Some(2));
        assert_eq!(
            of("fragment F on Q {a}", None),
            Err(Code::GraphqlParseFailed)
        );
    }
}
