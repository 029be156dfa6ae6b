//! CHECKs, unique and foreign keys of the tables: each refuses a row that nothing else refuses.
//!
//! `fences.json` has for each table the values of a valid row and for each CHECK the values that break it alone. Unique
//! constraints are broken by a second row with the same key, foreign keys by a row whose key no row has. The test drops
//! each constraint to see that the row is then accepted, and fails for a CHECK of the catalog without a case and for
//! a case without a constraint.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveTime, TimeDelta};
use db::Ids;
use goodgo::auth::clock::instance_now;
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::support::{Cluster, merged};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Check,
    Unique,
    Foreign,
}

struct Fence {
    name: String,
    table: String,
    kind: Kind,
    /// Columns of the key.
    columns: Vec<String>,
    /// Whether it counts for some rows only, or contains expressions.
    is_partial: bool,
    /// Statement that drops it.
    drop: String,
}

/// Constraints of the tables, and unique indexes that are none. Of the indexes that each partition of transfers has, those
/// of this month count, without the month in their names.
const FENCES: &str = r"
    WITH indexes AS (
        SELECT i.relname, x.indrelid, x.indexrelid, x.indpred IS NOT NULL OR x.indexprs IS NOT NULL AS is_partial,
               COALESCE((SELECT inhparent FROM pg_inherits WHERE inhrelid = x.indrelid), x.indrelid) AS of_table,
               (SELECT array_agg(a.attname::text) FROM pg_attribute a
                WHERE a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)) AS columns
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
        WHERE x.indisunique AND i.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE '\_\_diesel%'
          AND (NOT t.relispartition OR t.relname LIKE 'transfers\_p' || $1)
          AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = x.indexrelid AND contype IN ('p', 'u'))
          AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = x.indexrelid))
    SELECT conname::text, conrelid::regclass::text, contype::text,
           ARRAY (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = conrelid AND a.attnum = ANY (conkey)), false,
           format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname)
    FROM pg_constraint JOIN pg_class t ON t.oid = conrelid
    WHERE contype IN ('c', 'p', 'u', 'f') AND connamespace = 'public'::regnamespace AND NOT t.relispartition
      AND t.relname NOT LIKE '\_\_diesel%'
    UNION ALL
    SELECT regexp_replace(relname, '_p\d{6}', ''), of_table::regclass::text, 'u', columns, is_partial,
           format('DROP INDEX %s', indexrelid::regclass)
    FROM indexes";

/// A value of a type for a row of a number: rows differ in everything but truth values and documents.
fn value_of(kind: &str, number: i64) -> Value {
    let noon = instance_now().date_naive().and_time(NaiveTime::MIN) + TimeDelta::hours(12);
    match kind {
        "uuid" => json!(Ids::random().uuid(instance_now())),
        // Eight characters, in the form of a referral code.
        "text" => {
            let letters = Ids::random().bytes::<8>().into_iter();
            json!(
                letters
                    .map(|byte| char::from(b'A' + byte % 8))
                    .collect::<String>()
            )
        }
        "smallint" | "integer" | "bigint" => json!(number),
        "timestamp with time zone" => json!((noon + TimeDelta::seconds(number)).and_utc()),
        "date" => json!(noon.date()),
        "boolean" => json!(false),
        "bytea" => json!(format!(r"\x{number:064x}")),
        "jsonb" => json!({}),
        list if list.ends_with("[]") => json!([]),
        other => panic!("no value of type {other}"),
    }
}

/// A column of a table.
struct Column {
    name: String,
    kind: String,
    is_required: bool,
}

async fn columns_of(client: &Client, table: &str) -> Vec<Column> {
    let query = "SELECT attname::text, format_type(atttypid, NULL), attnotnull FROM pg_attribute
                 WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped";
    let rows = client.query(query, &[&table]).await.unwrap();
    let columns = rows.iter().map(|row| Column {
        name: row.get(0),
        kind: row.get(1),
        is_required: row.get(2),
    });
    columns.collect()
}

/// Inserts rows; the constraint that refused one.
async fn insert(client: &Client, table: &str, rows: &[Value]) -> Option<(SqlState, String)> {
    let statement = format!(
        "INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, row)).* FROM jsonb_array_elements($1::text::jsonb) AS row"
    );
    let refused = client
        .execute(&statement, &[&json!(rows).to_string()])
        .await
        .err()?;
    let refused = refused
        .as_db_error()
        .unwrap_or_else(|| panic!("{table}: {refused}"));
    let constraint = refused
        .constraint()
        .unwrap_or_else(|| panic!("{table}: {refused}"));
    Some((refused.code().clone(), constraint.to_owned()))
}

/// Values of a row for some columns.
fn values<'c>(columns: impl IntoIterator<Item = &'c Column>, number: i64) -> Value {
    let values = columns.into_iter();
    let values = values.map(|one| (one.name.clone(), value_of(&one.kind, number)));
    Value::Object(values.collect())
}

