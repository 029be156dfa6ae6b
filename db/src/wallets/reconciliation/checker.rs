//! The checker: invariants of the ledger, checked on one snapshot.

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Integer, Text as SqlText, Timestamptz};
use serde::Serialize;

use crate::Db;
use crate::prelude::*;
use crate::schema::reconciliation_runs as runs;

/// Result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of transfers in scope.
    pub transfers: i64,
    /// Number of wallets in scope.
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

/// Part of the ledger that a run checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All owners and transactions.
    All,
    /// One owner, and the transactions that moved something of theirs.
    Owner(Uuid),
    /// The owners and transactions of one part of `of`, by the hash of their ids; parts count from 1.
    Shard {
        /// Number of the part.
        part: u32,
        /// Number of parts.
        of: u32,
    },
}

/// Tables of owners.
const OWNED: &[&str] = &[
    "wallets",
    "transfers",
    "entries",
    "holds",
    "settlements",
    "deposits",
    "withdrawals",
    "conversions",
    "clearing_releases",
    "treasury_fundings",
    "rewards",
];

/// Tables of miners, which say why points moved.
const MINERS: &[&str] = &["miners", "mining_sessions", "mining_history"];

impl Scope {
    /// Condition on a column of ids.
    fn condition(self, column: &str) -> String {
        match self {
            Self::All => "true".to_owned(),
            Self::Owner(owner) if column == "transaction_id" => format!(
                "transaction_id IN (SELECT transaction_id FROM public.transfers WHERE owner_id = '{owner}')"
            ),
            Self::Owner(owner) => format!("{column} = '{owner}'"),
            Self::Shard { part, of } => {
                format!("abs(uuid_hash_extended({column}, 0) % {of}) + 1 = {part}")
            }
        }
    }

    /// Definitions in front of a rule about `what`; none when the rule does not apply to the scope.
    fn definitions(self, what: &str) -> Option<String> {
        let (tables, column, others): (&[_], _, &[_]) = match (what, self) {
            ("owner", _) => (OWNED, "owner_id", MINERS),
            ("transaction", _) => (
                &[
                    "transfers",
                    "entries",
                    "audit_log",
                    "house_transfers",
                    "reversals",
                ],
                "transaction_id",
                &[],
            ),
            (_, Self::All) => (&["wallets", "entries"], "owner_id", &[]),
            _ => return None,
        };
        let in_scope = |(table, column): (&str, &str)| {
            let condition = self.condition(column);
            format!("{table} AS (SELECT * FROM public.{table} WHERE {condition})")
        };
        let tables = tables.iter().map(|table| (*table, column));
        let others = others.iter().map(|table| (*table, "user_id"));
        let tables = tables.chain(others);
        let tables = tables.chain([("idempotency_keys", "home_id")]);
        Some(tables.map(in_scope).collect::<Vec<_>>().join(", "))
    }
}

/// Rules as queries that return a row per violation.
const RULES: &str = include_str!("checker.sql");

/// Checks every rule on one snapshot. Changes nothing; [`store`] stores the report.
pub async fn check(db: &Db, scope: Scope) -> Result<Report> {
    db.read(async move |conn| {
        crate::pool::batch(
            conn,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0",
        )
        .await?;
        let report = ask(conn, scope).await;
        crate::pool::batch(conn, "ROLLBACK").await?;
        report
    })
    .await
}

async fn ask(conn: &mut Connection, scope: Scope) -> Result<Report> {
    let owners = scope.condition("owner_id");
    let (transfers, wallets): (i64, i64) = sql::<(BigInt, BigInt)>(&format!(
        "SELECT (SELECT count(*) FROM transfers WHERE {owners}), (SELECT count(*) FROM wallets WHERE {owners})",
    ))
    .get_result(conn)
    .await?;
    let mut mismatches = Vec::new();
    for rule in RULES.split("--- ").skip(1) {
        let parts = rule.split_once('\n').and_then(|(title, query)| {
            let (what, rule) = title.split_once(": ")?;
            Some((rule, scope.definitions(what)?, query))
        });
        let Some((rule, definitions, query)) = parts else {
            continue;
        };
        let query = format!("WITH {definitions} SELECT * FROM ({query}) q LIMIT 20");
        let details: Vec<String> = sql::<SqlText>(&query).load(conn).await?;
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

/// Stores a report of a run over all owners.
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
