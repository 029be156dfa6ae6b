//! Decisions of administrators about miners: suspend, restore, ban, reset the streak, grant and revoke the role
//! NODE_OPERATOR.

use domain::mining::miner as rules;
use domain::mining::{
    Decided, Miner, MinerRefusal, ReferralStatus, Session, SessionState, SessionStatus,
};
use domain::reason::Reason;
use domain::wallets::wallet::FreezeCause;
use serde_json::{Value, json};

use crate::mining::miner::events::{MinerEvent, MinerEvents, StatusChanged};
use crate::mining::miner::locks::{MinerRef, lock_miners, seek, take};
use crate::mining::miner::role_of;
use crate::mining::miner::rows::MinerChange;
use crate::mining::referral::changes;
use crate::mining::session::{queries, rows::SessionRow};
use crate::mining::{circle, configuration};
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::schema::{miners, mining_sessions};
use crate::wallets;

commands! {
    MinerRefusal;
    MINER_SUSPEND = "mining.miner_suspend", MinerSuspend, Optional:
        ReasonInvalid, NotFound, OwnAccount, Banned, Suspended;
    MINER_RESTORE = "mining.miner_restore", MinerRestore, Optional:
        ReasonInvalid, NotFound, OwnAccount, Banned, NotSuspended;
    MINER_BAN = "mining.miner_ban", MinerBan, Optional:
        ReasonInvalid, NotFound, OwnAccount, Banned;
    MINER_STREAK_RESET = "mining.miner_streak_reset", MinerStreakReset, Optional:
        ReasonInvalid, NotFound, OwnAccount, Banned, StreakNotFound;
    MINER_NODE_OPERATOR_GRANT = "mining.miner_node_operator_grant", MinerNodeOperatorGrant, Optional:
        ReasonInvalid, NotFound, OwnAccount, Banned, RoleUnchanged;
    MINER_NODE_OPERATOR_REVOKE = "mining.miner_node_operator_revoke", MinerNodeOperatorRevoke, Optional:
        ReasonInvalid, NotFound, OwnAccount, Banned, RoleUnchanged;
}

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
        let user = found.map(|id| id.user.0);
        key.about = Some(About::new("miner", user, reason.clone()));
        let reason = reason.ok_or(MinerRefusal::ReasonInvalid)?;
        Ok((found.ok_or(MinerRefusal::NotFound)?, reason))
    }

    /// Finds and locks the miner.
    ///
    /// Refusals: those of [`Self::find`].
    async fn lock(&self, tx: &mut Tx, key: &mut Key) -> Result<Miner, Stop<MinerRefusal>> {
        let (id, _) = self.find(tx.conn(), key).await?;
        let mut locked = lock_miners(tx, &[id]).await?;
        Ok(take(&mut locked, id)?)
    }
}

/// Suspends a miner; its referral becomes inactive. Returns its user.
pub async fn miner_suspend(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_SUSPEND, async |tx, key| {
        let (by, now) = (request.person()?.id, tx.now());
        let (event, referral) = (MinerEvent::MinerSuspended, ReferralStatus::Inactive);
        let rule = |miner, open| rules::suspend(miner, open, by, now);
        change(tx, key, request, decision, event, referral, rule).await
    })
    .await
}

/// Restores a suspended miner: streak and claim window continue where they stopped, and its referral becomes active.
/// Returns its user.
pub async fn miner_restore(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_RESTORE, async |tx, key| {
        let (by, now) = (request.person()?.id, tx.now());
        let configuration = configuration::in_force(tx.conn()).await?;
        let (event, referral) = (MinerEvent::MinerRestored, ReferralStatus::Active);
        let rule = |miner, open| rules::restore(miner, open, by, &configuration, now);
        change(tx, key, request, decision, event, referral, rule).await
    })
    .await
}

/// Locks the miner's referral, the miner and the referrer, applies a rule, and stores the result; returns the miner's user.
async fn change(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    decision: &MinerDecision,
    event: fn(StatusChanged) -> MinerEvent,
    referral: ReferralStatus,
    rule: impl FnOnce(Miner, Option<Session>) -> Result<Decided, MinerRefusal> + Send,
) -> Result<Uuid, Stop<MinerRefusal>> {
    let (id, _) = decision.find(tx.conn(), key).await?;
    let through = changes::lock_referral(tx.conn(), id.user).await?;
    let ids: Vec<_> = std::iter::once(id)
        .chain(through.as_ref().map(|referral| referral.referrer_id))
        .collect();
    let mut locked = lock_miners(tx, &ids).await?;
    let before = take(&mut locked, id)?;
    changes::check_locked(&before, through.as_ref())?;
    let open = open_session(tx.conn(), id.user).await?;
    let decided = rule(before.clone(), open)?;
    let mut events = MinerEvents::of(&before, None);
    events.status(event, &decided.miner);
    let version = events.enqueue(tx, &request.request_id)?;
    store(tx, key, &before, &decided, version).await?;
    if let Some(through) = &through {
        let referrer = take(&mut locked, through.referrer_id)?;
        changes::turn(tx, request, through, referral, &referrer, before.id.user).await?;
    }
    Ok(id.user.0)
}

