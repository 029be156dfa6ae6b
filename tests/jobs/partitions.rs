//! Old partitions go, but not what is still needed.

use chrono::TimeDelta;

use super::runner::until;
use crate::support::{TestApp, test};

async fn drop_old(app: &TestApp) {
    app.db
        .read(async |conn| db::clock::drop_old_partitions(conn).await)
        .await
        .unwrap();
}

/// How many days of a table are kept.
async fn days(app: &TestApp, parent: &str) -> i64 {
    app.number(&format!(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = '{parent}'::regclass"
    ))
    .await
}

/// How many of them are today or later: the template that the test's database is a copy of may be of another day.
async fn days_from_today(app: &TestApp, parent: &str) -> i64 {
    app.number(&format!(
        "SELECT count(*) FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
         WHERE inhparent = '{parent}'::regclass
           AND to_date(right(part.relname, 8), 'YYYYMMDD') >= (app_now() AT TIME ZONE 'UTC')::date"
    ))
    .await
}

#[test]
fn keys_are_kept_two_days_and_delivered_events_seven() {
    test(async |app| {
        until(&app.db, "partitions", |job| job.runs > 0).await;
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
fn undelivered_events_stay() {
    test(async |app| {
        until(&app.db, "partitions", |job| job.runs > 0).await;
        let alice = app.miner().await;
        alice.start().await;
        let all = "SELECT count(*) FROM outbox";
        let before = app.number(all).await;
        let announce = async |conn: &mut db::Connection| db::outbox::announce(conn, false).await;
        app.db.read(announce).await.unwrap();
        app.sql("UPDATE outbox SET delivered_at = NULL WHERE name = 'MiningSessionStarted'")
            .await;
        app.advance(TimeDelta::days(30)).await;
        drop_old(app).await;
        assert_eq!(app.number(all).await, before);
        app.sql("UPDATE outbox SET delivered_at = app_now()").await;
        drop_old(app).await;
        assert_eq!(app.number(all).await, 0);
    });
}

#[test]
fn what_somebody_is_using_is_left_for_the_next_time() {
    test(async |app| {
        // The job of the server's own is not to do it meanwhile.
        until(&app.db, "partitions", |job| job.runs > 0).await;
        app.advance(TimeDelta::days(30)).await;
        let before = days(app, "outbox").await;
        let (client, connection) =
            tokio_postgres::connect(&app.database_url, tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        let reads = "BEGIN; LOCK TABLE outbox IN ACCESS SHARE MODE";
        client.batch_execute(reads).await.unwrap();
        drop_old(app).await;
        assert_eq!(days(app, "outbox").await, before);
        client.batch_execute("COMMIT").await.unwrap();
        drop_old(app).await;
        assert_eq!(days(app, "outbox").await, 8);
    });
}
