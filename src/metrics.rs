//! What is counted: requests as they happen, process and pool when somebody asks.

use std::sync::OnceLock;

use db::Db;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use resolvers::events::EventBus;

/// Upper bounds of durations, in seconds.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// The process's one recorder.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Renders what was counted.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: Collector,
    db: Db,
    events: EventBus,
}

impl Metrics {
    /// Starts counting, once per process.
    #[must_use]
    pub fn start(db: Db, events: EventBus) -> Self {
        let handle = RECORDER.get_or_init(install).clone();
        let process = Collector::default();
        process.describe();
        metrics::describe_gauge!("goodgo_pool_connections", "Database connections, by state");
        metrics::describe_gauge!("goodgo_event_followers", "Subscriptions that follow events");
        metrics::describe_counter!("goodgo_statements_total", "SQL statements sent");
        metrics::describe_counter!("goodgo_write_retries_total", "Transactions run again");
        metrics::describe_counter!(
            "goodgo_events_announced_total",
            "Events announced to all instances"
        );
        Self {
            handle,
            process,
            db,
            events,
        }
    }

    /// The text Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        self.process.collect();
        let (open, idle) = self.db.connections();
        metrics::gauge!("goodgo_pool_connections", "state" => "open").set(gauge(open));
        metrics::gauge!("goodgo_pool_connections", "state" => "idle").set(gauge(idle));
        metrics::gauge!("goodgo_event_followers").set(gauge(self.events.count()));
        metrics::counter!("goodgo_statements_total").absolute(self.db.statements());
        self.handle.run_upkeep();
        self.handle.render()
    }
}

/// Makes the recorder that counts for the whole process.
fn install() -> PrometheusHandle {
    let builder = PrometheusBuilder::new();
    let recorder =
        match builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS) {
            Ok(builder) => builder.build_recorder(),
            Err(error) => unreachable!("there are buckets: {error}"),
        };
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("Somebody else counts already: /metrics stays empty");
    }
    handle
}

fn gauge(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
