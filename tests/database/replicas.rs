//! A replica for reads: one's own writes are read, and nothing depends on the replica.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use db::{Settings, Tls};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::lock::{Lock, until_waiting};
use crate::support::{Actor, Miner, PATIENCE, Postgres, Servers, TestApp, on_servers, test};

const PAUSE: &str = "SELECT pg_wal_replay_pause()";
const PAUSED: &str = "SELECT pg_get_wal_replay_pause_state()";
const RESUME: &str = "SELECT pg_wal_replay_resume()";

/// Held by the tests that count reads: the counter is the one of the process, which may run several tests.
static COUNTING: Mutex<()> = Mutex::new(());

/// Runs a test over a primary and a replica.
fn on_a_replica(
    settings: &[(&str, &str)],
    body: impl AsyncFnOnce(&TestApp, &Postgres<'_>, &Postgres<'_>),
) {
    let _counting = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    let servers = Servers::new();
    let primary = servers.primary("a", settings);
    let replica = servers.standby(&primary, "b");
    let url = replica.url("goodgo");
    let read_from = [("READ_DATABASE_URL", url.as_str())];
    let (primary, replica) = (&primary, &replica);
    on_servers(&primary.url("goodgo"), &read_from, async move |app| {
        until_replica(app, "up").await;
        body(app, primary, replica).await;
    });
}

async fn pause(replica: &Postgres<'_>) {
    replica.sql(PAUSE).await;
    replica.until(PAUSED, "paused").await;
}

/// Waits until everything is replayed.
async fn catch_up(primary: &Postgres<'_>, replica: &Postgres<'_>) {
    let position = primary.sql("SELECT pg_current_wal_insert_lsn()").await;
    // The end of the log can be the start of a page, which only a next record reaches.
    primary.sql("SELECT pg_switch_wal()").await;
    let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", position.unwrap());
    replica.until(&replayed, "t").await;
}

