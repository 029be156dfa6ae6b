//! Executing an operation: the caller, services, loaders and memo that resolvers share.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, Request, Response, ServerError, Value};
use db::Db;
use domain::access::{Action, Denied, Principal, Relation};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use parking_lot::Mutex;

use crate::errors::{self, Code, Result};
use crate::events::EventBus;
use crate::language::Language;
use crate::loading::{AtOnce, ContextLoader, Loads, Observed};
use crate::type_index::TypeIndex;
use crate::{merging, unions, variables};

/// Services of the process that resolvers use. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Services {
    /// Database.
    pub db: Db,
    /// Live updates.
    pub events: EventBus,
    /// Version and environment of the server.
    pub about: Arc<About>,
    /// Callers that may introspect the schema.
    pub introspection: Introspection,
    /// Services that single contexts use.
    pub of_contexts: ContextServices,
}

/// Services that single contexts use, one per type. Clones share them.
#[derive(Clone, Default)]
pub struct ContextServices(Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl ContextServices {
    /// Adds a service.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(self, service: T) -> Self {
        let mut services = HashMap::clone(&self.0);
        services.insert(TypeId::of::<T>(), Arc::new(service));
        Self(Arc::new(services))
    }

    /// The service of this type, which must have been added.
    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> &T {
        let service = self.0.get(&TypeId::of::<T>());
        match service.and_then(|service| service.downcast_ref()) {
            Some(service) => service,
            None => unreachable!("{} is not a service", std::any::type_name::<T>()),
        }
    }
}

impl fmt::Debug for ContextServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContextServices")
            .field(&self.0.len())
            .finish()
    }
}

/// Callers that may introspect the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// Everybody.
    Everybody,
    /// Callers with a token.
    SignedIn,
    /// Nobody; `/schema.graphql` has the schema.
    Nobody,
}

impl Introspection {
    /// Refuses a request that introspects the schema if its caller may not.
    fn check(
        self,
        types: &TypeIndex,
        caller: &Caller,
        request: &mut Request,
    ) -> Result<(), (Code, &'static str)> {
        let refusal = match self {
            Self::Everybody => return Ok(()),
            Self::SignedIn if caller.principal != Principal::Anonymous => return Ok(()),
            Self::SignedIn => (
                Code::Unauthenticated,
                "introspection requires a token; the schema is at /schema.graphql",
            ),
            Self::Nobody => (
                Code::Forbidden,
                "introspection is switched off; the schema is at /schema.graphql",
            ),
        };
        if merging::introspect(types, request) {
            Err(refusal)
        } else {
            Ok(())
        }
    }
}

/// Version and environment of the server.
#[derive(Clone, Debug)]
pub struct About {
    /// Version.
    pub version: &'static str,
    /// `development` or `production`.
    pub environment: &'static str,
}

/// The caller of a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Identity.
    pub principal: Principal,
    /// Address, or the network of an IPv6 address.
    pub network: std::net::IpAddr,
    /// Id of the request in logs and errors.
    pub request_id: String,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// Language of messages for people.
    pub language: Language,
}

/// A schema that operations are executed on.
pub trait Engine: Send + Sync {
    /// The types of the schema.
    fn types(&self) -> &TypeIndex;

    /// Checks a document by the rules of the specification.
    fn validate(&self, document: &str) -> Result<(), Vec<ServerError>>;

    /// Executes a query or a mutation.
    fn execute(&self, request: Request) -> BoxFuture<'_, Response>;

    /// Executes any operation.
    fn execute_stream(&self, request: Request) -> BoxStream<'static, Response>;
}

type AnyArc = Arc<dyn Any + Send + Sync>;

/// One operation. Its loaders and its memo serve no other operation.
pub(crate) struct Operation {
    pub services: Services,
    pub caller: Caller,
    loads: Loads,
    loaders: Mutex<Vec<(TypeId, AnyArc)>>,
    memo: Mutex<Vec<(TypeId, AnyArc)>>,
    replays: Mutex<Vec<Value>>,
}

impl Operation {
    fn new(services: &Services, caller: Caller, loads: &Loads) -> Self {
        Self {
            services: services.clone(),
            caller,
            loads: loads.clone(),
            loaders: Mutex::default(),
            memo: Mutex::default(),
            replays: Mutex::default(),
        }
    }

    /// The loader of a context, made when it is first used.
    pub fn loader<L: ContextLoader>(&self) -> Arc<DataLoader<Observed<L>>> {
        let mut loaders = self.loaders.lock();
        if let Some(loader) = find(&loaders) {
            return loader;
        }
        let loader = Observed(L::new(self.services.db.clone()));
        // Larger than any allowed operation: one level of a query is one statement.
        let loader = DataLoader::new(loader, self.loads.clone(), AtOnce).max_batch_size(100_000);
        let loader = Arc::new(loader);
        loaders.push((
            TypeId::of::<DataLoader<Observed<L>>>(),
            Arc::clone(&loader) as AnyArc,
        ));
        loader
    }

