//! One operation: found in its document, checked against the limits, charged, and executed.

use std::sync::Arc;

use async_graphql::parser::types::{
    DocumentOperations, OperationDefinition, OperationType, Selection,
};
use async_graphql::{Name, Request, Response};
use chrono::{DateTime, Utc};
use db::{ReadAfter, ReadFrom};
use domain::access::Principal;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use resolvers::errors::Code;
use resolvers::request::{self, Caller, Engine, Services};
use resolvers::strings::{self, NoCharacter};
use resolvers::variables;
use tokio::time::{Instant, timeout};

use super::HttpState;
use super::caller::Client;
use super::params::Params;
use super::persisted::Document;
use super::rate::{Buckets, Budget, RateKey};
use super::read_after;
use super::refusal::Refusal;
use super::reply::is_request_error;
use super::subscription::{after_first_poll, charged};
use crate::metrics::sample;
use crate::telemetry::names::{Author, name_of};
use crate::telemetry::operations::{OperationInfo, Recording, count_errors};

/// The cost of disconnecting during a query, in points.
const CANCELLATION_COST: u64 = 50;

/// Bytes of a document that cost a point.
const BYTES_PER_POINT: u64 = 1_024;

/// Characters of a parser's message, which quotes the line at fault.
const MAX_MESSAGE: usize = 500;

/// An operation that is ready to execute.
#[derive(Debug)]
pub struct Operation {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// The cost in points.
    pub cost: u64,
    /// The name in the document.
    name: Option<String>,
    /// The first root field.
    field: Option<String>,
    request: Request,
    document: Arc<Document>,
}

/// The caller and the request of an operation.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The caller.
    pub caller: Caller,
    /// The caller's bucket.
    pub rate_key: RateKey,
    /// The position of the caller's last write. None on sockets, which don't know what the caller wrote by HTTP: all reads
    /// use the primary.
    pub read_after: Option<ReadAfter>,
    /// The transport in metrics: `http`, `websocket`, `sse` or `multipart`.
    pub transport: &'static str,
}

/// An authenticated caller over HTTP.
#[derive(Clone, Debug)]
pub struct HttpCaller {
    /// Context of the request.
    pub context: RequestContext,
    /// Address and language.
    pub client: Client,
    /// Expiry of the token.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A parser's message without the rest of a long line.
fn shortened(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
}

/// Points of reading a document, which takes as long as its text, whatever it selects.
fn cost_of_text(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX) / BYTES_PER_POINT
}

impl Operation {
    /// Finds the document, checks its limits, parses it once, and finds the operation in it.
    pub fn of(mut params: Params, state: &HttpState) -> Result<Self, Refusal> {
        let document = state.documents.find(params.source)?;
        let limits = &state.settings.limits;
        limits.check_text(&document.text)?;
        let name = params.operation_name.as_deref();
        let text = strings::decode(&document.text).map_err(|NoCharacter(at)| Refusal {
            locations: vec![at],
            ..Refusal::request(
                Code::GraphqlParseFailed,
                "this escape stands for no character: write both halves of a surrogate pair",
            )
        })?;
        let mut request = Request::new(text);
        let parsed = request.parsed_query().map_err(|error| Refusal {
            locations: error.locations,
            ..Refusal::request(Code::GraphqlParseFailed, shortened(&error.message))
        })?;
        let (own_name, operation) = find(&parsed.operations, name)?;
        let kind = operation.ty;
        let (own_name, field) = (own_name.map(str::to_owned), first_field(operation));
        variables::normalize(&mut params.variables);
        let cost = limits.check(state.schema.types(), parsed, name, &params.variables)?;
        let cost = cost.saturating_add(cost_of_text(&document.text));
        request.operation_name = params.operation_name;
        request.variables = params.variables;
        Ok(Self {
            kind,
            cost,
            name: own_name,
            field,
            request,
            document: Arc::new(document),
        })
    }

    /// Takes the cost from the caller's bucket.
    pub fn charge(&self, state: &HttpState, context: &RequestContext) -> Result<Budget, Refusal> {
        metrics::histogram!("graphql_operation_cost").record(sample(self.cost));
        Ok(state
            .buckets
            .charge_operation(&context.rate_key, self.cost)?)
    }