/// The rows that break a constraint. A case gives the values of a row, or of two.
fn breaking(fence: &Fence, columns: &[Column], valid: &Value, case: &Value) -> Vec<Value> {
    let row = |number| {
        let required = columns.iter().filter(|column| column.is_required);
        merged(values(required, number), valid.clone())
    };
    match fence.kind {
        Kind::Check => vec![merged(row(1), case.clone())],
        Kind::Foreign => {
            let row = row(1);
            // No currency has this number, and new ids are those of nothing.
            let is_of_nothing = |column: &&Column| {
                fence.columns.contains(&column.name)
                    && (row[&column.name].is_null() || row[&column.name].is_number())
            };
            let key = values(columns.iter().filter(is_of_nothing), 250);
            vec![merged(merged(row, key), case.clone())]
        }
        Kind::Unique => {
            let [of_first, of_second] = match case {
                Value::Array(both) => [both[0].clone(), both[1].clone()],
                of_both => [of_both.clone(), of_both.clone()],
            };
            let first = merged(row(1), of_first);
            let key = fence.columns.iter();
            let key = key.map(|name| (name.clone(), first[name].clone()));
            let key = Value::Object(key.collect());
            let second = merged(merged(row(2), key), of_second);
            vec![first, second]
        }
    }
}

/// Shows that a constraint, and nothing else, refuses its case.
async fn is_needed(
    client: &Client,
    fences: &[Fence],
    fence: &Fence,
    valid: &Value,
    case: &Value,
) -> Result<(), String> {
    let Fence { name, table, .. } = fence;
    let columns = columns_of(client, table).await;
    let rows = breaking(fence, &columns, valid, case);
    let run = async |sql: &str| client.batch_execute(sql).await.unwrap();
    // No foreign keys, and no rows but those of the case.
    run("BEGIN; SET LOCAL session_replication_role = replica").await;
    if !["audit_log", "transfers"].contains(&&**table) {
        run(&format!("DELETE FROM {table}")).await;
    }
    let state = match fence.kind {
        Kind::Check => SqlState::CHECK_VIOLATION,
        Kind::Unique => SqlState::UNIQUE_VIOLATION,
        Kind::Foreign => {
            let others = fences.iter().filter(|other| {
                other.table == *table && other.kind == Kind::Foreign && other.name != *name
            });
            for other in others {
                run(&other.drop).await;
            }
            run("SET LOCAL session_replication_role = origin").await;
            SqlState::FOREIGN_KEY_VIOLATION
        }
    };
    run("SAVEPOINT before").await;
    let with = insert(client, table, &rows).await;
    run(&format!("ROLLBACK TO before; {}", fence.drop)).await;
    let without = insert(client, table, &rows).await;
    run("ROLLBACK").await;
    match (with, without) {
        (None, _) => Err(format!("{name} accepts {rows:?}")),
        (Some((_, other)), _) if plain(&other) != *name => {
            Err(format!("{other} refuses the case of {name}"))
        }
        (Some((other, _)), _) if other != state => Err(format!("{name} refuses with {other:?}")),
        (_, Some((_, other))) => Err(format!("without {name}, {other} refuses its case")),
        (Some(_), None) => Ok(()),
    }
}

/// Whether a narrower unique key refuses all that this one refuses. Such a key exists for foreign keys alone.
fn is_implied(fence: &Fence, fences: &[Fence]) -> bool {
    fence.kind == Kind::Unique
        && fences.iter().any(|other| {
            other.kind == Kind::Unique
                && !other.is_partial
                && other.table == fence.table
                && other.columns.len() < fence.columns.len()
                && other
                    .columns
                    .iter()
                    .all(|name| fence.columns.contains(name))
        })
}

/// A name without the month or day of a partition.
fn plain(name: &str) -> String {
    let Some((table, rest)) = name.split_once("_p2") else {
        return name.to_owned();
    };
    let rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
    format!("{table}{rest}")
}

async fn fences(client: &Client) -> Vec<Fence> {
    let rows = client
        .query(FENCES, &[&instance_now().format("%Y%m").to_string()])
        .await
        .unwrap();
    let fence = |row: &tokio_postgres::Row| Fence {
        name: row.get(0),
        table: row.get(1),
        kind: match row.get(2) {
            "c" => Kind::Check,
            "f" => Kind::Foreign,
            _ => Kind::Unique,
        },
        columns: row.get(3),
        is_partial: row.get(4),
        drop: row.get(5),
    };
    rows.iter().map(fence).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_constraint_refuses_what_nothing_else_refuses() {
    let cases = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/database/fences.json"
    ));
    let cases = cases.unwrap();
    let mut cases: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_str(&cases).unwrap();
    let cluster = Cluster::get().await;
    let (name, url) = cluster.create_database().await;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let mut faults = BTreeSet::new();
    let fences = fences(&client).await;
    assert!(fences.len() > 220, "{} constraints", fences.len());
    let tables = cases
        .iter_mut()
        .map(|(table, cases)| (table.clone(), cases.remove("row").unwrap()));
    let valid: BTreeMap<String, Value> = tables.collect();
    for fence in &fences {
        if is_implied(fence, &fences) {
            continue;
        }
        let case = cases
            .get_mut(&fence.table)
            .and_then(|cases| cases.remove(&fence.name));
        let case = match case {
            Some(case) => case,
            None if fence.kind == Kind::Check => {
                faults.insert(format!("{} has no case in fences.json", fence.name));
                continue;
            }
            None => json!({}),
        };
        let Some(valid) = valid.get(&fence.table) else {
            faults.insert(format!("{} has no row in fences.json", fence.table));
            continue;
        };
        faults.extend(is_needed(&client, &fences, fence, valid, &case).await.err());
    }
    for (table, left) in cases {
        faults.extend(
            left.keys()
                .map(|name| format!("{table} has no constraint {name}")),
        );
    }
    drop(client);
    cluster.drop_database(&name).await;
    assert!(faults.is_empty(), "{faults:#?}");
}