    /// A value that was kept for the rest of the operation, one per type.
    pub fn kept<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        find(&self.memo.lock())
    }

    /// Keeps a value for the rest of the operation, or of the subscription's event.
    pub fn keep<T: Send + Sync + 'static>(&self, value: &Arc<T>) {
        let mut memo = self.memo.lock();
        memo.retain(|(id, _)| *id != TypeId::of::<T>());
        memo.push((TypeId::of::<T>(), Arc::clone(value) as AnyArc));
    }

    /// Gives every error its code, and lists the paths of replayed commands.
    fn finish(&self, response: Response) -> Response {
        let replays = std::mem::take(&mut *self.replays.lock());
        let response = errors::finish(response, &self.caller.request_id);
        if replays.is_empty() {
            response
        } else {
            response.extension("idempotentReplay", Value::List(replays))
        }
    }
}

fn find<T: Send + Sync + 'static>(values: &[(TypeId, AnyArc)]) -> Option<Arc<T>> {
    let mut values = values.iter();
    let (_, value) = values.find(|(id, _)| *id == TypeId::of::<T>())?;
    Arc::clone(value).downcast().ok()
}

/// Checks and prepares a request; an error is the response.
fn prepare(
    engine: &dyn Engine,
    services: &Services,
    caller: Caller,
    mut request: Request,
) -> Result<(Request, Arc<Operation>, Loads), Box<Response>> {
    if let Err(invalid) = engine.validate(&request.query) {
        let refused = errors::finish(Response::from_errors(invalid), &caller.request_id);
        return Err(Box::new(refused));
    }
    let introspection = services.introspection;
    if let Err((code, message)) = introspection.check(engine.types(), &caller, &mut request) {
        let refused = errors::refused(code, message, &caller.request_id);
        return Err(Box::new(refused));
    }
    if let Err(problem) = variables::check(engine.types(), &mut request) {
        let refused = errors::refused(Code::BadUserInput, problem, &caller.request_id);
        return Err(Box::new(refused));
    }
    merging::merge(engine.types(), &mut request);
    unions::rewrite(engine.types(), &mut request);
    let loads = Loads::default();
    let operation = Arc::new(Operation::new(services, caller, &loads));
    Ok((request.data(Arc::clone(&operation)), operation, loads))
}

/// Executes a query or a mutation.
pub fn execute<'e>(
    engine: &'e dyn Engine,
    services: &Services,
    caller: Caller,
    request: Request,
) -> BoxFuture<'e, Response> {
    match prepare(engine, services, caller, request) {
        Err(refused) => std::future::ready(*refused).boxed(),
        Ok((request, operation, loads)) => async move {
            let executing = engine.execute(request);
            let mut responses = loads.drive(futures_util::stream::once(executing)).boxed();
            operation.finish(responses.next().await.unwrap_or_default())
        }
        .boxed(),
    }
}

/// Executes any operation as a stream of responses: one for a query or a mutation.
#[must_use]
pub fn execute_stream(
    engine: &dyn Engine,
    services: &Services,
    caller: Caller,
    request: Request,
) -> BoxStream<'static, Response> {
    match prepare(engine, services, caller, request) {
        Err(refused) => futures_util::stream::iter([*refused]).boxed(),
        Ok((request, operation, loads)) => loads
            .drive(engine.execute_stream(request))
            .map(move |response| {
                // The next event reads anew.
                operation.memo.lock().clear();
                operation.finish(response)
            })
            .boxed(),
    }
}

/// Accessors of the engine's context for resolvers.
pub(crate) trait OperationContext {
    /// The operation.
    fn operation(&self) -> &Operation;

    /// The operation, for streams that outlive the resolver.
    fn shared_operation(&self) -> Arc<Operation>;

    /// Values that contexts registered with the schema.
    fn registered<T: Send + Sync + 'static>(&self) -> &T;

    /// The database.
    fn db(&self) -> &Db {
        &self.operation().services.db
    }

    /// The caller.
    fn principal(&self) -> &Principal {
        &self.operation().caller.principal
    }

    /// The loader of a context.
    fn loader<L: ContextLoader>(&self) -> Arc<DataLoader<Observed<L>>> {
        self.operation().loader()
    }

    /// Whether the caller may, for objects that are not found otherwise.
    fn may(&self, action: Action, relation: impl Into<Relation>) -> bool {
        self.principal().may(action, relation.into())
    }

    /// Refuses callers without the action's role for everybody's objects.
    fn check_staff(&self, action: Action) -> Result<()> {
        Ok(self.principal().check(action, Relation::Others)?)
    }

    /// Refuses anonymous callers; objects of others read as not found.
    fn check_signed_in(&self, action: Action) -> Result<()> {
        match self.principal().check(action, Relation::Own) {
            Err(denied @ Denied::Unauthenticated) => Err(denied.into()),
            Ok(()) | Err(Denied::Forbidden) => Ok(()),
        }
    }
}

impl OperationContext for Context<'_> {
    fn operation(&self) -> &Operation {
        self.data_unchecked::<Arc<Operation>>()
    }

    fn shared_operation(&self) -> Arc<Operation> {
        Arc::clone(self.data_unchecked::<Arc<Operation>>())
    }

    fn registered<T: Send + Sync + 'static>(&self) -> &T {
        self.data_unchecked::<ContextServices>().get()
    }
}

/// Notes that the field returns the stored answer of an earlier request.
pub(crate) fn note_replay(ctx: &Context<'_>) {
    let path = ctx
        .path_node
        .map(async_graphql::QueryPathNode::to_string_vec)
        .unwrap_or_default()
        .into_iter()
        .map(Value::from)
        .collect();
    ctx.operation().replays.lock().push(Value::List(path));
}
