//! Mining's commands, one file for each. Each runs in the caller's transaction, in this order: key, locks, decision,
//! effects, events, answer.

mod circle;
mod decide;
mod events;
mod kyc_complete;
mod miner_adjust_points;
mod miner_ban;
mod miner_register;
mod miner_reset_streak;
mod miner_restore;
mod miner_set_role;
mod miner_suspend;
mod points;
mod referral;
mod referral_apply;
mod session_claim;
mod session_start;
mod sessions_settle;
mod standing;
mod streak_recover;

use std::iter;

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::ids::{MinerId, UserId};
use domain::mining::{
    CircleRefusal, Miner, MiningRefusal, RateFacts, Role, SettingProblem, Streak,
};
use domain::money::Minor;

pub use circle::{
    CircleDecision, CircleDone, CircleLeft, InvitationAccepted, InvitationDone, circle_create,
    circle_disband, circle_disband_for, circle_invitation_accept, circle_invitation_cancel,
    circle_invitation_decline, circle_invitation_send, circle_invitations_expire, circle_leave,
    circle_member_remove, circle_rename,
};
pub use decide::{MinerDecided, MinerDecision, MinerRef};
pub use kyc_complete::{KycCompleted, kyc_complete};
pub(crate) use miner_adjust_points::adjust_approved;
pub use miner_adjust_points::{PointsAdjusted, miner_adjust_points};
pub use miner_ban::miner_ban;
pub use miner_register::{MinerRegistered, miner_register};
pub use miner_reset_streak::miner_reset_streak;
pub use miner_restore::miner_restore;
pub use miner_set_role::miner_set_role;
pub use miner_suspend::miner_suspend;
pub use referral_apply::{ReferralApplied, referral_apply};
pub use session_claim::{SessionClaimed, session_claim};
pub use session_start::{SessionStarted, session_start};
pub use sessions_settle::{Place, Settled, sessions_settle};
pub use streak_recover::{StreakRecovered, streak_recover};

use super::queries;
use super::rows::{MinerChange, MinerRow};
use crate::idempotency::Refusal;
use crate::schema::miners;
use crate::{Connection, DbError, Tx, text};

impl Refusal for MiningRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::MinerNotFound => "MINER_NOT_FOUND",
            Self::MinerSuspended => "MINER_SUSPENDED",
            Self::MinerBanned => "MINER_BANNED",
            Self::MiningDisabled => "MINING_DISABLED",
            Self::SessionActive { .. } => "SESSION_ACTIVE",
            Self::SessionUnclaimed => "SESSION_UNCLAIMED",
            Self::DailySessionLimit { .. } => "DAILY_SESSION_LIMIT",
            Self::SessionNotFound => "SESSION_NOT_FOUND",
            Self::SessionAlreadyClaimed => "SESSION_ALREADY_CLAIMED",
            Self::SessionNotComplete { .. } => "SESSION_NOT_COMPLETE",
            Self::SessionExpired => "SESSION_EXPIRED",
            Self::ReferralCodeUnknown => "REFERRAL_CODE_UNKNOWN",
            Self::AlreadyReferred => "ALREADY_REFERRED",
            Self::OwnReferralCode => "OWN_REFERRAL_CODE",
            Self::ReferralCycle => "REFERRAL_CYCLE",
            Self::KycInFuture => "KYC_IN_FUTURE",
            Self::NotFound => "NOT_FOUND",
            Self::OwnAccount => "OWN_ACCOUNT",
            Self::MinerNotSuspended => "MINER_NOT_SUSPENDED",
            Self::StreakNotFound => "STREAK_NOT_FOUND",
            Self::StreakNotRecoverable => "STREAK_NOT_RECOVERABLE",
            Self::StreakLate => "STREAK_LATE",
            Self::PointsInvalid => "POINTS_INVALID",
            Self::InsufficientPoints { .. } => "INSUFFICIENT_POINTS",
            Self::WalletFrozen => "WALLET_FROZEN",
            Self::RoleUnchanged => "ROLE_UNCHANGED",
            Self::ReasonInvalid => "REASON_INVALID",
            Self::Circle(refusal) => circle_code(refusal),
            Self::Setting(refusal) => code_of(&refusal.problem),
            Self::ConfigurationStale { .. } => "CONFIGURATION_STALE",
            Self::NothingToChange => "NOTHING_TO_CHANGE",
            Self::Section { refusal, .. } => refusal.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::ReferralCodeUnknown | Self::OwnReferralCode | Self::ReferralCycle => {
                Some("referralCode")
            }
            Self::KycInFuture => Some("completedAt"),
            Self::NotFound | Self::OwnAccount => Some("miner"),
            Self::PointsInvalid => Some("amount"),
            Self::RoleUnchanged => Some("change"),
            Self::ReasonInvalid => Some("reason"),
            Self::ConfigurationStale { .. } => Some("version"),
            Self::Circle(refusal) => circle_field(refusal),
            _ => None,
        }
    }

    fn path(&self) -> Option<Vec<String>> {
        match self {
            Self::Setting(refusal) => Some(refusal.path.clone()),
            Self::Section { section, refusal } => {
                let inner = refusal.path().unwrap_or_default();
                Some(iter::once((*section).to_owned()).chain(inner).collect())
            }
            _ => self.field().map(|field| vec![field.to_owned()]),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::SessionActive { ends_at } | Self::SessionNotComplete { ends_at } => {
                vec![("endsAt", ends_at.to_rfc3339())]
            }
            Self::InsufficientPoints { available } => {
                vec![("available", text::points(*available))]
            }
            Self::DailySessionLimit { limit } => vec![("limit", limit.to_string())],
            Self::ConfigurationStale { version } => vec![("version", version.to_string())],
            Self::Circle(CircleRefusal::InvitationLimit { limit }) => {
                vec![("limit", limit.to_string())]
            }
            Self::Circle(
                CircleRefusal::Cooldown { until } | CircleRefusal::PlaceCooling { until },
            ) => vec![("until", until.to_rfc3339())],
            Self::Section { refusal, .. } => refusal.facts(),
            _ => Vec::new(),
        }
    }
}

