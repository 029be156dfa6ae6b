//! Tells which operation of its document a request means, what it may cost, and executes it.

use std::sync::Arc;

use async_graphql::parser::types::{
    DocumentOperations, OperationDefinition, OperationType, Selection,
};
use async_graphql::{Name, Request, Response};
use domain::access::Principal;
use futures_util::stream::BoxStream;
use resolvers::errors::Code;
use resolvers::language::Language;
use resolvers::request::{self, Caller};
use tokio::time::{Instant, timeout};

use super::HttpState;
use super::params::Asked;
use super::persisted::Document;
use super::rate::{Buckets, Budget, Payer};
use super::refusal::Refusal;
use super::reply::is_request_error;
use super::subscribing::{after_first_look, paid};
use crate::telemetry::names::name_of;
use crate::telemetry::operations::{OperationInfo, Recording, count_errors};

/// What it costs to hang up on a query, in points.
const CANCELLED: u64 = 50;

/// An operation that is ready to execute.
#[derive(Debug)]
pub struct Operation {
    /// What it does.
    pub kind: OperationType,
    /// What it may cost, in points.
    pub cost: u64,
    /// What it is called in its document.
    name: Option<String>,
    /// What it asks for first.
    field: Option<String>,
    request: Request,
    document: Arc<Document>,
}

/// Who wants it executed, and over what.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Who.
    pub principal: Principal,
    /// Whose budget it is.
    pub payer: Payer,
    /// The name of the request.
    pub request_id: String,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// What messages for people are written in.
    pub language: Language,
    /// For the metrics: `http`, `websocket`, `sse` or `multipart`.
    pub transport: &'static str,
}

impl Asking {
    /// Takes what a request costs by having come, before anybody looks at it.
    pub fn arrive(&self, state: &HttpState) -> Result<(), Refusal> {
        Ok(state.buckets.arrive(&self.payer)?)
    }
}

impl Operation {
    /// Finds the document, holds it against the limits, parses it, once, and finds the operation in it.
    pub fn of(asked: Asked, state: &HttpState) -> Result<Self, Refusal> {
        let document = state.documents.find(asked.source)?;
        let limits = &state.settings.limits;
        limits.check_text(&document.text)?;
        let name = asked.operation_name.as_deref();
        let mut request = Request::new(document.text.as_str());
        let parsed = request.parsed_query().map_err(|error| Refusal {
            locations: error.locations,
            ..Refusal::request(Code::GraphqlParseFailed, error.message)
        })?;
        let (called, operation) = find(&parsed.operations, name)?;
        let kind = operation.ty;
        let (called, field) = (called.map(str::to_owned), first_field(operation));
        let cost = limits.check(&state.schema, parsed, name, &asked.variables)?;
        request.operation_name = asked.operation_name;
        request.variables = asked.variables;
        Ok(Self {
            kind,
            cost,
            name: called,
            field,
            request,
            document: Arc::new(document),
        })
    }

    /// Takes what it costs from its caller's budget.
    pub fn pay(&self, state: &HttpState, asking: &Asking) -> Result<Budget, Refusal> {
        metrics::histogram!("graphql_operation_cost").record(cost_of(self.cost));
        Ok(state.buckets.pay(&asking.payer, self.cost)?)
    }

    /// Executes a query or a mutation. Dropping it stops a query; a mutation runs to its end.
    ///
    /// A query that takes too long is stopped; a mutation that does goes on, unheard.
    pub async fn execute(mut self, state: &HttpState, asking: Asking) -> Result<Response, Refusal> {
        let started_at = Instant::now();
        let Asking { transport, .. } = asking;
        let (kind, limit) = (self.kind, state.settings.request_timeout);
        let (document, name) = (Arc::clone(&self.document), self.name.take());
        let may_name = may_name(&asking.principal);
        let mut answering = Answering {
            buckets: &state.buckets,
            payer: asking.payer.clone(),
            transport,
            kind,
            is_over: false,
        };
        let recording = state
            .telemetry
            .operation(self.info(name.as_deref(), &asking));
        let (response, late) = if kind == OperationType::Mutation {
            let executing = self.execute_to_the_end(state, asking, recording);
            let late = "this takes too long to wait for, and may still be done: ask again with the same idempotency key";
            (timeout(limit, executing).await, late)
        } else {
            let executing =
                request::execute(&state.schema, &state.services, asking.into(), self.request);
            let late = "this took too long: ask for less";
            (timeout(limit, recording.observe(executing)).await, late)
        };
        answering.is_over = true;
        // Only now it has turned out to be one: what is no GraphQL of ours is not worth remembering.
        let was_executed = response
            .as_ref()
            .is_ok_and(|response| !is_request_error(response));
        if was_executed {
            state.documents.remember(&document);
        }
        if let Ok(response) = &response {
            count_errors(response);
        }
        let outcome = match &response {
            Ok(response) if response.is_ok() => "ok",
            Ok(_) => "error",
            Err(_) => "timeout",
        };
        let labels = [
            ("transport", transport),
            ("kind", name_of(kind)),
            ("outcome", outcome),
            (
                "operation",
                state
                    .telemetry
                    .names
                    .operation(kind, name.as_deref(), was_executed && may_name),
            ),
        ];
        metrics::counter!("graphql_operations_total", &labels).increment(1);
        metrics::histogram!("graphql_operation_duration_seconds", &labels)
            .record(started_at.elapsed().as_secs_f64());
        response.map_err(|_| Refusal::late(late))
    }

