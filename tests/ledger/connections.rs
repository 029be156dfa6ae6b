//! Connections that are lost.

use chrono::TimeDelta;

use crate::support::test;

const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[test]
fn survives_the_loss_of_every_connection() {
    test(async |app| {
        let alice = app.miner().await;
        let mut events = app.follow(&alice, "__typename").await;
        app.sql(CUT).await;
        assert_eq!(alice.points().await, "0.0000");
        app.sql(CUT).await;
        alice.start().await.ok();
        // The connection that receives events was cut too; missed events are read after its reconnect.
        let event = events.next().await;
        assert_eq!(event["__typename"], "MiningSessionStarted");
        app.advance(TimeDelta::hours(24)).await;
        app.sql(CUT).await;
        alice.claim().await.ok();
        assert_eq!(events.next().await["__typename"], "PointsUpdated");
    });
}
