//! Monthly partitions of transfers.

use chrono::TimeDelta;

use super::posting::{leg, mining, person, post, posting_of};
use crate::support::{TestApp, test};

/// Name of the partition of a month, counted from the present one.
fn month(ahead: u32) -> String {
    format!(
        "to_regclass(to_char(date_trunc('month', app_now() AT TIME ZONE 'UTC') + interval '{ahead} months', '\"transfers_p\"YYYYMM'))"
    )
}

async fn mint(app: &TestApp, id: u128) {
    let mint = posting_of(id, vec![leg(mining(), person(1), 5)]);
    assert_eq!(post(&app.db, vec![mint]).await, [Ok(())]);
}

async fn is_in_month(app: &TestApp, id: u128) -> bool {
    let id = uuid::Uuid::from_u128(id);
    let of_month = format!("transaction_id = '{id}' AND tableoid = {}", month(0));
    app.count("transfers", &of_month).await == 1
}

#[test]
fn makes_this_month_and_the_next_two() {
    test(async |app| {
        for days in [0, 31, 59, 400] {
            app.advance(TimeDelta::days(days)).await;
            for ahead in 0..3 {
                let made = app
                    .count("pg_inherits", &format!("inhrelid = {}", month(ahead)))
                    .await;
                assert_eq!(made, 1, "{days} days, month {ahead}");
            }
            let id = u128::from(days.unsigned_abs() + 1);
            mint(app, id).await;
            assert!(is_in_month(app, id).await, "{days}");
        }
    });
}

#[test]
fn makes_a_missing_partition() {
    test(async |app| {
        app.sql(&format!(
            "DO $$ BEGIN EXECUTE format('DROP TABLE %s', {}); END $$",
            month(0)
        ))
        .await;
        mint(app, 1).await;
        assert!(is_in_month(app, 1).await);
    });
}

#[test]
fn refuses_changes_of_every_partition() {
    test(async |app| {
        let client = app.connect().await;
        let parts = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'transfers'::regclass";
        let parts = client.query(parts, &[]).await.unwrap();
        assert!(parts.len() >= 3);
        for (number, part) in (0..).zip(parts) {
            let part: &str = part.get(0);
            mint(app, number + 1).await;
            // A row that belongs to this month.
            client
                .batch_execute(&format!(
                    "INSERT INTO transfers SELECT owner_id, to_date(right('{part}', 6), 'YYYYMM'), gen_random_uuid(), 0, reason, reference_kind,
                         reference_id, origin, correlation_id, currency, amount, 257, debit_bucket, NULL, NULL, 513, credit_bucket, NULL, NULL
                     FROM transfers LIMIT 1"
                ))
                .await
                .unwrap();
            for role in ["origin", "replica"] {
                for table in [part, "transfers"] {
                    for change in ["UPDATE {} SET amount = 2", "DELETE FROM {}", "TRUNCATE {}"] {
                        let change = change.replace("{}", table);
                        let sql = format!("SET session_replication_role = {role}; {change}");
                        let error = client.batch_execute(&sql).await.expect_err(&sql);
                        let message = error.as_db_error().unwrap().message();
                        assert!(message.ends_with("is append-only"), "{sql}: {message}");
                    }
                }
            }
            client
                .batch_execute("SET session_replication_role = origin")
                .await
                .unwrap();
        }
    });
}
