//! The HTTP server.
//!
//! `connections` accepts connections, `timeouts` ends slow ones, and `framing` refuses requests that proxies may read otherwise.
//! `graphql` implements GraphQL over HTTP: it parses a request (`params`), selects its operation (`operation`), negotiates
//! the media type (`negotiate`) and writes the answer (`reply`). `graphiql`, `health`, `pages`, `invites` and `documents`
//! serve the other paths, which `public` charges; `static_file` holds what never changes. Middleware adds request ids, the access log, the handling of panics, and CORS.

pub mod caller;
pub mod connections;
mod documents;
mod framing;
pub mod graphiql;
mod graphql;
pub mod health;
mod invites;
pub mod links;
pub mod negotiate;
mod observe;
pub mod operation;
pub mod origins;
pub mod pages;
pub mod panics;
pub mod params;
pub mod persisted;
mod public;
mod qr_code;
pub mod rate;
pub mod read_after;
pub mod refusal;
pub mod reply;
pub mod request_id;
mod statement;
pub mod static_file;
mod subscription;
pub mod timeouts;
pub mod unique_json;
mod unread;
mod voucher_codes;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::access::Principal;
use resolvers::limits::Limits;
use resolvers::request::Services;
use resolvers::{ReferralUrls, Schema};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::auth::Authenticator;
use crate::config::Environment;
use crate::metrics::Metrics;
use crate::realtime::{ConnectionQuota, LiveSettings};
use crate::telemetry::Telemetry;
use graphiql::Graphiql;
use health::HealthChecks;
use links::LinkSigner;
use origins::Origins;
use pages::StartPage;
use persisted::Documents;
use rate::Buckets;
use request_id::NewRequestId;
use static_file::StaticFile;

/// The state of the handlers. Clones are cheap.
#[derive(Clone, derive_more::Debug)]
#[debug("HttpState({settings:?})")]
pub struct HttpState {
    /// The schema.
    pub schema: Schema,
    /// Services that resolvers use.
    pub services: Services,
    /// Verifies tokens.
    pub authenticator: Arc<Authenticator>,
    /// The schema as text.
    pub sdl: StaticFile,
    /// Checks the dependencies of the process.
    pub health: HealthChecks,
    /// Renders the metrics.
    pub metrics: Metrics,
    /// Traces and slow-operation logs.
    pub telemetry: Telemetry,
    /// Checks signed links.
    pub links: LinkSigner,
    /// Limits and timeouts.
    pub settings: Arc<HttpSettings>,
    /// Rate limits of the callers.
    pub buckets: Arc<Buckets>,
    /// Open sockets and streams of the callers.
    pub connection_quota: ConnectionQuota,
    /// Documents that requests can name.
    pub documents: Arc<Documents>,
    /// Becomes true when the shutdown starts.
    pub draining: watch::Receiver<bool>,
    /// Generates ids for requests without one.
    pub new_request_id: NewRequestId,
    /// Tasks that outlive their request or connection: writes and sockets. The shutdown waits for them.
    pub tasks: TaskTracker,
}

/// Limits and timeouts of the server.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The longest body of a request.
    pub max_body_bytes: usize,
    /// The longest body of a service's request.
    pub max_service_body_bytes: usize,
    /// Limits of documents.
    pub limits: Limits,
    /// Timeout of a query or a mutation.
    pub request_timeout: Duration,
    /// Number of our proxies in front of the server.
    pub trusted_proxies: usize,
    /// Timeout of receiving a body.
    pub body_timeout: Duration,
    /// Origins whose pages may call.
    pub allowed_origins: Origins,
    /// Sockets and streams.
    pub live: LiveSettings,
    /// Whether GraphiQL is served.
    pub graphiql: Graphiql,
    /// The start page.
    pub start_page: StartPage,
    /// Starts of invite links and of links to this server.
    pub referral_urls: ReferralUrls,
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
            start_page: StartPage::new(Environment::Development, &Graphiql::Off, None),
            referral_urls: ReferralUrls {
                share: Arc::from("https://goodgo.app/invite"),
                server: Arc::from("http://localhost:8080"),
            },
        }
    }
}