/// Why circles say no, for programs.
fn circle_code(refusal: &CircleRefusal) -> &'static str {
    match refusal {
        CircleRefusal::NameInvalid => "CIRCLE_NAME_INVALID",
        CircleRefusal::NotInCircle | CircleRefusal::NotFound => "CIRCLE_NOT_FOUND",
        CircleRefusal::OwnCircle => "OWN_ACCOUNT",
        CircleRefusal::Disbanded => "CIRCLE_DISBANDED",
        CircleRefusal::NotOwner => "NOT_CIRCLE_OWNER",
        CircleRefusal::AlreadyIn => "ALREADY_IN_CIRCLE",
        CircleRefusal::InvitationNotFound => "INVITATION_NOT_FOUND",
        CircleRefusal::InvitationNotPending => "INVITATION_NOT_PENDING",
        CircleRefusal::InvitationExpired => "INVITATION_EXPIRED",
        CircleRefusal::MemberNotFound => "MEMBER_NOT_FOUND",
        CircleRefusal::InviteeNotFound => "INVITEE_NOT_FOUND",
        CircleRefusal::SelfInvitation => "SELF_INVITATION",
        CircleRefusal::InviteeInCircle => "INVITEE_IN_CIRCLE",
        CircleRefusal::AlreadyInvited => "ALREADY_INVITED",
        CircleRefusal::InvitationLimit { .. } => "INVITATION_LIMIT",
        CircleRefusal::InviteeLimit => "INVITEE_LIMIT",
        CircleRefusal::Cooldown { .. } => "CIRCLE_COOLDOWN",
        CircleRefusal::Full => "CIRCLE_FULL",
        CircleRefusal::PlaceCooling { .. } => "CIRCLE_PLACE_COOLING",
        CircleRefusal::OwnerCannotLeave => "OWNER_CANNOT_LEAVE",
        CircleRefusal::OwnerCannotBeRemoved => "OWNER_CANNOT_BE_REMOVED",
    }
}

/// Which field of the input a refusal of circles is about.
fn circle_field(refusal: &CircleRefusal) -> Option<&'static str> {
    match refusal {
        CircleRefusal::NameInvalid => Some("name"),
        CircleRefusal::NotFound | CircleRefusal::OwnCircle | CircleRefusal::Disbanded => {
            Some("circle")
        }
        CircleRefusal::InvitationNotFound
        | CircleRefusal::InvitationNotPending
        | CircleRefusal::InvitationExpired => Some("invitation"),
        CircleRefusal::MemberNotFound | CircleRefusal::OwnerCannotBeRemoved => Some("member"),
        CircleRefusal::InviteeNotFound
        | CircleRefusal::SelfInvitation
        | CircleRefusal::InviteeInCircle
        | CircleRefusal::AlreadyInvited => Some("invitee"),
        _ => None,
    }
}

/// What is wrong with a setting, for programs.
fn code_of(problem: &SettingProblem) -> &'static str {
    match problem {
        SettingProblem::OutOfRange { .. } => "SETTING_OUT_OF_RANGE",
        SettingProblem::TooFine => "SETTING_TOO_FINE",
        SettingProblem::BadgeName => "BADGE_NAME_INVALID",
        SettingProblem::TierGap { .. } | SettingProblem::TierEmpty | SettingProblem::TierEnd => {
            "TIERS_NOT_CONTIGUOUS"
        }
        SettingProblem::TierCount => "TIER_COUNT",
        SettingProblem::ReferralLevels => "REFERRAL_LEVELS_UNSUPPORTED",
    }
}

pub(super) async fn lock_miner(
    conn: &mut Connection,
    user: UserId,
) -> Result<Option<Miner>, DbError> {
    let row: Option<MinerRow> = miners::table
        .filter(miners::user_id.eq(user.0))
        .select(MinerRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(Miner::try_from).transpose()
}

pub(super) async fn store_miner(
    tx: &mut Tx,
    miner: &Miner,
    lifetime_points: Minor,
    streak: &Streak,
    version: i64,
) -> Result<(), DbError> {
    let change = MinerChange::of(lifetime_points, streak, version, tx.now());
    diesel::update(miners::table.find(miner.id.0))
        .set(change)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn facts_of(conn: &mut Connection, miner: MinerId) -> Result<RateFacts, DbError> {
    queries::rate_facts(conn, &[miner])
        .await?
        .pop()
        .map(|(_, facts)| facts)
        .ok_or_else(|| DbError::inconsistent("miners", "id", miner))
}

/// The role that facts or a grant give a miner whose row is locked.
pub(super) async fn role_of(
    conn: &mut Connection,
    miner: &Miner,
    is_granted: bool,
) -> Result<Role, DbError> {
    let active = queries::active_referrals(conn, miner.id).await?;
    let facts = facts_of(conn, miner.id).await?;
    Ok(Role::from_facts(is_granted, active, facts.circle_valid))
}
