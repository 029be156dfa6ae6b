//! What is counted: requests as they happen, process and pool when somebody asks.

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
/// Upper bounds of waits and statements, of which most are short.
const SHORT: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
/// Upper bounds of jobs, of which some are long.
const LONG: [f64; 8] = [0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];
/// Upper bounds of costs, in points.
const COSTS: [f64; 9] = [
    1.0, 10.0, 50.0, 100.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0,
];
/// Upper bounds of batches, in keys.
const BATCHES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 500.0, 5_000.0];

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

    /// The text Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        self.process.collect();
        let pool = self.db.connections();
        gauge!("goodgo_pool_connections", "state" => "open").set(number(pool.open));
        gauge!("goodgo_pool_connections", "state" => "idle").set(number(pool.idle));
        gauge!("goodgo_pool_size").set(number(pool.most));
        gauge!("goodgo_pool_waiting").set(number(pool.wanted));
        gauge!("goodgo_event_followers").set(number(self.events.count()));
        counter!("goodgo_statements_total").absolute(self.db.statements());
        self.run_upkeep();
        self.handle.render()
    }

    /// Sorts the samples that were taken since the last time.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Makes the recorder that counts for the whole process.
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
        tracing::warn!("Somebody else counts already: /metrics stays empty");
    }
    describe_operations();
    describe_database();
    describe_events();
    describe_process();
    begin(events);
    handle
}

/// Counters that are asked after before anything happened: a rate needs a beginning.
fn begin(events: &EventBus) {
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
    describe_counter!("http_requests_total", "Requests answered");
    describe_histogram!(
        "http_request_duration_seconds",
        Unit::Seconds,
        "Time to the first byte of an answer"
    );
    describe_counter!("graphql_operations_total", "GraphQL operations executed");
    describe_histogram!(
        "graphql_operation_duration_seconds",
        Unit::Seconds,
        "Time a query or a mutation took"
    );
    describe_counter!(
        "graphql_errors_total",
        "Errors answered, by code: of requests that were refused, and of fields"
    );
    describe_histogram!(
        "graphql_operation_cost",
        "Points that operations cost, before they are executed"
    );
    describe_histogram!(
        "graphql_loader_batch_size",
        "Keys that a loader was asked for at once"
    );
    describe_gauge!(
        "graphql_subscriptions_open",
        "Subscriptions that are open, by root field"
    );
    describe_counter!(
        "graphql_subscription_events_total",
        "Answers sent to subscriptions, by root field"
    );
    describe_counter!(
        "graphql_limits_exceeded_total",
        "Documents over a limit, by limit"
    );
    describe_counter!(
        "rate_limited_total",
        "Requests over their caller's rate, by kind of caller"
    );
    describe_counter!(
        "persisted_queries_total",
        "Documents asked for by their hash, found or not"
    );
    describe_gauge!(
        "persisted_queries_bytes",
        "Bytes of documents that are remembered"
    );
    describe_counter!("untrusted_documents_total", "Documents nobody trusted");
}

fn describe_database() {
    describe_gauge!("goodgo_database_up", "Whether the database answered lately");
    describe_gauge!(
        "goodgo_pool_connections",
        "Database connections, by state: open ones, and the idle ones among them"
    );
    describe_gauge!("goodgo_pool_size", "Database connections at most");
    describe_gauge!(
        "goodgo_pool_waiting",
        "Who waits for a database connection right now"
    );
    describe_histogram!(
        "goodgo_pool_wait_seconds",
        Unit::Seconds,
        "Time waited for a database connection"
    );
    describe_counter!(
        "goodgo_pool_failures_total",
        "Database connections that were not to be had"
    );
    describe_counter!("goodgo_statements_total", "SQL statements sent");
    describe_histogram!(
        "goodgo_statement_duration_seconds",
        Unit::Seconds,
        "Time until a statement began to answer"
    );
    describe_counter!("goodgo_write_retries_total", "Transactions run again");
    describe_gauge!(
        "goodgo_checker_mismatches",
        "What the last check of the ledger found wrong"
    );
    describe_gauge!(
        "goodgo_checker_last_run_timestamp_seconds",
        Unit::Seconds,
        "When the ledger was last checked; 0 before the first time"
    );
    describe_counter!("goodgo_job_runs_total", "Runs of jobs, by outcome");
    describe_histogram!(
        "goodgo_job_duration_seconds",
        Unit::Seconds,
        "Time a run of a job took"
    );
    describe_gauge!(
        "goodgo_job_last_success_timestamp_seconds",
        Unit::Seconds,
        "When a job last succeeded, on whichever instance"
    );
    describe_gauge!(
        "goodgo_job_due_timestamp_seconds",
        Unit::Seconds,
        "When a job is due; long past while nobody runs it, or while it hangs"
    );
}

fn describe_events() {
    describe_gauge!(
        "goodgo_outbox_unannounced_age_seconds",
        Unit::Seconds,
        "Age of the oldest event that was not announced; 0 without one"
    );
    describe_gauge!(
        "goodgo_outbox_undelivered_age_seconds",
        Unit::Seconds,
        "Age of the oldest event that the platform doesn't have; 0 without one"
    );
    describe_counter!(
        "goodgo_events_announced_total",
        "Events announced to all instances"
    );
    describe_gauge!("goodgo_event_followers", "Subscriptions that follow events");
    describe_counter!(
        "goodgo_events_coalesced_total",
        "Events left out because a later one of the same subject said more"
    );
    describe_counter!(
        "goodgo_events_dropped_total",
        "Events a subscription never got because it was too far behind"
    );
}

fn describe_process() {
    describe_gauge!("goodgo_build_info", "1, with the version that runs");
    describe_counter!("goodgo_spans_exported_total", "Spans of traces told");
    describe_counter!(
        "goodgo_spans_dropped_total",
        "Spans of traces that could not be told"
    );
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
