//! Traces and slow-operation logs. Metrics are in [`crate::metrics`].
//!
//! `traces` samples traces and exports spans; `requests`, `operations` and `jobs` observe one request, one operation and
//! one run of a job; `names` bounds the labels of metrics; `watch` reads gauges from the database every few seconds.

pub mod jobs;
pub mod names;
pub mod operations;
pub mod requests;
mod traces;
pub mod watch;

use std::sync::Arc;
use std::time::Duration;

use crate::config::TelemetryConfig;
pub use names::Names;
use resolvers::TypeIndex;
use traces::Tracer;

/// Observes requests, operations and jobs. Clones share the tracer; the default exports nothing.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// Labels of metrics that clients choose.
    pub names: Arc<Names>,
    tracer: Option<Arc<Tracer>>,
    slow_operation: Option<Duration>,
}

impl Telemetry {
    /// Starts the exporting of traces if a collector is configured. Must be called on the server's runtime.
    pub fn new(config: &TelemetryConfig, types: &TypeIndex) -> anyhow::Result<Self> {
        let tracer = config.traces.as_ref().map(Tracer::new).transpose()?;
        Ok(Self {
            names: Arc::new(Names::of_schema(types)),
            tracer: tracer.map(Arc::new),
            slow_operation: config.slow_operation,
        })
    }

    /// Exports the remaining traces, up to the timeout.
    pub async fn shutdown(&self, timeout: Duration) {
        if let Some(tracer) = self.tracer.clone() {
            // The call blocks; the export itself needs this runtime.
            let shutdown = tokio::task::spawn_blocking(move || tracer.shutdown(timeout));
            if let Err(error) = shutdown.await {
                tracing::warn!(%error, "Exporting the last traces failed: {error}");
            }
        }
    }
}
