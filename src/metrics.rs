//! The metrics: descriptions, buckets, and gauges that are set at a scrape.

use std::sync::OnceLock;

use db::Db;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use resolvers::events::EventBus;

/// Upper bounds of durations, in seconds.
const DURATIONS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
/// Upper bounds of waits and statements.
const SHORT: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
/// Upper bounds of jobs.
const LONG: [f64; 8] = [0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];
/// Upper bounds of costs, in points.
const COSTS: [f64; 9] = [
    1.0, 10.0, 50.0, 100.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0,
];
/// Upper bounds of batches, in keys.
const BATCHES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 500.0, 5_000.0];

/// The recorder of the process.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Renders the metrics.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: Collector,
    db: Db,
    events: EventBus,
}

impl Metrics {
    /// Installs the recorder, once per process.
    #[must_use]
    pub fn start(db: Db, events: EventBus) -> Self {
        let handle = RECORDER.get_or_init(|| install(&events)).clone();
        let process = Collector::default();
        process.describe();
        Self {
            handle,
            process,
            db,
            events,
        }
    }

    /// The text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.process.collect();
        let pool = self.db.connections();
        gauge!("goodgo_pool_connections", "state" => "open").set(gauge_value(pool.open));
        gauge!("goodgo_pool_connections", "state" => "idle").set(gauge_value(pool.idle));
        gauge!("goodgo_pool_size").set(gauge_value(pool.most));
        gauge!("goodgo_pool_waiting").set(gauge_value(pool.wanted));
        gauge!("goodgo_event_followers").set(gauge_value(self.events.count()));
        counter!("goodgo_statements_total").absolute(self.db.statements());
        self.run_upkeep();
        self.handle.render()
    }

    /// Aggregates the samples since the last call.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Installs the recorder of the process.
fn install(events: &EventBus) -> PrometheusHandle {
    let full = |name: &str| Matcher::Full(name.to_owned());
    let buckets: [(Matcher, &[f64]); 6] = [
        (Matcher::Suffix("_seconds".to_owned()), &DURATIONS),
        (full("goodgo_pool_wait_seconds"), &SHORT),
        (full("goodgo_statement_duration_seconds"), &SHORT),
        (full("goodgo_job_duration_seconds"), &LONG),
        (full("graphql_operation_cost"), &COSTS),
        (full("graphql_loader_batch_size"), &BATCHES),
    ];
    let builder = buckets
        .into_iter()
        .try_fold(PrometheusBuilder::new(), |builder, (matcher, bounds)| {
            builder.set_buckets_for_metric(matcher, bounds)
        });
    let recorder = match builder {
        Ok(builder) => builder.build_recorder(),
        Err(error) => unreachable!("there are buckets: {error}"),
    };
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("Another recorder of metrics is installed: /metrics stays empty");
    }
    describe_operations();
    describe_database();
    describe_events();
    describe_process();
    register(events);
    handle
}

/// Registers metrics at zero, so that `rate()` works before the first event.
fn register(events: &EventBus) {
    gauge!("goodgo_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    for (topic, _) in events.counts() {
        counter!("goodgo_events_coalesced_total", "topic" => topic).increment(0);
        counter!("goodgo_events_dropped_total", "topic" => topic).increment(0);
    }
    for name in [
        "goodgo_events_announced_total",
        "goodgo_pool_failures_total",
        "goodgo_write_retries_total",
        "goodgo_spans_exported_total",
        "goodgo_spans_dropped_total",
    ] {
        counter!(name).increment(0);
    }
    for name in [
        "goodgo_database_up",
        "goodgo_outbox_unannounced_age_seconds",
        "goodgo_outbox_undelivered_age_seconds",
        "goodgo_checker_mismatches",
        "goodgo_checker_last_run_timestamp_seconds",
        "websocket_connections",
        "websocket_operations",
    ] {
        gauge!(name).increment(0.0);
    }
}