impl HttpSettings {
    /// The longest body that a caller may send.
    fn max_body_bytes_of(&self, principal: &Principal) -> usize {
        match principal {
            Principal::Service(_) => self.max_service_body_bytes,
            Principal::Anonymous | Principal::Person(_) => self.max_body_bytes,
        }
    }
}

/// Builds the router with all paths.
pub fn router(state: HttpState) -> Router {
    let settings = Arc::clone(&state.settings);
    // Files are compressed once, and the CPU of compressing other answers is charged by the operation.
    let graphql = Router::new()
        .route(
            "/graphql",
            get(graphql::get)
                .post(graphql::post)
                .fallback(graphql::other_method),
        )
        .layer(compression());
    let files = Router::new()
        .route("/", get(pages::index))
        .route("/developers/scalars", get(pages::scalars))
        .route("/schema.graphql", get(documents::schema))
        .merge(graphiql::routes(&settings.graphiql))
        .route_layer(from_fn_with_state(state.clone(), public::charge_file));
    let images = Router::new()
        .route("/invites/{file}", get(invites::qr_code))
        .route_layer(from_fn_with_state(state.clone(), public::charge_image));
    let statements = Router::new()
        .route("/wallets/{id}/statement.csv", get(statement::csv))
        .route("/vouchers/{id}/qr.svg", get(voucher_codes::qr))
        .route_layer(from_fn_with_state(state.clone(), public::charge_statement));
    let probes = Router::new()
        .route("/metrics", get(documents::metrics))
        .layer(compression())
        .merge(health::routes())
        .route_layer(from_fn_with_state(state.clone(), public::charge_probe));
    let unknown = Router::new()
        .fallback(async || unknown_path())
        .layer(from_fn_with_state(state.clone(), public::charge_file));
    Router::new()
        .merge(graphql)
        .merge(files)
        .merge(images)
        .merge(statements)
        .merge(probes)
        .fallback_service(unknown.with_state(state.clone()))
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn(panics::mask))
        .layer(from_fn(framing::check))
        .layer(from_fn(unread::drain))
        .layer(from_fn_with_state(state.clone(), close_while_draining))
        .layer(cors(&settings.allowed_origins))
        .layer(from_fn_with_state(state.clone(), public::charge_preflight))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(from_fn_with_state(state.telemetry.clone(), observe::record))
        .layer(from_fn_with_state(state.clone(), request_id::assign))
        .with_state(state)
}

/// The answer to an unknown path.
fn unknown_path() -> Response {
    let body =
        serde_json::json!({"error": "there is nothing at this path: GraphQL is at /graphql"});
    (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
}

/// The answer to a method that a path doesn't support. axum adds the header `Allow`.
async fn unknown_method() -> Response {
    let body = serde_json::json!({"error": "this path doesn't support this method"});
    (StatusCode::METHOD_NOT_ALLOWED, axum::Json(body)).into_response()
}

/// Closes each connection after its answer during the shutdown.
async fn close_while_draining(
    State(state): State<HttpState>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if *state.draining.borrow() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// Compresses answers as negotiated, except small ones, images and streams.
fn compression() -> CompressionLayer<impl Predicate> {
    let is_compressible = SizeAbove::new(1_024)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::const_new("multipart/"));
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(is_compressible)
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
            // Browsers' tracing libraries add these.
            header::HeaderName::from_static("traceparent"),
            header::HeaderName::from_static("tracestate"),
            header::HeaderName::from_static("baggage"),
            header::HeaderName::from_static("sentry-trace"),
            request_id::HEADER,
            read_after::HEADER,
        ])
        .expose_headers([
            request_id::HEADER,
            header::RETRY_AFTER,
            header::ETAG,
            read_after::HEADER,
        ])
        .max_age(Duration::from_secs(3600))
        .vary([header::ORIGIN])
}
