//! What the process tells of requests and operations: traces, and what took long. What it counts is in [`crate::metrics`].
//!
//! `traces` decides which traces are told and tells them, `operations` follows one operation from its start to its end,
//! `requests` one request, `jobs` one run of a job; `watch` looks at the database every few seconds for the metrics.

pub mod jobs;
pub mod names;
pub mod operations;
pub mod requests;
mod traces;
pub mod watch;

use std::sync::Arc;
use std::time::Duration;

use db::Ids;

use crate::config::TelemetryConfig;
pub use names::Names;
pub use traces::Exporter;
use traces::Tracer;

/// What telling needs. Clones share it; the default tells nothing.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// The labels of metrics that clients could invent.
    pub names: Arc<Names>,
    tracer: Option<Arc<Tracer>>,
    slow_operation: Option<Duration>,
}

impl Telemetry {
    /// Prepares it, with an exporter to be run if there is somebody to tell traces to.
    pub fn new(
        config: &TelemetryConfig,
        ids: Ids,
        sdl: &str,
    ) -> anyhow::Result<(Self, Option<Exporter>)> {
        let traces = config.traces.as_ref();
        let (tracer, exporter) = traces
            .map(|traces| traces::start(traces, ids))
            .transpose()?
            .unzip();
        let telemetry = Self {
            names: Arc::new(Names::of_schema(sdl)),
            tracer: tracer.map(Arc::new),
            slow_operation: config.slow_operation,
        };
        Ok((telemetry, exporter))
    }
}
