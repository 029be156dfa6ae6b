//! Everything the process answers over HTTP.
//!
//! `graphql` is GraphQL over HTTP by its specification, put together from what a request says (`params`), which of
//! its operations it means (`operation`), which media type it wants (`negotiate`) and how the answer is written
//! (`reply`). `graphiql`, `health`, `pages`, `invites` and `documents` answer the rest. Around all of them stand request ids, the
//! access log, the mask over panics, and CORS.

pub mod caller;
mod documents;
pub mod graphiql;
mod graphql;
pub mod health;
mod invites;
mod negotiate;
mod observe;
pub mod operation;
pub mod origins;
mod pages;
pub mod panics;
pub mod params;
pub mod patience;
pub mod persisted;
pub mod rate;
pub mod refusal;
pub mod reply;
pub mod request_id;
mod subscribing;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::access::Principal;
use resolvers::Schema;
use resolvers::limits::Limits;
use resolvers::request::Services;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::auth::Authenticator;
use crate::metrics::Metrics;
use crate::realtime::{LiveSettings, Places};
use crate::telemetry::Telemetry;
use graphiql::Graphiql;
use health::Health;
use origins::Origins;
use persisted::Documents;
use rate::Buckets;
use request_id::NewRequestId;

/// What the handlers are built over. Clones are cheap.
#[derive(Clone)]
pub struct HttpState {
    /// The schema.
    pub schema: Schema,
    /// What operations are built over.
    pub services: Services,
    /// Tells who asks.
    pub authenticator: Arc<Authenticator>,
    /// The schema as text.
    pub sdl: Arc<str>,
    /// What the process depends on.
    pub health: Arc<dyn Health>,
    /// What was counted.
    pub metrics: Metrics,
    /// What is told of requests and operations.
    pub telemetry: Telemetry,
    /// How much is allowed.
    pub settings: Arc<HttpSettings>,
    /// How much each caller has left.
    pub buckets: Arc<Buckets>,
    /// How many sockets and streams each caller has open.
    pub places: Places,
    /// Documents that can be named.
    pub documents: Arc<Documents>,
    /// Turns true when the process is about to stop.
    pub draining: watch::Receiver<bool>,
    /// Makes ids for requests that bring none.
    pub new_request_id: NewRequestId,
    /// What outlives its request or its connection: writes and sockets. Whoever stops the process waits for them.
    pub tasks: TaskTracker,
}

impl fmt::Debug for HttpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpState")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// How much is allowed.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The longest body of a request.
    pub max_body_bytes: usize,
    /// The longest of a service, which sends many things at once.
    pub max_service_body_bytes: usize,
    /// How large documents may be.
    pub limits: Limits,
    /// How long a query or a mutation may take.
    pub request_timeout: Duration,
    /// How many proxies of ours a request passes before it gets here.
    pub trusted_proxies: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// Which other sites may ask from a browser.
    pub allowed_origins: Origins,
    /// Sockets and streams.
    pub live: LiveSettings,
    /// Whether there is a page to ask from.
    pub graphiql: Graphiql,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 256 * 1024,
            max_service_body_bytes: 1024 * 1024,
            limits: Limits::default(),
            request_timeout: Duration::from_secs(10),
            trusted_proxies: 0,
            body_timeout: Duration::from_secs(10),
            allowed_origins: Origins::default(),
            live: LiveSettings::default(),
            graphiql: Graphiql::default(),
        }
    }
}

impl HttpSettings {
    /// The longest body a caller may send.
    fn max_body_bytes_of(&self, principal: &Principal) -> usize {
        match principal {
            Principal::Service(_) => self.max_service_body_bytes,
            Principal::Anonymous | Principal::Person(_) => self.max_body_bytes,
        }
    }
}

/// Builds the router: every path the process answers.
pub fn router(state: HttpState) -> Router {
    crate::realtime::describe();
    let settings = Arc::clone(&state.settings);
    Router::new()
        .route(
            "/graphql",
            get(graphql::get)
                .post(graphql::post)
                .fallback(graphql::other_method),
        )
        .route("/", get(pages::index))
        .route("/invites/{file}", get(invites::qr_code))
        .route("/schema.graphql", get(documents::schema))
        .route("/metrics", get(documents::metrics))
        .merge(graphiql::routes(&settings.graphiql))
        .merge(health::routes())
        .fallback(async || unknown_path())
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn(panics::mask))
        .layer(from_fn_with_state(state.clone(), hang_up))
        .layer(compression())
        .layer(cors(&settings.allowed_origins))
        .layer(map_response(no_sniffing))
        .layer(from_fn_with_state(state.telemetry.clone(), observe::record))
        .layer(from_fn_with_state(state.clone(), request_id::assign))
        .with_state(state)
}

/// The answer to a path nobody knows.
fn unknown_path() -> Response {
    let body = serde_json::json!({"error": "nothing is here: GraphQL is at /graphql"});
    (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
}

/// The answer to a method a path doesn't have; axum adds which it has.
async fn unknown_method() -> Response {
    let body = serde_json::json!({"error": "this path doesn't take this method"});
    (StatusCode::METHOD_NOT_ALLOWED, axum::Json(body)).into_response()
}

/// Once the process is about to stop, each answer is the last one of its connection.
async fn hang_up(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if *state.draining.borrow() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

async fn no_sniffing(mut response: Response) -> Response {
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// Compresses what is worth it, as the client likes it: small answers, pictures and streams stay as they are.
fn compression() -> CompressionLayer<impl Predicate> {
    let worth_it = SizeAbove::new(1_024)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::const_new("multipart/"));
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(worth_it)
}

fn cors(origins: &Origins) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([Method::GET, Method::POST, Method::OPTIONS])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            header::HeaderName::from_static("idempotency-key"),
            header::HeaderName::from_static("graphql-cost"),
            header::HeaderName::from_static("x-apollo-operation-name"),
            header::HeaderName::from_static("apollo-require-preflight"),
            header::HeaderName::from_static("apollographql-client-name"),
            header::HeaderName::from_static("apollographql-client-version"),
            request_id::HEADER,
        ])
        .expose_headers([request_id::HEADER, header::RETRY_AFTER, header::ETAG])
        .max_age(Duration::from_secs(3600))
        .vary([header::ORIGIN])
}
