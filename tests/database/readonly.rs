//! A primary that turns read-only: the server says so, and finds the new primary.

use std::time::{Duration, Instant};

use crate::support::{PATIENCE, Servers, TestApp, on_servers};

const READ_ONLY: &str = "ALTER SYSTEM SET default_transaction_read_only = on";
const READ_WRITE: &str =
    "SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only";
const RELOAD: &str = "SELECT pg_reload_conf()";

/// Waits until the readiness has a status. A look at the dependencies is at most a second old.
async fn until_readiness(app: &TestApp, status: u16) {
    let started = Instant::now();
    loop {
        let response = reqwest::get(app.url("/health/ready")).await.unwrap();
        if response.status().as_u16() == status {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "not {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn reports_a_primary_that_turns_read_only() {
    let servers = Servers::new();
    let primary = servers.primary("a", &[]);
    on_servers(&primary.url("goodgo"), &[], async |app| {
        let alice = app.user();
        alice.register().await.ok();
        until_readiness(app, 200).await;
        primary.sql(READ_ONLY).await;
        primary.sql(RELOAD).await;
        primary.until("SHOW transaction_read_only", "on").await;
        alice.start().await.error("UNAVAILABLE");
        assert_eq!(alice.points().await, "0.0000");
        until_readiness(app, 503).await;
        primary.sql_alone(READ_WRITE).await;
        primary.sql(RELOAD).await;
        primary.until("SHOW transaction_read_only", "off").await;
        alice.start().await.ok();
        until_readiness(app, 200).await;
    });
}

#[test]
fn follows_the_primary_to_another_host() {
    let servers = Servers::new();
    let a = servers.primary("a", &[]);
    let [b, _c] = servers.standbys(&a, ["b", "c"]);
    on_servers(&servers.url_of(&[&a, &b]), &[], async |app| {
        let alice = app.miner().await;
        let mut events = app.follow(&alice, "__typename").await;
        // The old primary lives on, and only reads.
        a.sql(READ_ONLY).await;
        a.sql(RELOAD).await;
        a.until("SHOW transaction_read_only", "on").await;
        let position = a.sql("SELECT pg_current_wal_lsn()").await.unwrap();
        b.until(
            &format!("SELECT pg_last_wal_replay_lsn() >= '{position}'"),
            "t",
        )
        .await;
        b.promote();
        alice.start().await.ok();
        assert_eq!(
            b.sql("SELECT count(*) FROM mining_sessions")
                .await
                .as_deref(),
            Some("1")
        );
        assert_eq!(
            a.sql("SELECT count(*) FROM mining_sessions")
                .await
                .as_deref(),
            Some("0")
        );
        // The listening connection notices by its own test that its server only reads.
        let event = events.next().await;
        assert_eq!(event["__typename"], "MiningSessionStarted");
    });
}
