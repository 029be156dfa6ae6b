//! Runs of the checker: requested by people, due by time, stored with their results.

use chrono::TimeDelta;
use diesel::AsChangeset;
use domain::reason::Reason;
use domain::wallets::reconciliation::{ReconciliationRefusal, ReconciliationStatus};
use serde::Serialize;

use super::checker::{Mismatch, Report};
use crate::Db;
use crate::outbox::SubjectEvents;
use crate::platform::audit::About;
use crate::prelude::*;
use crate::schema::reconciliation_runs as runs;

commands! {
    ReconciliationRefusal;
    RECONCILIATION_RUN = "wallets.reconciliation_run", ReconciliationRun, Optional: ReasonInvalid, Running;
}

/// Kind of a run in the audit log and in events.
pub const ENTITY: &str = "reconciliation_run";

/// Time between two runs that nobody requested.
const INTERVAL: TimeDelta = TimeDelta::hours(1);

/// Time until an aborted run is repeated.
const RETRY_INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// Violations that are stored.
const MOST_STORED: usize = 100;

/// An event of a run. `docs/EVENTS.md` documents it.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload")]
enum ReconciliationEvent {
    #[serde(rename_all = "camelCase")]
    ReconciliationFailed {
        run_id: Uuid,
        mismatch_count: i64,
        rules: Vec<String>,
    },
}

/// Requests a run, which the job carries out; returns its id.
pub async fn reconciliation_run(
    tx: &mut Tx,
    request: &Request,
    reason: &str,
) -> Result<Answer<Uuid>> {
    once(tx, request, &RECONCILIATION_RUN, async |tx, key| {
        let reason = Reason::parse(reason);
        key.about = Some(About::new(ENTITY, None, reason.clone()));
        let reason = reason.ok_or(ReconciliationRefusal::ReasonInvalid)?;
        let id = start(tx).await?.ok_or(ReconciliationRefusal::Running)?;
        key.about = Some(About::new(ENTITY, Some(id), Some(reason)));
        Ok(id)
    })
    .await
}

/// Starts a run unless one is in progress.
async fn start(tx: &mut Tx) -> Result<Option<Uuid>> {
    let id = tx.new_id();
    let started = diesel::insert_into(runs::table)
        .values((
            runs::id.eq(id),
            runs::started_at.eq(tx.now()),
            runs::status.eq(ReconciliationStatus::Running.name()),
            runs::mismatch_count.eq(0),
            runs::mismatches.eq(serde_json::json!([])),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok((started == 1).then_some(id))
}

/// The run to carry out now: one in progress, which a killed instance may have left, or a new one when the last is old
/// enough; none when nothing is due.
pub async fn due_run(db: &Db) -> Result<Option<Uuid>> {
    db.write("wallets.reconciliation_start", async move |tx| {
        let running: Option<Uuid> = runs::table
            .filter(runs::status.eq(ReconciliationStatus::Running.name()))
            .select(runs::id)
            .first(tx.conn())
            .await
            .optional()?;
        if running.is_some() {
            return Ok(running);
        }
        let last: Option<(String, Timestamp, Option<Timestamp>)> = runs::table
            .order((runs::started_at.desc(), runs::id.desc()))
            .select((runs::status, runs::started_at, runs::finished_at))
            .first(tx.conn())
            .await
            .optional()?;
        let is_due = last.is_none_or(|(status, started_at, finished_at)| {
            if status == ReconciliationStatus::Aborted.name() {
                tx.now() - finished_at.unwrap_or(started_at) >= RETRY_INTERVAL
            } else {
                tx.now() - started_at >= INTERVAL
            }
        });
        if is_due { start(tx).await } else { Ok(None) }
    })
    .await
}

/// Stores the result of a run, with an event if it found violations.
pub async fn finish(db: &Db, id: Uuid, report: Report) -> Result<()> {
    db.write("wallets.reconciliation_finish", async move |tx| {
        let running = runs::table
            .find(id)
            .filter(runs::status.eq(ReconciliationStatus::Running.name()));
        let finished = diesel::update(running)
            .set(Finished::of(&report, tx.now())?)
            .execute(tx.conn())
            .await?;
        if finished == 1 {
            report_failure(tx, id, &report)?;
        }
        Ok(())
    })
    .await
}

/// Stores that a run was ended by a fault.
pub async fn abort(db: &Db, id: Uuid) -> Result<()> {
    db.write("wallets.reconciliation_abort", async move |tx| {
        let running = runs::table
            .find(id)
            .filter(runs::status.eq(ReconciliationStatus::Running.name()));
        diesel::update(running)
            .set((
                runs::status.eq(ReconciliationStatus::Aborted.name()),
                runs::finished_at.eq(tx.now()),
            ))
            .execute(tx.conn())
            .await?;
        Ok(())
    })
    .await
}

/// Stores a run that was not started by [`due_run`], with its result.
pub async fn store(db: &Db, report: Report, started_at: Timestamp) -> Result<()> {
    db.write("wallets.reconciliation_store", async move |tx| {
        let id = tx.new_id();
        diesel::insert_into(runs::table)
            .values((
                runs::id.eq(id),
                runs::started_at.eq(started_at),
                Finished::of(&report, tx.now())?,
            ))
            .execute(tx.conn())
            .await?;
        report_failure(tx, id, &report)
    })
    .await
}

/// Columns of a run that has ended with a report.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = runs)]
struct Finished {
    status: &'static str,
    finished_at: Timestamp,
    transfers_checked: i64,
    wallets_checked: i64,
    mismatch_count: i64,
    mismatches: serde_json::Value,
}

impl Finished {
    fn of(report: &Report, at: Timestamp) -> Result<Self> {
        let status = match report.count {
            0 => ReconciliationStatus::Passed,
            _ => ReconciliationStatus::Failed,
        };
        let first: Vec<&Mismatch> = report.mismatches.iter().take(MOST_STORED).collect();
        let mismatches = serde_json::to_value(first)
            .map_err(|error| DbError::inconsistent("reconciliation_runs", "mismatches", error))?;
        Ok(Self {
            status: status.name(),
            finished_at: at,
            transfers_checked: report.transfers,
            wallets_checked: report.wallets,
            mismatch_count: report.count,
            mismatches,
        })
    }
}

fn report_failure(tx: &mut Tx, id: Uuid, report: &Report) -> Result<()> {
    if report.count == 0 {
        return Ok(());
    }
    let mut rules: Vec<String> = report.mismatches.iter().map(|m| m.rule.clone()).collect();
    rules.dedup();
    let mut events = SubjectEvents::new(ENTITY, id, 0);
    events.push(ReconciliationEvent::ReconciliationFailed {
        run_id: id,
        mismatch_count: report.count,
        rules,
    });
    events.enqueue(tx, "reconciliation")?;
    Ok(())
}
