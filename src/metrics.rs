//! The metrics: descriptions, buckets, and gauges that are set at a scrape.

use std::sync::OnceLock;

use db::Db;
use metrics::{Gauge, counter, describe_counter, describe_gauge, describe_histogram, gauge};
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

/// Counters, one per line, with their descriptions.
const COUNTERS: &str = "http_requests_total: Answered requests
    http_connections_refused_total: Connections over a limit, by limit: all, and address
    graphql_operations_total: Executed GraphQL operations
    graphql_errors_total: Errors by code, of refused requests and of fields
    graphql_subscription_events_total: Events sent to subscribers, by root field
    graphql_limits_exceeded_total: Documents over a limit, by limit
    rate_limited_total: Requests over the caller's rate, by kind of caller
    persisted_queries_total: Look-ups of persisted queries by result
    untrusted_documents_total: Executed documents that are not trusted
    goodgo_pool_failures_total: Failed attempts to get a database connection
    goodgo_statements_total: Sent SQL statements
    goodgo_reads_total: Reads by server: primary, and replica
    goodgo_write_retries_total: Retried transactions
    goodgo_commands_total: Commands by name, outcome (applied, replayed, refused, failed) and code of a refusal or error
    goodgo_commands_overloaded_total: Commands that were refused because too many ran at once
    goodgo_service_refusals_total: Refused commands of services by caller, command and code
    goodgo_job_runs_total: Runs of jobs by outcome
    goodgo_events_announced_total: Announced events
    goodgo_events_coalesced_total: Updates replaced by a later one of the same kind
    goodgo_events_dropped_total: Updates lost with a disconnected slow subscriber
    goodgo_spans_exported_total: Exported spans
    goodgo_spans_dropped_total: Spans that could not be exported
    websocket_closes_total: Closed sockets by code and reason
    http_streams_ended_total: Ended streams by reason
    live_refused_total: Sockets and streams over a caller's quota";

/// Gauges, one per line, with their descriptions.
const GAUGES: &str = "graphql_subscriptions_open: Open subscriptions by root field
    persisted_queries_bytes: Memory of persisted queries
    goodgo_database_up: Whether the database answered the last check
    goodgo_pool_connections: Database connections by state: open, and idle among them
    goodgo_pool_size: Maximum of database connections
    goodgo_pool_waiting: Tasks that wait for a database connection
    goodgo_checker_mismatches: Mismatches of the last ledger check
    goodgo_checker_last_run_timestamp_seconds: Time of the last ledger check; 0 before the first one
    goodgo_issuance_issued: Amount issued on the present UTC day by currency, in whole units
    goodgo_issuance_ceiling: Daily issuance ceiling by currency, in whole units
    goodgo_commands_running: Commands that run at the moment
    goodgo_holds_overdue: Holds that have been past their expiry for a minute, at most 10,000
    goodgo_clearing_overdue: Clearing accounts that were not at zero for clearingAgeHours, at most 10,000
    goodgo_job_last_success_timestamp_seconds: Time of a job's last success on any instance
    goodgo_job_due_timestamp_seconds: Time when a job is due; in the past while it isn't run, or hangs
    goodgo_outbox_unannounced_age_seconds: Age of the oldest unannounced event; 0 without one
    goodgo_outbox_undelivered_age_seconds: Age of the oldest undelivered event; 0 without one
    goodgo_event_followers: Subscribers of live topics
    goodgo_build_info: 1, with the running version
    websocket_connections: Open sockets
    websocket_operations: Running operations of sockets
    http_connections: Open connections, sockets included
    http_streams: Open streams over HTTP";

/// Histograms, one per line, with their descriptions.
const HISTOGRAMS: &str = "http_request_duration_seconds: Time until the headers of an answer
    graphql_operation_duration_seconds: Duration of queries and mutations
    graphql_operation_cost: Cost of operations in points
    graphql_loader_batch_size: Keys of a loader's batch
    goodgo_command_duration_seconds: Duration of a command, its retries included
    goodgo_pool_wait_seconds: Time waited for a database connection
    goodgo_statement_duration_seconds: Time until the first row of a statement
    goodgo_job_duration_seconds: Duration of a job's run";

/// The recorder of the process.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Renders the metrics.
#[derive(Clone, derive_more::Debug)]
#[debug("Metrics")]
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
        gauge!("goodgo_pool_connections", "state" => "open").set(sample(pool.size));
        gauge!("goodgo_pool_connections", "state" => "idle").set(sample(pool.available));
        gauge!("goodgo_pool_size").set(sample(pool.max_size));
        gauge!("goodgo_pool_waiting").set(sample(pool.waiting));
        gauge!("goodgo_event_followers").set(sample(self.events.count()));
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
    describe();
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
    for server in ["primary", "replica"] {
        counter!("goodgo_reads_total", "server" => server).increment(0);
    }
    for limit in ["all", "address"] {
        counter!("http_connections_refused_total", "limit" => limit).increment(0);
    }
    for name in [
        "goodgo_events_announced_total",
        "goodgo_pool_failures_total",
        "goodgo_write_retries_total",
        "goodgo_commands_overloaded_total",
        "goodgo_spans_exported_total",
        "goodgo_spans_dropped_total",
    ] {
        counter!(name).increment(0);
    }
    for name in ["goodgo_issuance_issued", "goodgo_issuance_ceiling"] {
        gauge!(name, "currency" => "MP").increment(0.0);
    }
    for name in [
        "goodgo_database_up",
        "goodgo_outbox_unannounced_age_seconds",
        "goodgo_outbox_undelivered_age_seconds",
        "goodgo_checker_mismatches",
        "goodgo_commands_running",
        "goodgo_holds_overdue",
        "goodgo_clearing_overdue",
        "goodgo_checker_last_run_timestamp_seconds",
        "websocket_connections",
        "websocket_operations",
    ] {
        gauge!(name).increment(0.0);
    }
}

/// Describes the metrics.
fn describe() {
    let entries = |lines: &'static str| {
        lines
            .lines()
            .filter_map(|line| line.trim().split_once(": "))
    };
    for (name, description) in entries(COUNTERS) {
        describe_counter!(name, description);
    }
    for (name, description) in entries(GAUGES) {
        describe_gauge!(name, description);
    }
    for (name, description) in entries(HISTOGRAMS) {
        describe_histogram!(name, description);
    }
}

/// Increments a gauge, and decrements it when dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    /// Increments the gauge.
    #[must_use]
    pub fn by(gauge: Gauge) -> Self {
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

/// A count as the value of a metric. Only costs in mode `log` can exceed 32 bits.
#[must_use]
pub fn sample(count: impl TryInto<u32>) -> f64 {
    count.try_into().map_or(f64::INFINITY, f64::from)
}
