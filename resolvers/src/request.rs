//! What an operation carries: who asks, its loaders, what it replayed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, Request, Response, Value};
use db::Db;
use domain::access::{Action, Denied, Person, Principal, Relation};
use domain::mining::Configuration;
use domain::wallets::Origin;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::driver::{AtOnce, Loads, Observed};
use crate::errors::{self, ApiError, Code};
use crate::events::EventBus;
use crate::language::Language;
use crate::mining::loaders::{ConfigurationInForce, MiningLoader};
use crate::mining::ranks::Ranks;
use crate::platform::loaders::PlatformLoader;
use crate::wallets::loaders::WalletLoader;
use crate::{Schema, variables};

/// What every operation is built over. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Services {
    /// The database.
    pub db: Db,
    /// What happens, as it happens.
    pub events: EventBus,
    /// What the server says of itself.
    pub about: Arc<About>,
    /// Who may ask what the schema is.
    pub introspection: Introspection,
    /// Places of the leaderboard beyond those that are counted.
    pub ranks: Ranks,
    /// What stands before a referral code in a link to share, without a slash at the end.
    pub share_base_url: Arc<str>,
}

/// Who may ask what the schema is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// Anybody.
    Everybody,
    /// Whoever has a token.
    SignedIn,
    /// Nobody: there is `/schema.graphql`.
    Nobody,
}

impl Introspection {
    /// Takes introspection out of a request of somebody who may not.
    fn apply(self, caller: &Caller, request: Request) -> Request {
        let allowed = match self {
            Self::Everybody => true,
            Self::SignedIn => caller.principal != Principal::Anonymous,
            Self::Nobody => false,
        };
        if allowed {
            request
        } else {
            request.disable_introspection()
        }
    }
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
    /// What messages for people are written in.
    pub language: Language,
}

/// One operation: a fresh set of loaders, shared with nobody.
pub(crate) struct Operation {
    pub services: Services,
    pub caller: Caller,
    pub mining: DataLoader<Observed<MiningLoader>>,
    pub wallets: DataLoader<Observed<WalletLoader>>,
    pub platform: DataLoader<Observed<PlatformLoader>>,
    configuration: Mutex<Option<Arc<Configuration>>>,
    replays: Mutex<Vec<Value>>,
}

impl Operation {
    fn new(services: &Services, caller: Caller, loads: &Loads) -> Self {
        Self {
            mining: loader(MiningLoader::new(services.db.clone()), loads),
            wallets: loader(WalletLoader::new(services.db.clone()), loads),
            platform: loader(PlatformLoader::new(services.db.clone()), loads),
            services: services.clone(),
            caller,
            configuration: Mutex::default(),
            replays: Mutex::default(),
        }
    }

    /// What was read of the configuration, for as long as the operation answers once.
    fn configuration(&self) -> MutexGuard<'_, Option<Arc<Configuration>>> {
        self.configuration
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges what follows by a configuration that was read for it already.
    pub fn judge_by(&self, configuration: &Arc<Configuration>) {
        *self.configuration() = Some(Arc::clone(configuration));
    }

    /// Gives every error its code, and lists the paths that answered what was stored before.
    fn finish(&self, response: Response) -> Response {
        let replays =
            std::mem::take(&mut *self.replays.lock().unwrap_or_else(PoisonError::into_inner));
        let response = errors::finish(response, &self.caller.request_id);
        if replays.is_empty() {
            response
        } else {
            response.extension("idempotentReplay", Value::List(replays))
        }
    }
}

fn loader<L: Send + Sync + 'static>(loader: L, loads: &Loads) -> DataLoader<Observed<L>> {
    // Larger than any allowed operation: one level of a query is one statement.
    DataLoader::new(Observed(loader), loads.clone(), AtOnce).max_batch_size(100_000)
}

/// Executes a query or a mutation and finishes its response: codes, masking, extensions.
pub async fn execute(
    schema: &Schema,
    services: &Services,
    caller: Caller,
    request: Request,
) -> Response {
    let mut request = services.introspection.apply(&caller, request);
    if let Err(problem) = variables::check(schema, &mut request) {
        return errors::refused(Code::BadUserInput, problem, &caller.request_id);
    }
    let loads = Loads::default();
    let operation = Arc::new(Operation::new(services, caller, &loads));
    let executing = schema.execute(request.data(Arc::clone(&operation)));
    let response = loads
        .drive(futures_util::stream::once(executing))
        .boxed()
        .next()
        .await;
    operation.finish(response.unwrap_or_default())
}

