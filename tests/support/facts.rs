//! Facts behind the API: events, the audit log, the ledger, rows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::{Client, NoTls};

use super::{Miner, PATIENCE, TestApp, in_time};

/// An event of the outbox.
#[derive(Debug, Deserialize)]
pub struct Event {
    pub event_id: String,
    pub name: String,
    pub subject_id: String,
    /// The user whose subscribers receive it.
    pub audience_id: Option<String>,
    /// Number among the events of its subject.
    pub sequence: i64,
    pub payload: Value,
    /// RFC 3339.
    pub occurred_at: String,
}

/// An entry of the audit log.
#[derive(Debug, Deserialize)]
pub struct Audited {
    pub roles: Vec<String>,
    pub action: String,
    pub entity_kind: Option<String>,
    pub entity_id: Option<String>,
    pub reason: Option<String>,
    pub before: Value,
    pub after: Value,
    pub outcome: String,
    pub transaction_id: Option<String>,
}

/// A movement of the ledger.
#[derive(Debug, Deserialize)]
pub struct Transfer {
    pub origin: String,
    pub reference_kind: String,
    /// In the currency's smallest units.
    pub amount: i64,
}

impl TestApp {
    /// The events of a name, in the order they were written.
    pub async fn events(&self, name: &str) -> Vec<Event> {
        let named =
            format!("SELECT * FROM outbox WHERE name = '{name}' ORDER BY written_at, sequence");
        self.facts(&named).await
    }

    /// All events, in the order they were written.
    pub async fn all_events(&self) -> Vec<Event> {
        self.facts("SELECT * FROM outbox ORDER BY written_at, sequence")
            .await
    }

    /// The fields of each event that was written.
    pub async fn event_fields(&self) -> BTreeMap<String, BTreeSet<String>> {
        #[derive(Deserialize)]
        struct Written {
            name: String,
            field: Option<String>,
        }
        let written = "SELECT DISTINCT name, field FROM outbox LEFT JOIN LATERAL jsonb_object_keys(payload) AS field ON true";
        let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for Written { name, field } in self.facts(written).await {
            fields.entry(name).or_default().extend(field);
        }
        fields
    }

    /// The audit log's entries of an action, in the order they were written.
    pub async fn audited(&self, action: &str) -> Vec<Audited> {
        let of_action = format!("SELECT * FROM audit_log WHERE action = '{action}' ORDER BY id");
        self.facts(&of_action).await
    }

    /// The whole audit log, in the order it was written.
    pub async fn audit_log(&self) -> Vec<Audited> {
        self.facts("SELECT * FROM audit_log ORDER BY id").await
    }

    /// The audit log's entries of refusals with a name, such as `OwnAccount`.
    pub async fn audited_refusals(&self, name: &str) -> Vec<Audited> {
        let refused =
            format!("SELECT * FROM audit_log WHERE refusal ->> 'name' = '{name}' ORDER BY id");
        self.facts(&refused).await
    }

    /// The ledger's movements for a reason, in the order they were posted.
    pub async fn transfers(&self, reason: &str) -> Vec<Transfer> {
        let of_reason = format!(
            "SELECT * FROM transfers WHERE reason = '{reason}' ORDER BY posted_at, transaction_id, leg"
        );
        self.facts(&of_reason).await
    }

    /// Freezes all users and their wallets, or lifts that.
    pub async fn freeze_users(&self, is_frozen: bool) {
        self.sql(&format!(
            "UPDATE owners SET is_frozen = {is_frozen}, freezes = CASE WHEN {is_frozen} THEN '{{FINANCE}}'::text[] ELSE '{{}}' END
                 WHERE owner_kind = 'USER';
             UPDATE wallets SET is_frozen = {is_frozen} WHERE owner_kind = 'USER'"
        ))
        .await;
    }

    /// Number of rows of a table that meet a condition.
    pub async fn count(&self, table: &str, condition: &str) -> i64 {
        self.number(&counted(table, condition)).await
    }

    /// Waits until a number of rows of a table meet a condition.
    pub async fn until_count(&self, table: &str, condition: &str, expected: i64) {
        self.until_number(&counted(table, condition), |count| count == expected)
            .await;
    }

    /// The only row of a table that meets a condition.
    pub async fn row(&self, table: &str, condition: &str) -> Value {
        let of_table = format!("SELECT * FROM {table} WHERE {condition}");
        let mut rows = self.facts::<Value>(&of_table).await;
        assert_eq!(rows.len(), 1, "rows of {table} where {condition}");
        rows.remove(0)
    }

    /// The row of a miner.
    pub async fn row_of(&self, miner: &Miner) -> Value {
        self.row("miners", &format!("id = '{}'", miner.uuid)).await
    }

    /// A number that SQL returns, as the owner of the tables.
    pub async fn number(&self, sql: &str) -> i64 {
        number_of(&self.connect().await, sql).await
    }

    /// The time of the system's clock.
    pub async fn now(&self) -> DateTime<Utc> {
        at(&self.row("app_now() AS now", "true").await["now"])
    }

    /// Waits until SQL returns a number that meets a condition.
    pub async fn until_number(&self, sql: &str, is_reached: impl Fn(i64) -> bool) {
        let client = self.connect().await;
        let reached = async { while !is_reached(number_of(&client, sql).await) {} };
        let waited = tokio::time::timeout(PATIENCE, reached).await;
        assert!(waited.is_ok(), "{} of {sql}", self.number(sql).await);
    }

    /// Waits until a condition holds.
    pub async fn until(&self, is_so: impl Fn() -> bool) {
        let reached = async {
            while !is_so() {
                tokio::task::yield_now().await;
            }
        };
        in_time("the condition holds", reached).await;
    }

    /// A connection of its own, as the owner of the tables.
    pub async fn connect(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.database_url, NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    async fn facts<T: DeserializeOwned>(&self, sql: &str) -> Vec<T> {
        let as_json = format!("SELECT to_jsonb(facts)::text FROM ({sql}) AS facts");
        let rows = self.connect().await.query(&as_json, &[]).await.unwrap();
        rows.iter()
            .map(|row| serde_json::from_str(row.get(0)).unwrap())
            .collect()
    }
}

async fn number_of(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

fn counted(table: &str, condition: &str) -> String {
    format!("SELECT count(*) FROM {table} WHERE {condition}")
}

/// A `BigInt` of the API.
#[track_caller]
pub fn number(value: &Value) -> i64 {
    value.as_str().unwrap().parse().unwrap()
}

/// A time of the API.
#[track_caller]
pub fn at(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// Panics unless a value has all fields of another one, at any depth.
#[track_caller]
pub fn assert_includes(found: &Value, expected: &Value) {
    assert!(
        includes(found, expected),
        "{found} does not include {expected}"
    );
}

fn includes(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => expected.iter().all(|(name, value)| {
            let found = found.get(name).unwrap_or(&Value::Null);
            includes(found, value)
        }),
        _ => found == expected,
    }
}