/// Waits for a state of the dependency. The server stays ready.
async fn until_replica(app: &TestApp, status: &str) {
    let reached = async {
        loop {
            let health = reqwest::get(app.url("/health")).await.unwrap();
            let health: Value = health.json().await.unwrap();
            let ready = reqwest::get(app.url("/health/ready")).await.unwrap();
            assert_eq!(ready.status(), 200, "{health}");
            if health["dependencies"]["replica"]["status"] == status {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, reached).await;
    assert!(waited.is_ok(), "the replica is not {status}");
}

/// Number of reads that the replica answered.
async fn replica_reads(app: &TestApp) -> u64 {
    let metrics = reqwest::get(app.url("/metrics")).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let series = r#"goodgo_reads_total{server="replica"} "#;
    let count = metrics.lines().find_map(|line| line.strip_prefix(series));
    count.unwrap().parse().unwrap()
}

/// Sends an operation, with a position or without one; returns the data and the answer's position.
async fn ask(
    app: &TestApp,
    actor: &Actor,
    query: &str,
    read_after: Option<&str>,
) -> (Value, Option<String>) {
    let mut request = reqwest::Client::new()
        .post(app.url("/graphql"))
        .json(&json!({"query": query}));
    if let Some(token) = actor.token() {
        request = request.bearer_auth(token);
    }
    if let Some(position) = read_after {
        request = request.header("x-read-after", position);
    }
    let response = request.send().await.unwrap();
    let position = response.headers().get("x-read-after");
    let position = position.map(|position| position.to_str().unwrap().to_owned());
    let body: Value = response.json().await.unwrap();
    assert!(body.get("errors").is_none(), "{body}");
    (body["data"].clone(), position)
}

const START: &str = "mutation { miningSessionStart(input: {}) { userErrors { code } } }";
const CLAIM: &str =
    r#"mutation { miningSessionClaim(input: {idempotencyKey: "1"}) { userErrors { code } } }"#;
const POINTS: &str =
    r#"{ viewer { miner { totalMinedPoints } wallet(currency: "MP") { available { amount } } } }"#;
const MINERS: &str = "{ miners(first: 100) { totalCount nodes { id } } }";

/// Lifetime points of the miner, and the balance of the wallet.
async fn points(app: &TestApp, miner: &Miner, read_after: Option<&str>) -> [String; 2] {
    let (data, _) = ask(app, miner, POINTS, read_after).await;
    let viewer = &data["viewer"];
    let balance = &viewer["wallet"]["available"]["amount"];
    [&viewer["miner"]["totalMinedPoints"], balance].map(|value| value.as_str().unwrap().to_owned())
}

/// Number of listed miners, and of those that are counted.
async fn listed(app: &TestApp, admin: &Actor) -> [u64; 2] {
    let (data, _) = ask(app, admin, MINERS, None).await;
    let list = &data["miners"];
    let nodes = list["nodes"].as_array().unwrap().len();
    [
        u64::try_from(nodes).unwrap(),
        list["totalCount"].as_u64().unwrap(),
    ]
}

#[test]
fn reads_ones_own_write_and_balances_at_the_primary() {
    on_a_replica(&[], async |app, primary, replica| {
        let alice = app.miner().await;
        let (_, before) = ask(app, &alice, START, None).await;
        let before = before.unwrap();
        app.advance(TimeDelta::hours(24)).await;
        catch_up(primary, replica).await;
        pause(replica).await;
        let (_, after) = ask(app, &alice, CLAIM, Some(&before)).await;
        let after = after.unwrap();
        let reads = replica_reads(app).await;
        let new = ["6.0000", "6.0000"];
        assert_eq!(points(app, &alice, Some(&after)).await, new);
        // On another device, which knows no position.
        assert_eq!(points(app, &alice, None).await, new);
        assert_eq!(replica_reads(app).await, reads);
        // The replica has what an earlier write needs, and no balance comes from it.
        assert_eq!(
            points(app, &alice, Some(&before)).await,
            ["0.0000", "6.0000"]
        );
        assert!(replica_reads(app).await > reads);
        replica.sql(RESUME).await;
        catch_up(primary, replica).await;
        let reads = replica_reads(app).await;
        assert_eq!(points(app, &alice, Some(&after)).await, new);
        assert!(replica_reads(app).await > reads);
    });
}

#[test]
fn reads_at_the_primary_on_a_socket() {
    on_a_replica(&[], async |app, primary, replica| {
        let alice = app.miner().await;
        let mut socket = alice.socket().await;
        catch_up(primary, replica).await;
        pause(replica).await;
        // The socket knows nothing of a write by HTTP.
        ask(app, &alice, START, None).await;
        let reads = replica_reads(app).await;
        let session = "{ viewer { miner { session { status } } } }";
        socket.subscribe("1", session).await;
        let data = socket.event("1").await;
        assert_eq!(data["viewer"]["miner"]["session"]["status"], "ACTIVE");
        assert_eq!(replica_reads(app).await, reads);
        replica.sql(RESUME).await;
    });
}

#[test]
fn reads_at_the_primary_after_a_mutation_without_an_answer() {
    on_a_replica(&[], async |app, primary, replica| {
        let url = replica.url("goodgo");
        let settings = [
            ("READ_DATABASE_URL", url.as_str()),
            ("GOODGO_REQUEST_TIMEOUT_SECONDS", "1"),
        ];
        let hasty = app.another_with(&settings).await;
        until_replica(&hasty, "up").await;
        let alice = hasty.miner().await;
        let locked = Lock::on_miners(app, "true").await;
        let request = reqwest::Client::new()
            .post(hasty.url("/graphql"))
            .header("accept", "application/graphql-response+json")
            .bearer_auth(alice.token().unwrap())
            .json(&json!({"query": START}));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 504);
        let position = answer.headers()["x-read-after"]
            .to_str()
            .unwrap()
            .to_owned();
        pause(replica).await;
        locked.release().await;
        app.until_count("mining_sessions", "true", 1).await;
        let session = "{ viewer { miner { session { status } } } }";
        let (data, _) = ask(&hasty, &alice, session, Some(&position)).await;
        let status = &data["viewer"]["miner"]["session"]["status"];
        assert_eq!(status, "ACTIVE");
        replica.sql(RESUME).await;
        catch_up(primary, replica).await;
        hasty.stop().await;
    });
}

#[test]
fn reads_staff_lists_and_the_leaderboard_from_the_replica() {
    on_a_replica(&[], async |app, primary, replica| {
        let admin = app.admin();
        app.miner().await;
        catch_up(primary, replica).await;
        pause(replica).await;
        app.miner().await;
        let reads = replica_reads(app).await;
        assert_eq!(listed(app, &admin).await, [1, 1]);
        assert_eq!(replica_reads(app).await, reads + 2);
        let top = "{ leaderboard { entries { rank } } }";
        let places = async |actor: &Actor| {
            let (data, _) = ask(app, actor, top, None).await;
            data["leaderboard"]["entries"].as_array().unwrap().len()
        };
        assert_eq!(places(&app.anonymous()).await, 1);
        // A user's answer can have their own place.
        assert_eq!(places(&app.user()).await, 2);
        replica.sql(RESUME).await;
        catch_up(primary, replica).await;
        assert_eq!(listed(app, &admin).await, [2, 2]);
    });
}

#[test]
fn reads_on_when_the_replica_stops() {
    on_a_replica(&[], async |app, primary, replica| {
        let admin = app.admin();
        let alice = app.miner().await;
        catch_up(primary, replica).await;
        assert_eq!(listed(app, &admin).await, [1, 1]);
        replica.stop("immediate");
        let reads = replica_reads(app).await;
        for _ in 0..3 {
            assert_eq!(listed(app, &admin).await, [1, 1]);
        }
        let (_, position) = ask(app, &alice, START, None).await;
        assert_eq!(
            points(app, &alice, position.as_deref()).await,
            ["0.0000", "0.0000"]
        );
        assert_eq!(replica_reads(app).await, reads);
        until_replica(app, "down").await;
        replica.start();
        until_replica(app, "up").await;
        listed(app, &admin).await;
        assert_eq!(replica_reads(app).await, reads + 2);
    });
}

#[test]
fn repeats_a_read_after_a_conflict_with_recovery() {
    let settings = [("max_standby_streaming_delay", "0")];
    on_a_replica(&settings, async |app, primary, replica| {
        let admin = app.admin();
        let alice = app.miner().await;
        admin.suspend(&alice).await.ok();
        // Reading the log takes long on the replica only.
        primary
            .sql(
                "CREATE FUNCTION held() RETURNS boolean LANGUAGE plpgsql AS $$
                 BEGIN
                     IF pg_is_in_recovery() THEN PERFORM pg_sleep(600); END IF;
                     RETURN true;
                 END $$;
                 ALTER TABLE audit_log RENAME TO audit_log_kept;
                 CREATE VIEW audit_log AS SELECT * FROM audit_log_kept WHERE held();
                 GRANT SELECT ON audit_log TO goodgo_app;
                 CREATE TABLE scratch (n integer)",
            )
            .await;
        catch_up(primary, replica).await;
        let reads = replica_reads(app).await;
        let log = "{ auditLog(first: 5) { nodes { id } } }";
        let reading = ask(app, &admin, log, None);
        let conflict = async {
            replica
                .until(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
                    "1",
                )
                .await;
            loop {
                primary
                    .sql_alone("INSERT INTO scratch VALUES (1);DELETE FROM scratch;VACUUM scratch")
                    .await;
            }
        };
        let (data, _) = tokio::select! {
            answer = reading => answer,
            () = conflict => unreachable!("it has no end"),
        };
        assert_eq!(data["auditLog"]["nodes"].as_array().unwrap().len(), 1);
        assert_eq!(replica_reads(app).await, reads);
        replica
            .until(
                "SELECT sum(confl_snapshot) > 0 FROM pg_stat_database_conflicts",
                "t",
            )
            .await;
    });
}

#[test]
fn keeps_a_replica_whose_connections_are_in_use() {
    on_a_replica(&[], async |app, _, replica| {
        let admin = app.admin();
        let locked = Lock::on(app, "audit_log").await;
        let held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'audit_log'::regclass";
        replica.until(held, "1").await;
        let log = "{ auditLog(first: 5) { nodes { id } } }";
        // Reads have 6 of 8 connections.
        let slow = join_all((0..7).map(|_| ask(app, &admin, log, None)));
        let others = async {
            // All but one wait on the replica.
            until_waiting(app, 1).await;
            assert_eq!(app.db.check_replica().await, Some(Ok(())));
            assert_eq!(app.db.replica_status(), Some(Ok(())));
            locked.release().await;
        };
        tokio::join!(slow, others);
        let reads = replica_reads(app).await;
        listed(app, &admin).await;
        assert_eq!(replica_reads(app).await, reads + 2);
    });
}

#[test]
fn is_ready_with_a_replica_that_never_answers() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://goodgo@{}/goodgo", silent.local_addr().unwrap());
    test(async |app| {
        let instance = app.another_with(&[("READ_DATABASE_URL", &url)]).await;
        let client = reqwest::Client::builder()
            .timeout(std::time::Duration::from_secs(1))
            .build()
            .unwrap();
        for _ in 0..5 {
            let ready = client.get(instance.url("/health/ready")).send().await;
            assert_eq!(ready.unwrap().status(), 200);
        }
        assert!(instance.db.replica_status().unwrap().is_err());
        instance.stop().await;
    });
}