/// Executes any operation as a stream of finished responses: one for a query or a mutation.
#[must_use]
pub fn execute_stream(
    schema: &Schema,
    services: &Services,
    caller: Caller,
    request: Request,
) -> BoxStream<'static, Response> {
    let mut request = services.introspection.apply(&caller, request);
    if let Err(problem) = variables::check(schema, &mut request) {
        let refused = errors::refused(Code::BadUserInput, problem, &caller.request_id);
        return futures_util::stream::iter([refused]).boxed();
    }
    let loads = Loads::default();
    let operation = Arc::new(Operation::new(services, caller, &loads));
    let executing = schema.execute_stream(request.data(Arc::clone(&operation)));
    loads
        .drive(executing)
        .map(move |response| {
            // The next event is judged by the configuration of its own time.
            operation.configuration().take();
            operation.finish(response)
        })
        .boxed()
}

/// What resolvers ask of their context.
pub(crate) trait Asked {
    /// The operation.
    fn operation(&self) -> &Operation;

    /// The operation, for streams that go on after the resolver.
    fn shared_operation(&self) -> Arc<Operation>;

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

    fn shared_operation(&self) -> Arc<Operation> {
        Arc::clone(self.data_unchecked::<Arc<Operation>>())
    }
}

/// The configuration in force, read once per operation.
pub(crate) async fn configuration(ctx: &Context<'_>) -> Result<Arc<Configuration>, ApiError> {
    let operation = ctx.operation();
    if let Some(known) = operation.configuration().as_ref() {
        return Ok(Arc::clone(known));
    }
    // By a loader: all who ask at once get it at once, and go on together.
    let loaded = operation.mining.load_one(ConfigurationInForce).await?;
    let loaded = loaded.ok_or(db::DbError::Unavailable("no configuration".to_owned()))?;
    *operation.configuration() = Some(Arc::clone(&loaded));
    Ok(loaded)
}

/// Lets a command of a person go on, about what is theirs or somebody else's; what staff and services are forbidden is
/// audited.
pub(crate) async fn authorize<'a>(
    ctx: &'a Context<'_>,
    relation: Relation,
    action: Action,
    command: &'static str,
) -> Result<&'a Person, ApiError> {
    let principal = ctx.principal();
    let verdict = principal.check(action, relation);
    if let (Ok(()), Some(person)) = (verdict, principal.person()) {
        return Ok(person);
    }
    Err(forbid(ctx, verdict.err().unwrap_or(Denied::Forbidden), command).await?)
}

/// Lets a command of a service go on; what staff and services are forbidden is audited.
pub(crate) async fn authorize_service(
    ctx: &Context<'_>,
    action: Action,
    command: &'static str,
) -> Result<(), ApiError> {
    match ctx.principal().check(action, Relation::Others) {
        Ok(()) => Ok(()),
        Err(denied) => Err(forbid(ctx, denied, command).await?),
    }
}

/// What a caller is told who may not, with the audit entry if there has to be one.
async fn forbid(
    ctx: &Context<'_>,
    denied: Denied,
    command: &'static str,
) -> Result<ApiError, ApiError> {
    if denied == Denied::Forbidden {
        let principal = ctx.principal();
        let request = db::idempotency::Request {
            principal: principal.clone(),
            origin: match principal {
                Principal::Service(_) => Origin::Service,
                Principal::Person(person) if person.is_staff() => Origin::Staff,
                Principal::Person(_) | Principal::Anonymous => Origin::User,
            },
            key: None,
            hash: [0; 32],
            request_id: ctx.operation().caller.request_id.clone(),
        };
        db::audit::append_forbidden(ctx.db(), request, command).await?;
    }
    Ok(denied.into())
}

/// Notes that the field answers what was stored before.
pub(crate) fn note_replay(ctx: &Context<'_>) {
    let path = ctx
        .path_node
        .map(async_graphql::QueryPathNode::to_string_vec)
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
