//! Mining's sections of the configuration: `mining`, `streak`, `referral`.

pub mod commands;
mod rows;

use diesel::QueryResult;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use domain::mining::{Configuration, MiningConfiguration, Session};
use domain::time::{Pause, merged};
use serde_json::Value;

use crate::mining::session::rows::SessionRow;
use crate::platform::configuration::Section;
use crate::prelude::*;

/// The newest version of each section, with body, all versions that switched mining on or off, without body, and the spans
/// in which the issuance ceiling of points was reached.
const IN_FORCE_AND_SWITCHES: &str = "SELECT newest.section, newest.version, newest.body, newest.updated_at, false AS is_on
    FROM unnest(ARRAY['mining', 'streak', 'referral']) AS named (section)
    CROSS JOIN LATERAL (
        SELECT * FROM configurations c WHERE c.section = named.section ORDER BY c.version DESC LIMIT 1) AS newest
    UNION ALL
    SELECT 'mining', version, NULL, updated_at, is_on
    FROM (
        SELECT version, updated_at, is_on, lag(is_on, 1, true) OVER (ORDER BY version) AS was_on
        FROM (
            SELECT version, updated_at, (body->>'isGloballyEnabled')::boolean AS is_on
            FROM configurations WHERE section = 'mining') AS versions) AS switches
    WHERE is_on <> was_on
    UNION ALL
    SELECT 'issuance', 0, jsonb_build_object('until', until_at), from_at, false FROM issuance_pauses_of('MP')
    ORDER BY 1, 2, 4";

/// [`IN_FORCE_AND_SWITCHES`] as a query with an id, so that each connection prepares it once.
#[derive(QueryId)]
struct InForceAndSwitches;

impl QueryFragment<Pg> for InForceAndSwitches {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(IN_FORCE_AND_SWITCHES);
        Ok(())
    }
}

impl Query for InForceAndSwitches {
    type SqlType = (Text, Integer, Nullable<Jsonb>, Timestamptz, Bool);
}

/// [`InForceAndSwitches`] and the newest session of a user's miner as another row, without a section.
#[derive(QueryId)]
struct WithNewestSession(Uuid);

impl QueryFragment<Pg> for WithNewestSession {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT '', 0, (SELECT to_jsonb(s) FROM mining_sessions s WHERE s.user_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.0)?;
        out.push_sql(" ORDER BY s.started_at DESC LIMIT 1), to_timestamp(0), false UNION ALL ");
        out.push_sql(IN_FORCE_AND_SWITCHES);
        Ok(())
    }
}

impl Query for WithNewestSession {
    type SqlType = <InForceAndSwitches as Query>::SqlType;
}

/// A version of a section in force, or a version that switched mining on or off.
#[derive(Queryable)]
struct Row {
    section: String,
    version: i32,
    body: Option<Value>,
    updated_at: Timestamp,
    is_on: bool,
}

/// Reads the sections in force, in one statement.
pub async fn in_force(conn: &mut Connection) -> Result<Configuration> {
    let rows: Vec<Row> = InForceAndSwitches.load(conn).await?;
    of_rows(&rows)
}

/// Reads the newest session of a locked miner and the sections in force, in one statement.
pub(super) async fn with_newest_session(
    conn: &mut Connection,
    user: UserId,
) -> Result<(Option<Session>, Configuration)> {
    let mut rows: Vec<Row> = WithNewestSession(user.0).load(conn).await?;
    let first = rows.iter_mut().find(|row| row.section.is_empty());
    let session = first.and_then(|row| row.body.take());
    let unreadable = |error| DbError::inconsistent("mining_sessions", "user_id", error);
    let session = session.map(|body| {
        let row: SessionRow = serde_json::from_value(body).map_err(unreadable)?;
        Session::try_from(row)
    });
    Ok((session.transpose()?, of_rows(&rows)?))
}

fn of_rows(rows: &[Row]) -> Result<Configuration> {
    let issuance_pauses = issuance_pauses(rows)?;
    Ok(Configuration {
        mining: MiningConfiguration {
            pauses: merged([pauses(rows), issuance_pauses.clone()].concat()),
            issuance_pauses,
            ..newest(rows)?
        },
        streak: newest(rows)?,
        referral: newest(rows)?,
    })
}

/// The spans between a version that switched mining off and the next that switched it on.
fn pauses(rows: &[Row]) -> Vec<Pause> {
    let mut pauses: Vec<Pause> = Vec::new();
    let switches = rows.iter();
    let switches = switches.filter(|row| !row.section.is_empty() && row.body.is_none());
    for switch in switches {
        let at = switch.updated_at;
        if !switch.is_on {
            pauses.push(Pause {
                from: at,
                until: None,
            });
        } else if let Some(pause) = pauses.last_mut() {
            pause.until = Some(at);
        }
    }
    pauses
}

/// The spans during which the issuance ceiling of points was reached.
fn issuance_pauses(rows: &[Row]) -> Result<Vec<Pause>> {
    let rows = rows.iter().filter(|row| row.section == "issuance");
    let pauses = rows.map(|row| {
        let until = row.body.as_ref().and_then(|body| body["until"].as_str());
        let unreadable = || DbError::inconsistent("issuance_pauses", "until_at", "no time");
        let until: Timestamp = until
            .and_then(|until| until.parse().ok())
            .ok_or_else(unreadable)?;
        Ok(Pause {
            from: row.updated_at,
            until: Some(until),
        })
    });
    pauses.collect()
}

fn newest<S: Section>(rows: &[Row]) -> Result<S> {
    rows.iter()
        .filter(|row| row.section == S::INFO.name)
        .find_map(|row| row.body.as_ref().map(|body| S::read(row.version, body)))
        .ok_or_else(|| DbError::inconsistent("configurations", "section", S::INFO.name))?
}