fn describe_operations() {
    describe_counter!("http_requests_total", "Answered requests");
    describe_histogram!(
        "http_request_duration_seconds",
        Unit::Seconds,
        "Time until the headers of an answer"
    );
    describe_counter!("graphql_operations_total", "Executed GraphQL operations");
    describe_histogram!(
        "graphql_operation_duration_seconds",
        Unit::Seconds,
        "Duration of queries and mutations"
    );
    describe_counter!(
        "graphql_errors_total",
        "Errors by code, of refused requests and of fields"
    );
    describe_histogram!("graphql_operation_cost", "Cost of operations in points");
    describe_histogram!("graphql_loader_batch_size", "Keys of a loader's batch");
    describe_gauge!(
        "graphql_subscriptions_open",
        "Open subscriptions by root field"
    );
    describe_counter!(
        "graphql_subscription_events_total",
        "Events sent to subscribers, by root field"
    );
    describe_counter!(
        "graphql_limits_exceeded_total",
        "Documents over a limit, by limit"
    );
    describe_counter!(
        "rate_limited_total",
        "Requests over the caller's rate, by kind of caller"
    );
    describe_counter!(
        "persisted_queries_total",
        "Look-ups of persisted queries by result"
    );
    describe_gauge!("persisted_queries_bytes", "Memory of persisted queries");
    describe_counter!(
        "untrusted_documents_total",
        "Executed documents that are not trusted"
    );
}

fn describe_database() {
    describe_gauge!(
        "goodgo_database_up",
        "Whether the database answered the last check"
    );
    describe_gauge!(
        "goodgo_pool_connections",
        "Database connections by state: open, and idle among them"
    );
    describe_gauge!("goodgo_pool_size", "Maximum of database connections");
    describe_gauge!(
        "goodgo_pool_waiting",
        "Tasks that wait for a database connection"
    );
    describe_histogram!(
        "goodgo_pool_wait_seconds",
        Unit::Seconds,
        "Time waited for a database connection"
    );
    describe_counter!(
        "goodgo_pool_failures_total",
        "Failed attempts to get a database connection"
    );
    describe_counter!("goodgo_statements_total", "Sent SQL statements");
    describe_histogram!(
        "goodgo_statement_duration_seconds",
        Unit::Seconds,
        "Time until the first row of a statement"
    );
    describe_counter!("goodgo_write_retries_total", "Retried transactions");
    describe_gauge!(
        "goodgo_checker_mismatches",
        "Mismatches of the last ledger check"
    );
    describe_gauge!(
        "goodgo_checker_last_run_timestamp_seconds",
        Unit::Seconds,
        "Time of the last ledger check; 0 before the first one"
    );
    describe_counter!("goodgo_job_runs_total", "Runs of jobs by outcome");
    describe_histogram!(
        "goodgo_job_duration_seconds",
        Unit::Seconds,
        "Duration of a job's run"
    );
    describe_gauge!(
        "goodgo_job_last_success_timestamp_seconds",
        Unit::Seconds,
        "Time of a job's last success on any instance"
    );
    describe_gauge!(
        "goodgo_job_due_timestamp_seconds",
        Unit::Seconds,
        "Time when a job is due; in the past while it isn't run, or hangs"
    );
}

fn describe_events() {
    describe_gauge!(
        "goodgo_outbox_unannounced_age_seconds",
        Unit::Seconds,
        "Age of the oldest unannounced event; 0 without one"
    );
    describe_gauge!(
        "goodgo_outbox_undelivered_age_seconds",
        Unit::Seconds,
        "Age of the oldest undelivered event; 0 without one"
    );
    describe_counter!("goodgo_events_announced_total", "Announced events");
    describe_gauge!("goodgo_event_followers", "Subscribers of live topics");
    describe_counter!(
        "goodgo_events_coalesced_total",
        "Updates replaced by a later one of the same kind"
    );
    describe_counter!(
        "goodgo_events_dropped_total",
        "Updates lost with a disconnected slow subscriber"
    );
}

fn describe_process() {
    describe_gauge!("goodgo_build_info", "1, with the running version");
    describe_counter!("goodgo_spans_exported_total", "Exported spans");
    describe_counter!(
        "goodgo_spans_dropped_total",
        "Spans that could not be exported"
    );
}

/// A count as the value of a gauge.
#[must_use]
pub fn gauge_value(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