#[test]
fn refuses_another_server_as_replica() {
    let servers = Servers::new();
    let (primary, other) = (servers.primary("a", &[]), servers.primary("z", &[]));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let prove = async |read_url: String| {
            let settings = Settings {
                read_url: Some(read_url),
                ..Settings::new(primary.url("goodgo"))
            };
            let proof = db::proof::replica(&settings, &Tls::from_machine()).await;
            proof
                .err()
                .map(|unfit| unfit.to_string())
                .unwrap_or_default()
        };
        let refusals = HashMap::from([
            ("is no standby", primary.url("goodgo")),
            ("another database", other.url("goodgo")),
        ]);
        for (reason, url) in refusals {
            let refusal = prove(url).await;
            assert!(refusal.contains(reason), "{reason}: {refusal}");
        }
        other.stop("immediate");
        assert_eq!(prove(other.url("goodgo")).await, "");
    });
}

#[test]
fn rejects_a_malformed_position() {
    test(async |app| {
        let alice = app.user();
        for (position, status) in [("16/B374D848", 200), ("now", 400), ("", 400)] {
            let answer = alice
                .send("{ __typename }", json!({}), &[("x-read-after", position)])
                .await;
            assert_eq!(answer.status, status, "{position}: {}", answer.body);
        }
        // Without a replica writes have no position.
        let register = "mutation { minerRegister(input: {}) { userErrors { code } } }";
        assert_eq!(ask(app, &alice, register, None).await.1, None);
    });
}
