//! Traces as exported to a collector.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use domain::access::Role;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::collector::{Collector, Told, hex};
use crate::support::wallets::loss;
use crate::support::{TestApp, test};

const QUERY: &str = "query Town($n: Int) { miners(first: $n) { nodes { uuid rate { hourlyRate } session { status } } } }";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Second instance, with traces exported.
async fn traced(app: &TestApp, collector: &Collector, ratio: &str) -> TestApp {
    app.another_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_TRACES_SAMPLER_ARG", ratio),
    ])
    .await
}

fn sampled() -> String {
    format!("00-{TRACE}-{PARENT}-01")
}

fn parts_of<'a>(spans: &'a [Told], whole: &'a Told) -> impl Iterator<Item = &'a Told> {
    spans.iter().filter(|span| span.parent == whole.id)
}

#[test]
fn exports_a_query_as_spans_of_the_callers_trace() {
    test(async |app| {
        for _ in 0..3 {
            app.miner().await;
        }
        let collector = Collector::start().await;
        let other = traced(app, &collector, "0").await;
        let staff = app.person(&[Role::Support]).at(other.address());
        let headers = [
            ("traceparent", sampled()),
            ("x-request-id", "req-7".to_owned()),
        ];
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        staff.send(QUERY, json!({"n": 3}), &headers).await.data();
        other.stop().await;

        let spans = collector.spans();
        assert!(spans.iter().all(|span| span.trace == TRACE), "{spans:#?}");
        let request = collector.only("POST /graphql");
        assert_eq!(request.parent, PARENT);
        assert_eq!(request.says("http.response.status_code"), "200");
        assert_eq!(request.says("http.route"), "/graphql");
        assert_eq!(request.says("goodgo.request_id"), "req-7");
        let operation = collector.only("query");
        assert_eq!(operation.parent, request.id);
        let hash = hex(&Sha256::digest(QUERY));
        for (name, value) in [
            ("graphql.operation.type", "query"),
            ("graphql.operation.name", "Town"),
            ("graphql.document.hash", &hash),
            ("goodgo.transport", "http"),
            ("goodgo.request_id", "req-7"),
            ("goodgo.outcome", "ok"),
        ] {
            assert_eq!(operation.says(name), value, "{name}");
        }
        assert!(operation.says("goodgo.cost").parse::<u64>().unwrap() > 3);
        assert!(!operation.is_failed && operation.nanoseconds <= request.nanoseconds);
        let parts: Vec<_> = parts_of(&spans, &operation).collect();
        let page = parts.iter().find(|span| span.name == "SELECT").unwrap();
        assert!(page.says("db.query.text").contains("miners"), "{page:?}");
        assert_eq!(page.says("db.system.name"), "postgresql");
        let loads: Vec<_> = parts.iter().filter(|span| span.name == "load").collect();
        assert!(loads.len() >= 2, "{spans:#?}");
        for load in loads {
            assert!(!load.says("goodgo.loader").is_empty());
            assert!(!load.says("goodgo.loader").contains("::"), "{load:?}");
            let statements: Vec<_> = parts_of(&spans, load).collect();
            assert_eq!(statements.len(), 1, "{load:?}");
            assert!(statements[0].nanoseconds <= load.nanoseconds);
        }
        let rates = parts
            .iter()
            .find(|span| span.says("goodgo.loader") == "RateFactsOf");
        assert_eq!(rates.unwrap().says("goodgo.batch_size"), "3");
        let statements = spans.iter().filter(|span| span.name == "SELECT").count();
        assert_eq!(operation.says("goodgo.statements"), statements.to_string());
    });
}

#[test]
fn exports_a_mutation_without_its_values() {
    test(async |app| {
        let collector = Collector::start().await;
        let other = traced(app, &collector, "1").await;
        let bob = app.miner().await.at(other.address());
        bob.start().await.ok();
        app.advance(chrono::TimeDelta::hours(25)).await;
        let key = "key-nobody-may-see";
        bob.claim().key(key).await.ok();
        // A failing one, whose error repeats what it was sent.
        let query = "query Bad($id: ID!) { node(id: $id) { id } }";
        bob.ask(query, json!({"id": "id-nobody-may-see"})).await;
        other.stop().await;

        let claim = collector.named("mutation");
        let claim = claim
            .iter()
            .max_by_key(|span| span.says("goodgo.statements").parse::<u32>().unwrap());
        let claim = claim.unwrap();
        let spans = collector.spans();
        let write = collector
            .named("write")
            .into_iter()
            .find(|span| span.parent == claim.id);
        let write = write.unwrap();
        assert_eq!(write.trace, claim.trace);
        assert_eq!(write.says("goodgo.command"), "mining.mining_session_claim");
        assert_eq!(write.says("goodgo.attempts"), "1");
        let user = bob.id().0.to_string();
        assert_eq!(write.says("goodgo.owner_id"), user);
        let posted = format!("transaction_id = '{}'", write.says("goodgo.transaction_id"));
        assert!(app.count("transfers", &posted).await > 0);
        let statements: Vec<_> = parts_of(&spans, &write).collect();
        for verb in ["BEGIN", "SELECT", "WITH", "COMMIT"] {
            assert!(
                statements.iter().any(|span| span.name == verb),
                "{verb}: {statements:#?}"
            );
        }
        assert!(statements.iter().all(|span| span.trace == claim.trace));
        for secret in [key, "id-nobody-may-see", "-- binds", bob.token().unwrap()] {
            assert!(!collector.knows(secret), "{secret} was told");
        }
        assert!(!collector.knows("pointsEarned"), "the document was told");
    });
}

