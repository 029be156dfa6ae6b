//! Configuration: every version of every section, the highest in force.

mod body;
mod update;
mod update_all;
mod versions;

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::mining::{Configuration, MiningConfiguration};
use domain::time::{Pause, Timestamp};
use serde_json::Value;

pub use body::Stored;
pub use update::{Change, Draft, Updated, update};
pub use update_all::{AllUpdated, Changes, UPDATE_ALL, update_all};
pub use versions::{InForce, Version, history, in_force, version};

use crate::schema::configurations as rows;
use crate::{Connection, DbError};

/// One version of a section, as stored.
struct Row {
    section: String,
    number: i32,
    body: Value,
    updated_at: Timestamp,
}

/// Reads what mining is configured by, in one statement.
///
/// Reads every version: the history of the section `mining` tells when mining was switched off.
pub async fn mining(conn: &mut Connection) -> Result<Configuration, DbError> {
    let all: Vec<(String, i32, Value, Timestamp)> = rows::table
        .filter(rows::section.eq_any(["mining", "streak", "referral"]))
        .order((rows::section, rows::version))
        .select((rows::section, rows::version, rows::body, rows::updated_at))
        .load(conn)
        .await?;
    let all: Vec<Row> = all
        .into_iter()
        .map(|(section, number, body, updated_at)| Row {
            section,
            number,
            body,
            updated_at,
        })
        .collect();
    Ok(Configuration {
        mining: MiningConfiguration {
            pauses: pauses(&all)?,
            ..newest(&all)?
        },
        streak: newest(&all)?,
        referral: newest(&all)?,
    })
}

/// The spans between a version that switched mining off and the next that switched it on.
fn pauses(all: &[Row]) -> Result<Vec<Pause>, DbError> {
    let mut pauses: Vec<Pause> = Vec::new();
    for row in all
        .iter()
        .filter(|row| row.section == MiningConfiguration::SECTION)
    {
        let is_enabled = MiningConfiguration::read(row.number, &row.body)?.is_globally_enabled;
        let open = pauses.last_mut().filter(|pause| pause.until.is_none());
        match (open, is_enabled) {
            (None, false) => pauses.push(Pause {
                from: row.updated_at,
                until: None,
            }),
            (Some(pause), true) => pause.until = Some(row.updated_at),
            (None, true) | (Some(_), false) => {}
        }
    }
    Ok(pauses)
}

fn newest<S: Stored>(all: &[Row]) -> Result<S, DbError> {
    let row = all
        .iter()
        .rev()
        .find(|row| row.section == S::SECTION)
        .ok_or_else(|| DbError::inconsistent("configurations", "section", S::SECTION))?;
    S::read(row.number, &row.body)
}
