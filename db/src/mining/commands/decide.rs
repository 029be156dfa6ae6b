//! What the decisions of administrators about a miner have in common: how it is named, locked, stored and audited.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::ids::{MinerId, UserId};
use domain::mining::{
    Decided, Miner, MiningRefusal, ReferralCode, Session, SessionState, SessionStatus,
};
use domain::reason::Reason;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::queries;
use crate::audit::{About, Change};
use crate::idempotency::Key;
use crate::mining::rows::{MinerChange, MinerRow, window_extension};
use crate::schema::{miners, mining_sessions};
use crate::text::Text as _;
use crate::{Connection, DbError, Tx};

/// Names a miner, in one of the ways staff know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MinerRef {
    /// By its id.
    Id(MinerId),
    /// By whose it is.
    User(UserId),
    /// By its referral code, as typed.
    Code(String),
}

/// Who decides about which miner, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinerDecision {
    /// Which miner.
    pub miner: MinerRef,
    /// Who decides.
    pub by: UserId,
    /// Why, in their words.
    pub reason: String,
}

/// What a decision about a miner gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinerDecided {
    /// About whom.
    pub miner_id: Uuid,
}

impl MinerDecision {
    /// Finds the miner, and notes for the audit log what the command is about.
    ///
    /// Refusals: [`MiningRefusal::ReasonInvalid`], [`MiningRefusal::NotFound`].
    pub(super) async fn find(
        &self,
        conn: &mut Connection,
        key: &mut Key,
    ) -> Result<Result<MinerId, MiningRefusal>, DbError> {
        let reason = Reason::parse(&self.reason);
        let is_reasoned = reason.is_some();
        let found = self.miner.find(conn).await?;
        key.about(About {
            entity_kind: "miner",
            entity_id: found.map(|id| id.to_string()),
            reason,
        });
        if !is_reasoned {
            return Ok(Err(MiningRefusal::ReasonInvalid));
        }
        Ok(found.ok_or(MiningRefusal::NotFound))
    }
}

impl MinerRef {
    pub(super) async fn find(&self, conn: &mut Connection) -> Result<Option<MinerId>, DbError> {
        let ids = miners::table.select(miners::id);
        let found: Option<Uuid> = match self {
            Self::Id(id) => ids.filter(miners::id.eq(id.0)).first(conn).await,
            Self::User(user) => ids.filter(miners::user_id.eq(user.0)).first(conn).await,
            Self::Code(text) => match ReferralCode::parse(text) {
                None => return Ok(None),
                Some(code) => {
                    let code = code.as_str();
                    ids.filter(miners::referral_code.eq(code)).first(conn).await
                }
            },
        }
        .optional()?;
        Ok(found.map(MinerId))
    }
}

/// Locks miners that are known to exist, in ascending order of their ids.
pub(super) async fn lock_miners(
    conn: &mut Connection,
    ids: &[MinerId],
) -> Result<Vec<Miner>, DbError> {
    let rows: Vec<MinerRow> = miners::table
        .filter(miners::id.eq_any(ids.iter().map(|id| id.0)))
        .order(miners::id)
        .select(MinerRow::as_select())
        .for_no_key_update()
        .load(conn)
        .await?;
    rows.into_iter().map(Miner::try_from).collect()
}

/// Locks those of these miners that nobody else has locked, in ascending order of their ids.
pub(super) async fn lock_free_miners(
    conn: &mut Connection,
    ids: &[MinerId],
) -> Result<Vec<Miner>, DbError> {
    let rows: Vec<MinerRow> = miners::table
        .filter(miners::id.eq_any(ids.iter().map(|id| id.0)))
        .order(miners::id)
        .select(MinerRow::as_select())
        .for_no_key_update()
        .skip_locked()
        .load(conn)
        .await?;
    rows.into_iter().map(Miner::try_from).collect()
}

/// Finds one of the miners that were locked together.
pub(super) fn seek(locked: &[Miner], id: MinerId) -> Result<&Miner, DbError> {
    locked
        .iter()
        .find(|miner| miner.id == id)
        .ok_or_else(|| DbError::inconsistent("miners", "id", id))
}

/// Takes one of the miners that were locked together.
pub(super) fn take(locked: &mut Vec<Miner>, id: MinerId) -> Result<Miner, DbError> {
    locked
        .iter()
        .position(|miner| miner.id == id)
        .map(|place| locked.swap_remove(place))
        .ok_or_else(|| DbError::inconsistent("miners", "id", id))
}

/// The session that runs or waits to be claimed, of a miner whose row is locked.
pub(super) async fn open_session(
    conn: &mut Connection,
    miner: MinerId,
) -> Result<Option<Session>, DbError> {
    let latest = queries::latest_session(conn, miner).await?;
    Ok(latest.filter(|session| {
        matches!(
            session.state,
            SessionState::Active | SessionState::Completed
        )
    }))
}

/// Stores what was decided, and notes it for the audit log.
pub(super) async fn store(
    tx: &mut Tx,
    key: &mut Key,
    before: &Miner,
    decided: &Decided,
    version: i64,
) -> Result<MinerDecided, DbError> {
    let miner = &decided.miner;
    let change = MinerChange::of(miner.lifetime_points, &miner.streak, version, tx.now());
    diesel::update(miners::table.find(miner.id.0))
        .set((
            change,
            miners::status.eq(miner.status.text()),
            miners::role.eq(miner.role.text()),
        ))
        .execute(tx.conn())
        .await?;
    if let Some(session) = &decided.session {
        diesel::update(mining_sessions::table.find(session.id.0))
            .set((
                mining_sessions::status.eq(stored_status(session).text()),
                mining_sessions::expired_at.eq(expired_at(session)),
                mining_sessions::window_stopped_at.eq(session.window_stopped_at),
                mining_sessions::window_extension_microseconds.eq(window_extension(session)),
            ))
            .execute(tx.conn())
            .await?;
    }
    key.changed(Change {
        before: shown(before),
        after: shown(miner),
    });
    Ok(MinerDecided {
        miner_id: miner.id.0,
    })
}

fn stored_status(session: &Session) -> SessionStatus {
    match session.state {
        SessionState::Active => SessionStatus::Active,
        SessionState::Completed => SessionStatus::Completed,
        SessionState::Claimed { .. } => SessionStatus::Claimed,
        SessionState::Expired { .. } => SessionStatus::Expired,
    }
}

fn expired_at(session: &Session) -> Option<Timestamp> {
    match session.state {
        SessionState::Expired { at } => Some(at),
        _ => None,
    }
}

/// What the audit log keeps of a miner.
fn shown(miner: &Miner) -> Value {
    let streak = &miner.streak;
    json!({
        "status": miner.status.text(), "role": miner.role.text(), "suspendedAt": streak.suspended_at,
        "circle": miner.circle_id.map(|id| id.0),
        "streak": {
            "currentStreak": streak.current, "dueAt": streak.due.map(|due| due.at),
            "freezeTokens": streak.freeze_tokens, "milestonesPaid": streak.milestones_paid,
            "recoverableDays": streak.broken.as_ref().map(|run| run.days),
            "recoverableUntil": streak.broken.as_ref().map(|run| run.recoverable_until),
        },
    })
}
