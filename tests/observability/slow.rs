//! Log lines of requests and slow operations, in a process of its own because the logger is global.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::collector::hex;
use crate::process::program::{Program, folder};

const QUERY: &str =
    "query Slowly($id: ID!) { node(id: $id) { id } viewer { miner { totalMinedPoints } } }";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn lines(program: &Program) -> Vec<Value> {
    let log = program.log();
    log.iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

fn slow(lines: &[Value]) -> Vec<&Value> {
    let is_slow = |line: &&Value| {
        let message = line["fields"]["message"].as_str();
        message.is_some_and(|message| message.starts_with("Slow operation"))
    };
    lines.iter().filter(is_slow).collect()
}

#[test]
fn logs_slow_operations_and_names_of_operations() {
    let folder = folder();
    let settings = [
        ("LOG_FORMAT", "json"),
        ("GOODGO_SLOW_OPERATION_MS", "1"),
        // No collector listens there: the log still names the trace of sampled requests.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_TRACES_SAMPLER_ARG", "1"),
    ];
    let program = Program::start_with(folder.path(), &settings);
    let variable = "variable-nobody-may-see";
    let bob = runtime().block_on(async {
        let bob = program.demo("bob");
        let headers = [("x-request-id", "req-slow")];
        bob.send(QUERY, json!({"id": variable}), &headers).await;
        // The session that bob of the demo data has ended before, which is told once.
        let settled = r#"goodgo_job_runs_total{job="mining_session_completion",outcome="ok"}"#;
        program.until(settled, |runs| runs > 0.0).await;
        let mut socket = bob.socket().await;
        socket
            .subscribe(
                "1",
                "subscription Live { minerUpdated { sequence miner { session { status } } } }",
            )
            .await;
        program.until_followed().await;
        bob.claim().await.ok();
        socket.event("1").await;
        bob
    });
    drop(bob);
    let log = program.log_after_stop();
    for unseen in [variable, "totalMinedPoints", "claim-1"] {
        assert!(
            !log.iter().any(|line| line.contains(unseen)),
            "{unseen} was logged: {log:#?}"
        );
    }
    let lines: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let all = slow(&lines);
    let of = |operation: &str| {
        let of: Vec<_> = all
            .iter()
            .filter(|line| line["fields"]["operation"] == operation)
            .collect();
        assert_eq!(of.len(), 1, "{operation}: {all:#?}");
        of[0]
    };
    let line = of("query Slowly");
    assert_eq!(line["level"], "WARN");
    let fields = &line["fields"];
    let hash = hex(&Sha256::digest(QUERY));
    assert_eq!(fields["document_hash"], hash);
    assert_eq!(fields["request_id"], "req-slow");
    assert_eq!(fields["transport"], "http");
    assert!(fields["cost"].as_u64().unwrap() > 1);
    assert!(fields["statements"].as_u64().unwrap() >= 1);
    let (ms, sql_ms) = (
        fields["ms"].as_f64().unwrap(),
        fields["sql_ms"].as_f64().unwrap(),
    );
    assert!(0.0 < sql_ms && sql_ms <= ms, "{fields}");
    let trace = fields["trace_id"].as_str().unwrap();
    assert_eq!(trace.len(), 32);
    assert_eq!(of("subscription Live")["fields"]["transport"], "websocket");

    // The line of its request says the same.
    let request = lines
        .iter()
        .find(|line| {
            line["fields"]["request_id"] == "req-slow" && line["fields"]["path"] == "/graphql"
        })
        .unwrap();
    assert_eq!(request["fields"]["operation"], "query Slowly");
    assert_eq!(request["fields"]["trace_id"], trace);
    assert_eq!(request["fields"]["status"], 200);
}

#[test]
fn logs_no_slow_operations_by_default() {
    let folder = folder();
    let settings = [("LOG_FORMAT", "json"), ("GOODGO_SLOW_OPERATION_MS", "0")];
    let program = Program::start_with(folder.path(), &settings);
    runtime().block_on(async {
        let bob = program.demo("bob");
        bob.get("{ viewer { id } }", json!({})).await;
    });
    let lines = lines(&program);
    assert_eq!(slow(&lines), Vec::<&Value>::new());
    program.stop();
}