/// Bans a miner for good: the open session expires, invitations are cancelled, the circle is left or disbanded, the
/// referral becomes inactive and the person's wallets are frozen. Returns the miner's user.
pub async fn miner_ban(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_BAN, async |tx, key| {
        let (id, _) = decision.find(tx.conn(), key).await?;
        let circles = circle::lock_for_ban(tx, id).await?;
        let through = changes::lock_referral(tx.conn(), id.user).await?;
        let ids: Vec<_> = std::iter::once(id)
            .chain(through.as_ref().map(|referral| referral.referrer_id))
            .chain(circles.members().iter().copied())
            .collect();
        let mut locked = lock_miners(tx, &ids).await?;
        let before = seek(&locked, id)?.clone();
        changes::check_locked(&before, through.as_ref())?;
        let open = open_session(tx.conn(), id.user).await?;
        let decided = rules::ban(before.clone(), open, request.person()?.id, tx.now())?;
        circle::apply_ban(tx, request, &circles, &mut locked).await?;
        // Leaving the circle may have changed the miner's role and version.
        let outside = take(&mut locked, id)?;
        let mut events = MinerEvents::of(&outside, None);
        if let Some(expired) = &decided.session {
            events.session(expired, SessionStatus::Expired, tx.now());
        }
        events.status(MinerEvent::MinerBanned, &decided.miner);
        let version = events.enqueue(tx, &request.request_id)?;
        let decided = Decided {
            miner: Miner {
                role: outside.role,
                circle_id: outside.circle_id,
                ..decided.miner
            },
            ..decided
        };
        store(tx, key, &before, &decided, version).await?;
        if let Some(through) = &through {
            let referrer = take(&mut locked, through.referrer_id)?;
            let (off, user) = (ReferralStatus::Inactive, before.id.user);
            changes::turn(tx, request, through, off, &referrer, user).await?;
        }
        let owner = before.id.user.into();
        wallets::freeze_all_of(tx, request, owner, FreezeCause::Ban).await?;
        Ok(id.user.0)
    })
    .await
}

/// Sets a miner's streak to 0 days, without recovery; returns the miner's user.
pub async fn miner_streak_reset(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_STREAK_RESET, async |tx, key| {
        let before = decision.lock(tx, key).await?;
        let configuration = configuration::in_force(tx.conn()).await?;
        let decided = rules::reset_streak(before.clone(), request.person()?.id)?;
        let mut events = MinerEvents::of(&before, None);
        events.streak_reset(&configuration);
        let version = events.enqueue(tx, &request.request_id)?;
        store(tx, key, &before, &decided, version).await?;
        Ok(before.id.user.0)
    })
    .await
}

/// Grants the role; returns the miner's user.
pub async fn miner_node_operator_grant(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_NODE_OPERATOR_GRANT, async |tx, key| {
        let before = decision.lock(tx, key).await?;
        let decided = rules::grant_node_operator(before.clone(), request.person()?.id)?;
        Ok(store_role(tx, request, key, &before, &decided).await?)
    })
    .await
}

/// Revokes the role; returns the miner's user.
pub async fn miner_node_operator_revoke(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_NODE_OPERATOR_REVOKE, async |tx, key| {
        let before = decision.lock(tx, key).await?;
        let by_facts = role_of(tx.conn(), &before, false).await?;
        let decided = rules::revoke_node_operator(before.clone(), by_facts, request.person()?.id)?;
        Ok(store_role(tx, request, key, &before, &decided).await?)
    })
    .await
}

/// Stores a decision about the role, with its event; returns the miner's user.
async fn store_role(
    tx: &mut Tx,
    request: &Request,
    key: &mut Key,
    before: &Miner,
    decided: &Decided,
) -> Result<Uuid> {
    let mut events = MinerEvents::of(before, None);
    events.role(decided.miner.role);
    let version = events.enqueue(tx, &request.request_id)?;
    store(tx, key, before, decided, version).await?;
    Ok(before.id.user.0)
}

/// The active or completed session of a locked miner.
async fn open_session(conn: &mut Connection, miner: UserId) -> Result<Option<Session>> {
    let latest = queries::latest_session(conn, miner).await?;
    Ok(latest.filter(|session| {
        matches!(
            session.state,
            SessionState::Active | SessionState::Completed
        )
    }))
}

/// Stores a decision and records the change for the audit log.
async fn store(
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