#[test]
fn names_the_objects_of_a_settlement() {
    test(async |app| {
        let collector = Collector::start().await;
        let other = traced(app, &collector, "1").await;
        let (alice, game) = (app.holder("100").await, app.game().at(other.address()));
        let hold = game.placed(&alice, "1", "7").await;
        game.settle(loss(&hold)).await.ok();
        other.stop().await;
        for (command, kinds) in [("wallets.hold_place", 3), ("wallets.hold_settle", 4)] {
            let writes = collector.named("write");
            let write = writes
                .iter()
                .find(|span| span.says("goodgo.command") == command);
            let write = write.unwrap();
            let stored = [
                ("owner", "holds", "owner_id"),
                ("hold", "holds", "id"),
                ("transaction", "transfers", "transaction_id"),
                ("settlement", "settlements", "id"),
            ];
            for (name, table, column) in &stored[..kinds] {
                let id = write.says(&format!("goodgo.{name}_id"));
                let found = app.count(table, &format!("{column}::text = '{id}'")).await;
                assert!(found > 0, "{command}: {name} {id}");
            }
        }
    });
}

#[test]
fn exports_sampled_traces_only() {
    test(async |app| {
        let collector = Collector::start().await;
        let other = traced(app, &collector, "1").await;
        let bob = app.miner().await.at(other.address());
        let unsampled = format!("00-{TRACE}-{PARENT}-00");
        let headers = [("traceparent", unsampled.as_str())];
        bob.send("{ viewer { id } }", json!({}), &headers)
            .await
            .data();
        reqwest::get(other.url("/metrics")).await.unwrap();
        other.stop().await;
        // Jobs are traces of their own, where this instance runs any.
        let told = collector.spans();
        let asked = ["POST /graphql", "query", "load"];
        let found = told.iter().find(|span| asked.contains(&span.name.as_str()));
        assert!(found.is_none(), "{told:#?}");

        let collector = Collector::start().await;
        let other = traced(app, &collector, "0").await;
        bob.at(other.address())
            .get("{ viewer { id } }", json!({}))
            .await;
        other.stop().await;
        assert_eq!(collector.spans().len(), 0);
    });
}

#[test]
fn exports_a_trace_per_job_run() {
    test(async |_| {
        let collector = Collector::start().await;
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_TRACES_SAMPLER_ARG", "1"),
        ];
        let app = TestApp::start(&settings).await;
        app.let_jobs_run().await;
        let all = i64::try_from(goodgo::jobs::ALL.len()).unwrap();
        app.until_count("jobs", "runs > 0", all).await;
        app.stop().await;
        let spans = collector.spans();
        let mut jobs: Vec<_> = collector.named("job");
        jobs.sort_by_key(|span| span.says("goodgo.job").to_owned());
        let mut names: Vec<_> = jobs.iter().map(|span| span.says("goodgo.job")).collect();
        // Some are due again soon.
        names.dedup();
        assert_eq!(
            names,
            [
                "campaign_completion",
                "campaign_revocation",
                "circle_invitation_expiry",
                "fx_count",
                "hold_expiry",
                "issuance_count",
                "mining_session_completion",
                "partition_maintenance",
                "reconciliation",
                "redemption_expiry",
                "voucher_expiry",
                "withdrawal_payout"
            ]
        );
        for job in &jobs {
            assert_eq!(
                (job.parent.as_str(), job.says("goodgo.outcome")),
                ("", "ok")
            );
            assert!(
                spans
                    .iter()
                    .any(|span| span.trace == job.trace && span.name == "SELECT"),
                "{spans:#?}"
            );
        }
    });
}

#[test]
fn exports_a_trace_per_subscription_event() {
    test(async |app| {
        let collector = Collector::start().await;
        let other = traced(app, &collector, "1").await;
        let bob = app.miner().await;
        let mut socket = bob.at(other.address()).socket().await;
        let follow = "subscription Mine { minerUpdated { sequence miner { session { status } } } }";
        socket.subscribe("1", follow).await;
        other.until_followed(bob.id()).await;
        // Waiting is no part of an event.
        tokio::time::sleep(Duration::from_secs(3)).await;
        bob.start().await.ok();
        socket.event("1").await;
        drop(socket);
        other.stop().await;
        let event = collector.only("subscription");
        assert_eq!(event.parent, "");
        assert_eq!(event.says("goodgo.transport"), "websocket");
        assert_eq!(event.says("graphql.operation.name"), "Mine");
        assert!(event.nanoseconds < 3_000_000_000, "{event:?}");
        let spans = collector.spans();
        assert!(
            parts_of(&spans, &event).any(|span| span.name == "load"),
            "{spans:#?}"
        );
    });
}

#[test]
fn stops_while_the_collector_hangs() {
    test(async |app| {
        // The collector accepts connections and never answers.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let other = app
            .another_with(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
                ("OTEL_TRACES_SAMPLER_ARG", "1"),
            ])
            .await;
        let bob = app.miner().await.at(other.address());
        bob.get("{ viewer { id } }", json!({})).await;
        let stopping = Instant::now();
        other.stop().await;
        assert!(
            stopping.elapsed() < Duration::from_secs(9),
            "{:?}",
            stopping.elapsed()
        );
    });
}
