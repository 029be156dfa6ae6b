//! The checker: invariants of the ledger, checked on one snapshot.

use diesel::sql_types::{BigInt, Integer, Text as SqlText, Timestamptz};
use diesel::{ExpressionMethods, OptionalExtension, QueryableByName};
use diesel_async::RunQueryDsl;
use domain::time::Timestamp;
use serde::Serialize;

use crate::schema::reconciliation_runs as runs;
use crate::{Connection, Db, DbError};

/// Result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of transfers.
    pub transfers: i64,
    /// Number of wallets.
    pub wallets: i64,
    /// Violations, at most 20 per rule; empty when the ledger is right.
    pub mismatches: Vec<Mismatch>,
}

/// A violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// The violated rule.
    pub rule: &'static str,
    /// The object that violates it.
    pub detail: String,
}

/// Rules as queries that return a row per violation.
const RULES: &[(&str, &str)] = &[
    (
        "each currency sums to zero over all accounts",
        "WITH house AS (
             SELECT e.currency, sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END) AS balance
             FROM entries e WHERE e.sequence IS NULL GROUP BY e.currency
         ), kept AS (
             SELECT currency, sum(available + held) AS balance FROM wallets GROUP BY currency
         )
         SELECT format('currency %s: %s', currency, coalesce(house.balance, 0) + coalesce(kept.balance, 0)) AS detail
         FROM kept FULL JOIN house USING (currency)
         WHERE coalesce(house.balance, 0) + coalesce(kept.balance, 0) <> 0",
    ),
    (
        "a wallet's balances are the sums of its entries",
        "WITH sums AS (
             SELECT wallet,
                    sum(CASE side WHEN 'CREDIT' THEN amount ELSE -amount END) FILTER (WHERE bucket = 'AVAILABLE') AS available,
                    sum(CASE side WHEN 'CREDIT' THEN amount ELSE -amount END) FILTER (WHERE bucket = 'HELD') AS held
             FROM entries WHERE sequence IS NOT NULL GROUP BY wallet
         )
         SELECT format('wallet %s: available %s, entries say %s; held %s, entries say %s',
                       w.id, w.available, coalesce(s.available, 0), w.held, coalesce(s.held, 0)) AS detail
         FROM wallets w LEFT JOIN sums s ON s.wallet = w.id
         WHERE w.available <> coalesce(s.available, 0) OR w.held <> coalesce(s.held, 0)",
    ),
    (
        "a wallet's entries are numbered without a gap, and it knows the last",
        "SELECT format('wallet %s: sequence %s, entries %s, last %s', w.id, w.sequence, coalesce(e.entries, 0), coalesce(e.last, 0)) AS detail
         FROM wallets w LEFT JOIN (
             SELECT wallet, count(DISTINCT sequence) AS entries, max(sequence) AS last, count(*) AS lines
             FROM entries WHERE sequence IS NOT NULL GROUP BY wallet
         ) e ON e.wallet = w.id
         WHERE (w.sequence, w.sequence, w.sequence) IS DISTINCT FROM (coalesce(e.entries, 0), coalesce(e.last, 0), coalesce(e.lines, 0))",
    ),
    (
        "each entry's balance follows from the one before, and time never goes back",
        "SELECT format('wallet %s, entry %s: %s after %s', wallet, sequence, balance_after, before) AS detail
         FROM (
             SELECT wallet, sequence, balance_after, posted_at,
                    CASE side WHEN 'CREDIT' THEN amount ELSE -amount END AS change,
                    lag(balance_after, 1, 0::bigint) OVER (PARTITION BY wallet, bucket ORDER BY sequence) AS before,
                    lag(posted_at, 1, posted_at) OVER (PARTITION BY wallet ORDER BY sequence) AS posted_before
             FROM entries WHERE sequence IS NOT NULL
         ) chained
         WHERE balance_after <> before + change OR posted_at < posted_before",
    ),
    (
        "every transfer's wallets exist and keep a balance where it says so",
        "SELECT format('transfer %s: wallet %s', e.transfer_id, e.wallet) AS detail
         FROM entries e LEFT JOIN wallets w ON w.id = e.wallet
         WHERE w.id IS NULL
            OR (e.sequence IS NULL) <> (w.kind IN ('TREASURY', 'MINING', 'ESCROW', 'PROCEEDS', 'FEES', 'FX', 'REVENUE', 'EXTERNAL'))",
    ),
    (
        "a wallet's held part is what its holds reserve",
        "SELECT format('wallet %s: held %s without a hold', id, held) AS detail FROM wallets WHERE held <> 0",
    ),
    (
        "every transaction of the last week has its event",
        "SELECT format('transaction %s', t.transaction_id) AS detail
         FROM (SELECT DISTINCT transaction_id FROM transfers
               WHERE origin <> 'SEED' AND posted_at > (SELECT app_now()) - interval '6 days') t
         WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.transaction_id = t.transaction_id)",
    ),
    (
        "every command's transaction of the last two days has its idempotency key",
        "SELECT format('transaction %s', t.transaction_id) AS detail
         FROM (SELECT DISTINCT transaction_id FROM transfers
               WHERE origin IN ('USER', 'STAFF', 'SERVICE') AND posted_at > (SELECT app_now()) - interval '47 hours') t
         WHERE NOT EXISTS (SELECT 1 FROM idempotency_keys k WHERE k.transaction_id = t.transaction_id AND NOT k.is_refused)",
    ),
    (
        "every key that moved something has its transfers",
        "SELECT format('key %s of %s', k.key, k.caller) AS detail FROM idempotency_keys k
         WHERE k.transaction_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.transaction_id = k.transaction_id)",
    ),
    (
        "every transaction of staff and services has its audit entry",
        "SELECT format('transaction %s', t.transaction_id) AS detail
         FROM (SELECT DISTINCT transaction_id FROM transfers WHERE origin IN ('STAFF', 'SERVICE')) t
         WHERE NOT EXISTS (SELECT 1 FROM audit_log a WHERE a.transaction_id = t.transaction_id)",
    ),
];

