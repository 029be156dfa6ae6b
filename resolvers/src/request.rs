//! What an operation carries: who asks, its loaders, what it replayed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{Timer, TokioSpawner};
use async_graphql::{Context, Request, Response, Value};
use db::Db;
use domain::access::{Action, Person, Principal, Relation};
use domain::mining::Configuration;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use tokio::sync::OnceCell;

use crate::Schema;
use crate::errors::{self, ApiError};
use crate::events::EventBus;
use crate::mining::loaders::MiningLoader;
use crate::wallets::loaders::WalletLoader;

/// What every operation is built over. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Services {
    /// The database.
    pub db: Db,
    /// What happens, as it happens.
    pub events: EventBus,
    /// What the server says of itself.
    pub about: Arc<About>,
}

/// What the server says of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// Its version.
    pub version: &'static str,
    /// `development` or `production`.
    pub environment: &'static str,
}

/// Who asks, and how to name the request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The request's id, in logs and errors.
    pub request_id: String,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
}

/// One operation: a fresh set of loaders, shared with nobody.
pub(crate) struct Operation {
    pub services: Services,
    pub caller: Caller,
    pub mining: DataLoader<MiningLoader>,
    pub wallets: DataLoader<WalletLoader>,
    configuration: OnceCell<Arc<Configuration>>,
    replays: Mutex<Vec<Value>>,
}

impl Operation {
    fn new(services: &Services, caller: Caller) -> Self {
        Self {
            mining: loader(MiningLoader::new(services.db.clone())),
            wallets: loader(WalletLoader::new(services.db.clone())),
            services: services.clone(),
            caller,
            configuration: OnceCell::new(),
            replays: Mutex::default(),
        }
    }
}

fn loader<L: Send + Sync + 'static>(loader: L) -> DataLoader<L> {
    // Larger than any allowed operation: one level of a query is one statement.
    DataLoader::new(loader, TokioSpawner::current(), YieldTimer).max_batch_size(100_000)
}

/// Waits for other resolvers of the same level to ask too: two turns of the scheduler instead of a millisecond.
struct YieldTimer;

impl Timer for YieldTimer {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {
            for _ in 0..2 {
                tokio::task::yield_now().await;
            }
        })
    }
}

/// Executes a query or a mutation and finishes its response: codes, masking, extensions.
pub async fn execute(
    schema: &Schema,
    services: &Services,
    caller: Caller,
    request: Request,
) -> Response {
    let request_id = caller.request_id.clone();
    let operation = Arc::new(Operation::new(services, caller));
    let response = schema.execute(request.data(Arc::clone(&operation))).await;
    errors::finish(with_replays(response, &operation), &request_id)
}

/// Executes any operation as a stream of finished responses: one for a query or a mutation.
pub fn execute_stream(
    schema: &Schema,
    services: &Services,
    caller: Caller,
    request: Request,
) -> BoxStream<'static, Response> {
    let request_id = caller.request_id.clone();
    let operation = Arc::new(Operation::new(services, caller));
    schema
        .execute_stream(request.data(Arc::clone(&operation)))
        .map(move |response| errors::finish(with_replays(response, &operation), &request_id))
        .boxed()
}

/// Lists the paths that answered what was stored before.
fn with_replays(response: Response, operation: &Operation) -> Response {
    let replays = std::mem::take(
        &mut *operation
            .replays
            .lock()
            .unwrap_or_else(PoisonError::into_inner),
    );
    if replays.is_empty() {
        response
    } else {
        response.extension("idempotentReplay", Value::List(replays))
    }
}

/// What resolvers ask of their context.
pub(crate) trait Asked {
    /// The operation.
    fn operation(&self) -> &Operation;

    /// The database.
    fn db(&self) -> &Db {
        &self.operation().services.db
    }

    /// Who asks.
    fn principal(&self) -> &Principal {
        &self.operation().caller.principal
    }

    /// Whether the caller may, asked where no is just not found.
    fn may(&self, action: Action, relation: impl Into<Relation>) -> bool {
        self.principal().may(action, relation.into())
    }
}

impl Asked for Context<'_> {
    fn operation(&self) -> &Operation {
        self.data_unchecked::<Arc<Operation>>()
    }
}

/// The configuration in force, read once per operation.
pub(crate) async fn configuration(ctx: &Context<'_>) -> Result<Arc<Configuration>, ApiError> {
    let configuration = ctx
        .operation()
        .configuration
        .get_or_try_init(|| async {
            ctx.db()
                .read(async |conn| db::configuration::mining(conn).await)
                .await
                .map(Arc::new)
        })
        .await?;
    Ok(Arc::clone(configuration))
}

/// Lets a command of a person about what is theirs go on; what staff and services are forbidden is audited.
pub(crate) async fn authorize<'a>(
    ctx: &'a Context<'_>,
    action: Action,
    command: &'static str,
) -> Result<&'a Person, ApiError> {
    let principal = ctx.principal();
    let verdict = principal.check(action, Relation::Own);
    if let (Ok(()), Some(person)) = (verdict, principal.person()) {
        return Ok(person);
    }
    let denied = verdict.err().unwrap_or(domain::access::Denied::Forbidden);
    if denied == domain::access::Denied::Forbidden {
        let request = db::idempotency::Request {
            principal: principal.clone(),
            key: None,
            hash: [0; 32],
            request_id: ctx.operation().caller.request_id.clone(),
        };
        db::audit::append_forbidden(ctx.db(), request, command).await?;
    }
    Err(denied.into())
}

/// Notes that the field answers what was stored before.
pub(crate) fn note_replay(ctx: &Context<'_>) {
    let path = ctx
        .path_node
        .map(|node| node.to_string_vec())
        .unwrap_or_default()
        .into_iter()
        .map(Value::from)
        .collect();
    ctx.operation()
        .replays
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Value::List(path));
}
