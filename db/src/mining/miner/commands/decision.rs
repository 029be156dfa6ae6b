//! Decisions of administrators about a miner: how the miner is found, stored and audited.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::{MinerId, UserId};
use domain::mining::{Decided, Miner, MinerRefusal, Session, SessionState};
use domain::reason::Reason;
use serde_json::{Value, json};

use crate::command::Stop;
use crate::idempotency::Key;
use crate::mining::miner::locks::{MinerRef, lock_miners, take};
use crate::mining::miner::rows::MinerChange;
use crate::mining::session::{queries, rows::SessionRow};
use crate::platform::audit::{About, Change};
use crate::schema::{miners, mining_sessions};
use crate::{Connection, Result, Tx};

/// An administrator's decision about a miner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinerDecision {
    /// The miner.
    pub miner: MinerRef,
    /// Reason for the audit log.
    pub reason: String,
}

impl MinerDecision {
    /// Finds the miner and records it for the audit log.
    ///
    /// Refusals: [`MinerRefusal::ReasonInvalid`], [`MinerRefusal::NotFound`].
    pub(super) async fn find(
        &self,
        conn: &mut Connection,
        key: &mut Key,
    ) -> Result<(MinerId, Reason), Stop<MinerRefusal>> {
        let reason = Reason::parse(&self.reason);
        let found = self.miner.find(conn).await?;
        key.about = Some(About::new(
            "miner",
            found.map(|id| id.user.0),
            reason.clone(),
        ));
        let reason = reason.ok_or(MinerRefusal::ReasonInvalid)?;
        Ok((found.ok_or(MinerRefusal::NotFound)?, reason))
    }

    /// Finds and locks the miner.
    ///
    /// Refusals: those of [`Self::find`].
    pub(super) async fn lock(
        &self,
        tx: &mut Tx,
        key: &mut Key,
    ) -> Result<Miner, Stop<MinerRefusal>> {
        let (id, _) = self.find(tx.conn(), key).await?;
        let mut locked = lock_miners(tx, &[id]).await?;
        Ok(take(&mut locked, id)?)
    }
}

/// The active or completed session of a locked miner.
pub(super) async fn open_session(conn: &mut Connection, miner: UserId) -> Result<Option<Session>> {
    let latest = queries::latest_session(conn, miner).await?;
    Ok(latest.filter(|session| {
        matches!(
            session.state,
            SessionState::Active | SessionState::Completed
        )
    }))
}

/// Stores a decision and records the change for the audit log.
pub(super) async fn store(
    tx: &mut Tx,
    key: &mut Key,
    before: &Miner,
    decided: &Decided,
    version: i64,
) -> Result<()> {
    let miner = &decided.miner;
    let change = MinerChange::of(miner.lifetime_points, &miner.streak, version, tx.now())?;
    diesel::update(miners::table.find(miner.id.user.0))
        .set((
            change,
            miners::status.eq(miner.status.name()),
            miners::role.eq(miner.role.name()),
        ))
        .execute(tx.conn())
        .await?;
    if let Some(session) = &decided.session {
        diesel::update(mining_sessions::table.find((session.id.user.0, session.id.uuid)))
            .set(SessionRow::try_from(session)?)
            .execute(tx.conn())
            .await?;
    }
    key.change = Some(Change {
        before: shown(before),
        after: shown(miner),
    });
    Ok(())
}

/// A miner in the audit log, under the names of the API.
fn shown(miner: &Miner) -> Value {
    let streak = &miner.streak;
    json!({
        "status": miner.status.name(), "role": miner.role.name(), "suspendedAt": streak.suspended_at,
        "circle": miner.circle_id.map(|id| id.0),
        "streak": {
            "streakDays": streak.current, "dueAt": streak.due.map(|due| due.at),
            "freezeTokens": streak.freeze_tokens, "milestonesPaid": streak.milestones_paid,
            "recoverableDays": streak.broken.as_ref().map(|run| run.days),
            "recoveryExpiresAt": streak.broken.as_ref().map(|run| run.recoverable_until),
        },
    })
}