#[derive(QueryableByName)]
struct Detail {
    #[diesel(sql_type = SqlText)]
    detail: String,
}

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    transfers: i64,
    #[diesel(sql_type = BigInt)]
    wallets: i64,
}

/// Checks every rule on one snapshot. Changes nothing; [`store`] stores the report.
pub async fn check(db: &Db) -> Result<Report, DbError> {
    db.read(async |conn| {
        crate::pool::batch(
            conn,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0",
        )
        .await?;
        let report = ask(conn).await;
        crate::pool::batch(conn, "ROLLBACK").await?;
        report
    })
    .await
}

async fn ask(conn: &mut Connection) -> Result<Report, DbError> {
    let size: Size = diesel::sql_query(
        "SELECT (SELECT count(*) FROM transfers) AS transfers, (SELECT count(*) FROM wallets) AS wallets",
    )
    .get_result(conn)
    .await?;
    let mut mismatches = Vec::new();
    for (rule, query) in RULES {
        let details: Vec<Detail> = diesel::sql_query(format!("SELECT * FROM ({query}) q LIMIT 20"))
            .load(conn)
            .await?;
        mismatches.extend(details.into_iter().map(|found| Mismatch {
            rule,
            detail: found.detail,
        }));
    }
    Ok(Report {
        transfers: size.transfers,
        wallets: size.wallets,
        mismatches,
    })
}

/// The last stored run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct LastRun {
    /// Time of the run.
    #[diesel(sql_type = Timestamptz)]
    pub finished_at: Timestamp,
    /// Number of violations.
    #[diesel(sql_type = Integer)]
    pub mismatches: i32,
}

/// Reads the last stored run; none before the first.
pub async fn last_run(conn: &mut Connection) -> Result<Option<LastRun>, DbError> {
    Ok(diesel::sql_query(
        "SELECT finished_at, jsonb_array_length(mismatches) AS mismatches FROM reconciliation_runs
         ORDER BY finished_at DESC LIMIT 1",
    )
    .get_result(conn)
    .await
    .optional()?)
}

/// Stores a report as a run.
pub async fn store(db: &Db, report: Report, started_at: Timestamp) -> Result<(), DbError> {
    db.write("wallets.reconciliation_store", async move |tx| {
        let mismatches = serde_json::to_value(&report.mismatches)
            .map_err(|error| DbError::inconsistent("reconciliation_runs", "mismatches", error))?;
        diesel::insert_into(runs::table)
            .values((
                runs::id.eq(tx.new_id()),
                runs::started_at.eq(started_at),
                runs::finished_at.eq(tx.now()),
                runs::transfers_checked.eq(report.transfers),
                runs::wallets_checked.eq(report.wallets),
                runs::mismatches.eq(mismatches),
            ))
            .execute(tx.conn())
            .await?;
        Ok(())
    })
    .await
}
