//! A streak as it stands at a moment.

use async_graphql::SimpleObject;
use db::mining::MinerSeen;
use domain::mining::{self as rules, Judgement};

use super::{StreakStatus, days, share};
use crate::scalars::{DateTime, Decimal};

/// A streak: days in a row with a claim.
#[derive(SimpleObject)]
pub struct MiningStreak {
    /// Days that count at the moment: 0 when it would be found broken.
    pub current_streak: i32,
    /// Days of the longest streak ever.
    pub longest_streak: i32,
    /// What it adds to the rate, as a share: `"0.2500"` is 25 %.
    pub bonus_multiplier: Decimal,
    /// The badge of its tier; null without one.
    pub badge: Option<String>,
    /// What a claim at this moment would mean.
    pub status: StreakStatus,
    /// Until when the next claim is on time; null as long as nothing was claimed and no session is open. While mining is
    /// switched off or the miner suspended it moves on with time; when a session expires unclaimed it goes back to what it
    /// was before that, within a minute or so.
    pub due_at: Option<DateTime>,
    /// When a session was last claimed; null before the first claim.
    pub last_mining_at: Option<DateTime>,
    /// Missed days that can be bought off, 0 to 3.
    pub freeze_tokens: i32,
    /// Whether the last claim, or the start since, was forgiven as late.
    pub is_grace_period: bool,
    /// Days of the run before, while it can be recovered; null otherwise.
    pub recoverable_days: Option<i32>,
    /// Until when it can be recovered; null otherwise.
    pub recoverable_until: Option<DateTime>,
}

impl MiningStreak {
    pub(super) fn of(seen: &MinerSeen, configuration: &rules::Configuration) -> Self {
        let streak = &seen.miner.streak;
        let view = streak.view(seen.at, configuration);
        let recoverable = streak
            .broken
            .as_ref()
            .filter(|broken| streak.stands_at(seen.at) <= broken.recoverable_until);
        Self {
            current_streak: days(view.days),
            longest_streak: days(streak.longest),
            bonus_multiplier: share(view.bonus),
            badge: view.badge_name,
            status: match view.judgement {
                Judgement::OnTime => StreakStatus::OnTime,
                Judgement::Grace => StreakStatus::Grace,
                Judgement::Frozen { .. } => StreakStatus::Frozen,
                Judgement::Broken => StreakStatus::Broken,
            },
            due_at: view.due_at.map(DateTime),
            last_mining_at: streak.last_claim.map(DateTime),
            freeze_tokens: days(streak.freeze_tokens),
            is_grace_period: streak.is_grace_period,
            recoverable_days: recoverable.map(|broken| days(broken.days)),
            recoverable_until: recoverable.map(|broken| broken.recoverable_until.into()),
        }
    }
}
