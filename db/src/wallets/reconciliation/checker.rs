//! The checker: invariants of the ledger, checked on one snapshot.

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Integer, Text as SqlText, Timestamptz};
use diesel::{ExpressionMethods, OptionalExtension, Queryable};
use diesel_async::RunQueryDsl;
use domain::time::Timestamp;
use serde::Serialize;

use crate::schema::reconciliation_runs as runs;
use crate::{Connection, Db, DbError, Result};

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
const RULES: &str = include_str!("checker.sql");

/// Checks every rule on one snapshot. Changes nothing; [`store`] stores the report.
pub async fn check(db: &Db) -> Result<Report> {
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

async fn ask(conn: &mut Connection) -> Result<Report> {
    let (transfers, wallets): (i64, i64) = sql::<(BigInt, BigInt)>(
        "SELECT (SELECT count(*) FROM transfers), (SELECT count(*) FROM wallets)",
    )
    .get_result(conn)
    .await?;
    let mut mismatches = Vec::new();
    let rules = RULES.split("--- ").skip(1);
    for (rule, query) in rules.filter_map(|rule| rule.split_once('\n')) {
        let details = sql::<SqlText>(&format!("SELECT * FROM ({query}) q LIMIT 20"));
        let details: Vec<String> = details.load(conn).await?;
        let found = details.into_iter();
        mismatches.extend(found.map(|detail| Mismatch { rule, detail }));
    }
    Ok(Report {
        transfers,
        wallets,
        mismatches,
    })
}

/// The last stored run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct LastRun {
    /// Time of the run.
    pub finished_at: Timestamp,
    /// Number of violations.
    pub mismatches: i32,
}

/// Reads the last stored run; none before the first.
pub async fn last_run(conn: &mut Connection) -> Result<Option<LastRun>> {
    Ok(sql::<(Timestamptz, Integer)>(
        "SELECT finished_at, jsonb_array_length(mismatches) FROM reconciliation_runs
         ORDER BY finished_at DESC LIMIT 1",
    )
    .get_result(conn)
    .await
    .optional()?)
}

/// Stores a report as a run.
pub async fn store(db: &Db, report: Report, started_at: Timestamp) -> Result<()> {
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
