//! The job that drops old partitions.

use chrono::TimeDelta;

use super::runner::until;
use crate::support::lock::Lock;
use crate::support::{TestApp, test};

async fn drop_old(app: &TestApp) {
    app.db
        .read(async |conn| db::clock::drop_old_partitions(conn).await)
        .await
        .unwrap();
}

/// Number of days of a table that are kept.
async fn days(app: &TestApp, parent: &str) -> i64 {
    let of_parent = format!("inhparent = '{parent}'::regclass");
    app.count("pg_inherits", &of_parent).await
}

/// Number of days from today on: the template of the test's database may be of another day.
async fn days_from_today(app: &TestApp, parent: &str) -> i64 {
    let from_today = format!(
        "inhparent = '{parent}'::regclass
         AND to_date(right(part.relname, 8), 'YYYYMMDD') >= (app_now() AT TIME ZONE 'UTC')::date"
    );
    let parts = "pg_inherits JOIN pg_class part ON part.oid = inhrelid";
    app.count(parts, &from_today).await
}

#[test]
fn keeps_keys_two_days_and_delivered_events_seven() {
    test(async |app| {
        until(&app.db, "partition_maintenance", |job| job.runs > 0).await;
        drop_old(app).await;
        for parent in ["idempotency_keys", "outbox"] {
            assert_eq!(days_from_today(app, parent).await, 8, "{parent}");
        }
        for _ in 0..10 {
            app.advance(TimeDelta::days(1)).await;
        }
        drop_old(app).await;
        // Today, the seven days ahead, and two or seven before.
        assert_eq!(days(app, "idempotency_keys").await, 8 + 2);
        assert_eq!(days(app, "outbox").await, 8 + 7);
    });
}

#[test]
fn keeps_undelivered_events() {
    test(async |app| {
        until(&app.db, "partition_maintenance", |job| job.runs > 0).await;
        let alice = app.miner().await;
        alice.start().await.ok();
        let before = app.all_events().await.len();
        let announce = async |conn: &mut db::Connection| db::outbox::announce(conn, false).await;
        app.db.read(announce).await.unwrap();
        app.sql("UPDATE outbox SET delivered_at = NULL WHERE name = 'MiningSessionStarted'")
            .await;
        app.advance(TimeDelta::days(30)).await;
        drop_old(app).await;
        assert_eq!(app.all_events().await.len(), before);
        app.sql("UPDATE outbox SET delivered_at = app_now()").await;
        drop_old(app).await;
        assert!(app.all_events().await.is_empty());
    });
}

#[test]
fn leaves_a_table_in_use_to_the_next_run() {
    test(async |app| {
        // The server's own job has already run.
        until(&app.db, "partition_maintenance", |job| job.runs > 0).await;
        app.advance(TimeDelta::days(30)).await;
        let before = days(app, "outbox").await;
        let reader = Lock::by(app, "LOCK TABLE outbox IN ACCESS SHARE MODE").await;
        drop_old(app).await;
        assert_eq!(days(app, "outbox").await, before);
        reader.release().await;
        drop_old(app).await;
        assert_eq!(days(app, "outbox").await, 8);
    });
}
