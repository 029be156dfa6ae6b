//! Connections that are lost.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::test;

const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[test]
fn nobody_notices_that_every_connection_was_cut() {
    test(async |app| {
        let alice = app.miner().await;
        let mut socket = alice.socket().await;
        socket
            .subscribe("1", "subscription { minerUpdated { __typename } }")
            .await;
        app.until_followed(alice.id()).await;
        app.sql(CUT).await;
        assert_eq!(alice.points().await, "0.0000");
        app.sql(CUT).await;
        assert_eq!(alice.start().await["userErrors"], json!([]));
        // The connection that hears events was cut too: what it missed is read when it is back.
        assert_eq!(
            socket.event("1").await["minerUpdated"]["__typename"],
            "MiningSessionStarted"
        );
        app.advance(TimeDelta::hours(24)).await;
        app.sql(CUT).await;
        alice.must_claim("1").await;
        assert_eq!(
            socket.event("1").await["minerUpdated"]["__typename"],
            "PointsUpdated"
        );
    });
}