    /// Executes a subscription, until it is dropped.
    #[must_use]
    pub fn subscribe(self, state: &HttpState, asking: Asking) -> BoxStream<'static, Response> {
        let field = state.telemetry.names.subscription(self.field.as_deref());
        let info = self.info(self.name.as_deref(), &asking);
        let payer = asking.payer.clone();
        let (names, documents) = (
            Arc::clone(&state.telemetry.names),
            Arc::clone(&state.documents),
        );
        let (kind, name, document) = (self.kind, self.name, self.document);
        let (transport, may_name) = (asking.transport, may_name(&asking.principal));
        let responses =
            request::execute_stream(&state.schema, &state.services, asking.into(), self.request);
        let responses = after_first_look(responses, move |was_executed| {
            if was_executed {
                documents.remember(&document);
            }
            let is_known = was_executed && may_name;
            let labels = [
                ("transport", transport),
                ("kind", name_of(kind)),
                ("outcome", if was_executed { "started" } else { "error" }),
                (
                    "operation",
                    names.operation(kind, name.as_deref(), is_known),
                ),
            ];
            metrics::counter!("graphql_operations_total", &labels).increment(1);
        });
        let responses = paid(responses, Arc::clone(&state.buckets), payer, self.cost);
        state.telemetry.subscription(info, field, responses)
    }

    fn info(&self, name: Option<&str>, asking: &Asking) -> Arc<OperationInfo> {
        OperationInfo::new(self.kind, name, Arc::clone(&self.document)).with_request(
            self.cost,
            asking.transport,
            &asking.request_id,
        )
    }

    async fn execute_to_the_end(
        self,
        state: &HttpState,
        asking: Asking,
        recording: Recording,
    ) -> Response {
        let (schema, services) = (state.schema.clone(), state.services.clone());
        let task =
            async move { request::execute(&schema, &services, asking.into(), self.request).await };
        match state.tasks.spawn(recording.observe(task)).await {
            Ok(response) => response,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only the end of the runtime stops it, and with that nobody waits here any more.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// Whether a caller's names of operations become labels of metrics: there is room for so many, and strangers could
/// invent them all.
fn may_name(principal: &Principal) -> bool {
    *principal != Principal::Anonymous
}

/// An operation that is being answered. Dropped before its end, nobody listens any more: that is counted, and costs.
struct Answering<'a> {
    buckets: &'a Buckets,
    payer: Payer,
    transport: &'static str,
    kind: OperationType,
    is_over: bool,
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // A query is stopped, and its connection to the database with it: making another is dearer than most queries.
        let outcome = if self.kind == OperationType::Query {
            self.buckets.charge(&self.payer, CANCELLED);
            "cancelled"
        } else {
            "unheard"
        };
        let labels = [
            ("transport", self.transport),
            ("kind", name_of(self.kind)),
            ("outcome", outcome),
            ("operation", "any"),
        ];
        metrics::counter!("graphql_operations_total", &labels).increment(1);
    }
}

impl From<Asking> for Caller {
    fn from(asking: Asking) -> Self {
        Self {
            principal: asking.principal,
            request_id: asking.request_id,
            idempotency_key: asking.idempotency_key,
            language: asking.language,
        }
    }
}

/// Finds the operation a request means, and what its document calls it.
fn find<'a>(
    operations: &'a DocumentOperations,
    name: Option<&str>,
) -> Result<(Option<&'a str>, &'a OperationDefinition), Refusal> {
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
        .map(|(name, operation)| (name.map(Name::as_str), &operation.node))
        .ok_or_else(|| {
            Refusal::request(
                Code::OperationResolutionFailure,
                "the document has no operation of this name",
            )
        })
}

/// The first field an operation selects itself.
fn first_field(operation: &OperationDefinition) -> Option<String> {
    let mut selections = operation.selection_set.node.items.iter();
    selections.find_map(|selection| match &selection.node {
        Selection::Field(field) => Some(field.node.name.node.to_string()),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => None,
    })
}

/// For the metrics, where no cost is so high that it matters.
fn cost_of(cost: u64) -> f64 {
    f64::from(u32::try_from(cost).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, name: Option<&str>) -> Result<OperationType, Code> {
        let document = async_graphql::parser::parse_query(query).expect("a document");
        find(&document.operations, name)
            .map(|(_, operation)| operation.ty)
            .map_err(|refusal| refusal.code)
    }

    #[test]
    fn the_operation_is_the_only_one_or_the_named_one() {
        assert_eq!(found("{a}", None), Ok(OperationType::Query));
        assert_eq!(found("mutation M {a}", None), Ok(OperationType::Mutation));
        let both = "query Q {a} mutation M {a} subscription S {a}";
        assert_eq!(found(both, Some("M")), Ok(OperationType::Mutation));
        assert_eq!(found(both, Some("S")), Ok(OperationType::Subscription));
        for (query, name) in [
            (both, None),
            (both, Some("X")),
            ("{a}", Some("Q")),
            ("query Q {a}", Some("q")),
        ] {
            assert_eq!(
                found(query, name),
                Err(Code::OperationResolutionFailure),
                "{query} {name:?}"
            );
        }
    }
}
