//! The checker: invariants of the ledger, checked on one snapshot.

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Jsonb};
use domain::named::Named;
use domain::wallets::reconciliation::ReconciliationCheck;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::Db;
use crate::prelude::*;
use crate::text::named;

/// Result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of transfers in scope.
    pub transfers: i64,
    /// Number of wallets in scope.
    pub wallets: i64,
    /// Number of violations.
    pub count: i64,
    /// Violations, at most 20 per rule; empty when the ledger is right.
    pub mismatches: Vec<Mismatch>,
}

/// Violations that are reported per rule.
const PER_RULE: i64 = 20;

/// A violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// The invariant.
    #[serde(with = "named")]
    pub check: ReconciliationCheck,
    /// The violated rule.
    pub rule: String,
    /// The object that violates it, and how.
    pub detail: String,
    /// Amounts and object.
    #[serde(flatten)]
    pub facts: Facts,
}

/// Amounts and object of a violation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Number of the currency.
    #[serde(default)]
    pub currency: Option<i16>,
    /// Amount in the smallest unit, or number, that the rule expects; none beyond 64 bits.
    #[serde(default, deserialize_with = "whole")]
    pub expected: Option<i64>,
    /// Amount in the smallest unit, or number, that was found; none beyond 64 bits.
    #[serde(default, deserialize_with = "whole")]
    pub actual: Option<i64>,
    /// Kind of the object: wallet, settlement, withdrawal, conversion or deposit.
    #[serde(default)]
    pub object: Option<String>,
    /// Owner of the object.
    #[serde(default)]
    pub owner_id: Option<Uuid>,
    /// Id of the object within the owner.
    #[serde(default)]
    pub id: Option<String>,
}

/// A number of 64 bits; none for others, which damage can make.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let number = Option::<Value>::deserialize(from)?;
    Ok(number.and_then(|number| number.as_i64()))
}

/// A violation as a rule's query returns it.
#[derive(Deserialize)]
struct Found {
    detail: String,
    #[serde(flatten)]
    facts: Facts,
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

/// Tables of campaigns, which say what their escrow covers.
const CAMPAIGNS: &[&str] = &["campaigns", "vouchers"];

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
        let (tables, column, is_owner): (&[_], _, _) = match (what, self) {
            ("owner", _) => (OWNED, "owner_id", true),
            ("transaction", _) => (
                &[
                    "transfers",
                    "entries",
                    "audit_log",
                    "house_transfers",
                    "reversals",
                ],
                "transaction_id",
                false,
            ),
            (_, Self::All) => (&["wallets", "entries"], "owner_id", false),
            _ => return None,
        };
        let in_scope = |(table, column): (&str, &str)| {
            let condition = self.condition(column);
            format!("{table} AS (SELECT * FROM public.{table} WHERE {condition})")
        };
        let tables = tables.iter().map(|table| (*table, column));
        let miners = MINERS.iter().map(|table| (*table, "user_id"));
        let campaigns = CAMPAIGNS.iter().map(|table| (*table, "merchant_id"));
        let tables = tables.chain(miners.chain(campaigns).filter(|_| is_owner));
        let tables = tables.chain([("idempotency_keys", "home_id")]);
        Some(tables.map(in_scope).collect::<Vec<_>>().join(", "))
    }
}

/// Rules as queries that return a row per violation.
const RULES: &str = include_str!("checker.sql");

/// Checks every rule on one snapshot. Changes nothing.
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
    let mut count = 0;
    let mut mismatches = Vec::new();
    for rule in RULES.split("--- ").skip(1) {
        let (what, check, rule, query) = parts_of(rule)?;
        let Some(definitions) = scope.definitions(what) else {
            continue;
        };
        let query = format!(
            "WITH {definitions} SELECT to_jsonb(q), count(*) OVER () FROM ({query}) q LIMIT {PER_RULE}"
        );
        let rows: Vec<(Value, i64)> = sql::<(Jsonb, BigInt)>(&query).load(conn).await?;
        count += rows.as_slice().first().map_or(0, |(_, total)| *total);
        for (row, _) in rows {
            let Found { detail, facts } = serde_json::from_value(row)
                .map_err(|error| DbError::inconsistent("checker", "row", error))?;
            mismatches.push(Mismatch {
                check,
                rule: rule.to_owned(),
                detail,
                facts,
            });
        }
    }
    Ok(Report {
        transfers,
        wallets,
        count,
        mismatches,
    })
}

/// The parts of a rule: its subject (`owner`, `transaction` or `ledger`), invariant, name and query.
fn parts_of(rule: &str) -> Result<(&str, ReconciliationCheck, &str, &str)> {
    let parts = rule.split_once('\n').and_then(|(title, query)| {
        let (of, rule) = title.split_once(": ")?;
        let (what, check) = of.split_once(' ')?;
        Some((what, ReconciliationCheck::of_name(check)?, rule, query))
    });
    parts.ok_or_else(|| DbError::inconsistent("checker", "rule", rule))
}
