//! Liveness, readiness, and the state of the dependencies.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::HttpState;

/// A check that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Time for which the result of a check is used again.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The dependencies of the process.
pub trait Health: Send + Sync {
    /// Checks every dependency.
    fn check(&self) -> BoxFuture<'_, Vec<DependencyStatus>>;
}

/// The state of a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyStatus {
    /// The name.
    pub name: &'static str,
    /// Whether the process can serve without it.
    pub need: Need,
    /// Its latency, or the error, which is only logged.
    pub answer: Result<Duration, String>,
}

/// Whether the process can serve without a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The process can't serve without it.
    ToServe,
    /// The process serves with restrictions.
    Optional,
}

/// Checks the dependencies for all probes together, at most once a second. Clones share the last result.
#[derive(Clone)]
pub struct HealthChecks {
    dependencies: Arc<dyn Health>,
    last: Arc<Mutex<Option<Checked>>>,
}

struct Checked {
    at: Instant,
    /// None if the check took too long.
    dependencies: Option<Vec<DependencyStatus>>,
}

impl HealthChecks {
    /// Starts without a result.
    #[must_use]
    pub fn new(dependencies: impl Health + 'static) -> Self {
        Self {
            dependencies: Arc::new(dependencies),
            last: Arc::default(),
        }
    }

    /// The state of the dependencies, at most a second old. Concurrent callers wait for one check.
    async fn status(&self) -> Option<Vec<DependencyStatus>> {
        let mut last = self.last.lock().await;
        if let Some(checked) = last.as_ref().filter(|last| last.at.elapsed() < MAX_AGE) {
            return checked.dependencies.clone();
        }
        let dependencies = check(&*self.dependencies).await;
        *last = Some(Checked {
            at: Instant::now(),
            dependencies: dependencies.clone(),
        });
        dependencies
    }
}

/// The routes.
pub fn routes() -> Router<HttpState> {
    Router::new()
        .route("/health", get(all))
        .route("/health/live", get(live))
        .route("/healthz", get(live))
        .route("/health/ready", get(ready))
        .route("/readyz", get(ready))
}

async fn live() -> Response {
    write(StatusCode::OK, json!({"status": "up"}))
}

async fn ready(State(state): State<HttpState>) -> Response {
    if *state.draining.borrow() {
        return write(
            StatusCode::SERVICE_UNAVAILABLE,
            json!({"status": "draining"}),
        );
    }
    let can_serve = state.health.status().await.is_some_and(|dependencies| {
        dependencies
            .iter()
            .all(|dependency| dependency.answer.is_ok() || dependency.need == Need::Optional)
    });
    let (status, text) = status_of(can_serve);
    write(status, json!({"status": text}))
}

async fn all(State(state): State<HttpState>) -> Response {
    let dependencies = state.health.status().await;
    let is_up = dependencies
        .as_ref()
        .is_some_and(|all| all.iter().all(|dependency| dependency.answer.is_ok()));
    let by_name: Map<String, Value> = dependencies
        .unwrap_or_default()
        .into_iter()
        .map(|dependency| (dependency.name.to_owned(), describe(&dependency)))
        .collect();
    let (status, text) = status_of(is_up);
    let is_draining = *state.draining.borrow();
    write(
        status,
        json!({"status": text, "draining": is_draining, "dependencies": by_name}),
    )
}

async fn check(health: &dyn Health) -> Option<Vec<DependencyStatus>> {
    let dependencies = tokio::time::timeout(TIMEOUT, health.check()).await;
    let Ok(dependencies) = dependencies else {
        tracing::warn!("The health check took longer than {TIMEOUT:?}");
        return None;
    };
    for dependency in &dependencies {
        if let Err(error) = &dependency.answer {
            let name = dependency.name;
            tracing::warn!(name, error, "The {name} is down: {error}");
        }
    }
    Some(dependencies)
}

/// The public state. Errors may name hosts and users, so they are only logged.
fn describe(dependency: &DependencyStatus) -> Value {
    match dependency.answer {
        Ok(latency) => {
            json!({"status": "up", "latencyMs": (latency.as_secs_f64() * 100_000.0).round() / 100.0})
        }
        Err(_) => json!({"status": "down"}),
    }
}

fn status_of(is_good: bool) -> (StatusCode, &'static str) {
    if is_good {
        (StatusCode::OK, "up")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "down")
    }
}

fn write(status: StatusCode, body: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