    /// Executes a query or a mutation.
    ///
    /// Dropping the future, or a timeout, cancels a query; a mutation is completed without an answer.
    #[must_use]
    pub fn execute(
        self,
        state: &HttpState,
        context: RequestContext,
    ) -> BoxFuture<'_, Result<Response, Refusal>> {
        self.execute_and_count(state, context).boxed()
    }

    async fn execute_and_count(
        mut self,
        state: &HttpState,
        context: RequestContext,
    ) -> Result<Response, Refusal> {
        let started_at = Instant::now();
        let RequestContext { transport, .. } = context;
        let (kind, limit) = (self.kind, state.settings.request_timeout);
        let (document, name) = (Arc::clone(&self.document), self.name.take());
        let author = Author::of(&context.caller.principal);
        let mut pending = PendingAnswer {
            buckets: &state.buckets,
            rate_key: context.rate_key.clone(),
            transport,
            kind,
            is_over: false,
        };
        let recording = state
            .telemetry
            .operation(self.info(name.as_deref(), &context));
        let (response, timeout_message) = if kind == OperationType::Mutation {
            let services = services_for(state, &context, |_| ReadFrom::Primary);
            let db = services.db.clone();
            let executing = self.execute_detached(state, services, context.caller, recording);
            let message = "the mutation timed out and may still be completed: retry with the same idempotency key";
            let response = timeout(limit, executing).await;
            if response.is_err() {
                db.note_unknown_write();
            }
            (response, message)
        } else {
            let services = services_for(state, &context, read_after::server_for);
            let executing =
                request::execute(&state.schema, &services, context.caller, self.request);
            let message = "the query timed out: select less";
            (timeout(limit, recording.observe(executing)).await, message)
        };
        pending.is_over = true;
        // Only a document that passed validation is stored.
        let was_executed = response
            .as_ref()
            .is_ok_and(|response| !is_request_error(response));
        if was_executed {
            state.documents.store(&document);
        }
        if let Ok(response) = &response {
            count_errors(response);
        }
        let outcome = match &response {
            Ok(response) if response.is_ok() => "ok",
            Ok(_) => "error",
            Err(_) => "timeout",
        };
        let names = &state.telemetry.names;
        let author = author.filter(|_| was_executed);
        let name = names.operation(kind, name.as_deref(), author);
        let labels = labels_of(transport, kind, outcome, name);
        metrics::counter!("graphql_operations_total", &labels).increment(1);
        metrics::histogram!("graphql_operation_duration_seconds", &labels)
            .record(started_at.elapsed().as_secs_f64());
        response.map_err(|_| Refusal::timed_out(timeout_message))
    }

    /// Executes a subscription until the stream is dropped.
    #[must_use]
    pub fn subscribe(
        self,
        state: &HttpState,
        context: RequestContext,
    ) -> BoxStream<'static, Response> {
        let field = state.telemetry.names.subscription(self.field.as_deref());
        let info = self.info(self.name.as_deref(), &context);
        let rate_key = context.rate_key.clone();
        let names = Arc::clone(&state.telemetry.names);
        let documents = Arc::clone(&state.documents);
        let (kind, name, document) = (self.kind, self.name, self.document);
        let (transport, author) = (context.transport, Author::of(&context.caller.principal));
        let responses =
            request::execute_stream(&state.schema, &state.services, context.caller, self.request);
        let responses = after_first_poll(responses, move |was_executed| {
            if was_executed {
                documents.store(&document);
            }
            let author = author.filter(|_| was_executed);
            let name = names.operation(kind, name.as_deref(), author);
            let outcome = if was_executed { "started" } else { "error" };
            let labels = labels_of(transport, kind, outcome, name);
            metrics::counter!("graphql_operations_total", &labels).increment(1);
        });
        let responses = charged(responses, Arc::clone(&state.buckets), rate_key, self.cost);
        state.telemetry.subscription(info, field, responses)
    }

    fn info(&self, name: Option<&str>, context: &RequestContext) -> Arc<OperationInfo> {
        let document = Arc::clone(&self.document);
        let (transport, request_id) = (context.transport, &context.caller.request_id);
        OperationInfo::new(self.kind, name, document, self.cost, transport, request_id)
    }

    /// Executes in a task that a disconnecting client doesn't cancel.
    async fn execute_detached(
        self,
        state: &HttpState,
        services: Services,
        caller: Caller,
        recording: Recording,
    ) -> Response {
        let schema = state.schema.clone();
        let task = async move { request::execute(&schema, &services, caller, self.request).await };
        match state.tasks.spawn(recording.observe(task)).await {
            Ok(response) => response,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only the end of the runtime cancels the task, and with it this future.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// The services of an operation, which reads from the server that is chosen for its caller.
fn services_for(
    state: &HttpState,
    context: &RequestContext,
    server: fn(&Principal) -> ReadFrom,
) -> Services {
    let db = &state.services.db;
    let db = match &context.read_after {
        Some(read_after) => db.for_operation(server(&context.caller.principal), read_after),
        None => db.at_primary(),
    };
    Services {
        db,
        ..state.services.clone()
    }
}

/// The labels of an operation in metrics.
fn labels_of(
    transport: &'static str,
    kind: OperationType,
    outcome: &'static str,
    name: &'static str,
) -> [(&'static str, &'static str); 4] {
    let kind = name_of(kind);
    [
        ("transport", transport),
        ("kind", kind),
        ("outcome", outcome),
        ("operation", name),
    ]
}

/// An operation whose answer is pending. Dropping it before the end counts and charges the disconnection.
struct PendingAnswer<'a> {
    buckets: &'a Buckets,
    rate_key: RateKey,
    transport: &'static str,
    kind: OperationType,
    is_over: bool,
}

impl Drop for PendingAnswer<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // Cancelling a query closes its database connection, and a new one costs more than most queries.
        let outcome = if self.kind == OperationType::Query {
            self.buckets
                .charge_afterwards(&self.rate_key, CANCELLATION_COST);
            "cancelled"
        } else {
            "unheard"
        };
        let labels = labels_of(self.transport, self.kind, outcome, "any");
        metrics::counter!("graphql_operations_total", &labels).increment(1);
    }
}

/// Finds the operation to execute, and its name.
fn find<'a>(
    operations: &'a DocumentOperations,
    name: Option<&str>,
) -> Result<(Option<&'a str>, &'a OperationDefinition), Refusal> {
    let mut found = operations
        .iter()
        .map(|(known, operation)| (known.map(Name::as_str), &operation.node))
        .filter(|(known, _)| name.is_none() || *known == name);
    let refused = |message| Refusal::request(Code::OperationResolutionFailure, message);
    match (found.next(), found.next()) {
        (Some(operation), None) => Ok(operation),
        (None, _) => Err(refused("the document has no operation of this name")),
        (Some(_), Some(_)) => Err(refused(
            "the document has several operations: name one in operationName",
        )),
    }
}

/// The first root field that is selected without a fragment.
fn first_field(operation: &OperationDefinition) -> Option<String> {
    let mut selections = operation.selection_set.node.items.iter();
    selections.find_map(|selection| match &selection.node {
        Selection::Field(field) => Some(field.node.name.node.to_string()),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => None,
    })
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
    fn finds_the_only_or_the_named_operation() {
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
