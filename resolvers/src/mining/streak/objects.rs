//! Types of streaks.

use async_graphql::{Enum, SimpleObject};
use db::mining::MinerSeen;
use domain::mining::{Configuration, Judgement};

use crate::mining::{bonus_rate, whole};
use crate::scalars::{DateTime, Decimal};

/// Effects that a claim now would have on the streak.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreakStatus {
    /// On time, or there is no streak: the claim starts or continues it.
    OnTime,
    /// Late, within the grace period: the streak continues.
    Grace,
    /// Late: freeze tokens are used and the streak continues.
    Frozen,
    /// Too late: the streak is lost.
    Broken,
}

/// Days in a row with a claim, judged as of now.
#[derive(SimpleObject)]
pub struct MiningStreak {
    /// Badge of the tier; null for a tier without one.
    pub badge: Option<String>,
    /// Bonus of the tier as a fraction: `"0.2500"` is 25 %.
    pub bonus_rate: Decimal,
    /// Time until which the next claim is on time; null before the first session. It moves while mining is off or the
    /// miner suspended.
    pub due_at: Option<DateTime>,
    /// Tokens that each cover one missed day, 0 to 3.
    pub freeze_tokens: i32,
    /// Whether the last late claim was forgiven, so that the next one will not be.
    pub is_grace_period: bool,
    /// Time of the last claim; null before the first.
    pub last_mining_at: Option<DateTime>,
    /// Days of the longest streak.
    pub longest_streak_days: i32,
    /// Days of the broken run that `streakRecover` adds; null when there is none.
    pub recoverable_days: Option<i32>,
    /// Time until which the broken run can be recovered; null when there is none.
    pub recovery_expires_at: Option<DateTime>,
    /// What a claim now would do to the streak.
    pub status: StreakStatus,
    /// Days that count, 0 once broken.
    pub streak_days: i32,
}

impl MiningStreak {
    pub(in crate::mining) fn of(seen: &MinerSeen, configuration: &Configuration) -> Self {
        let streak = &seen.miner.streak;
        let view = streak.view(seen.at, configuration);
        let recoverable = streak.recoverable_at(seen.at);
        Self {
            badge: view.badge_name,
            bonus_rate: bonus_rate(view.bonus),
            due_at: view.due_at.map(DateTime),
            freeze_tokens: whole(streak.freeze_tokens),
            is_grace_period: streak.is_grace_period,
            last_mining_at: streak.last_claim.map(DateTime),
            longest_streak_days: whole(streak.longest),
            recoverable_days: recoverable.map(|run| whole(run.days)),
            recovery_expires_at: recoverable.map(|run| run.recoverable_until.into()),
            status: match view.judgement {
                Judgement::OnTime => StreakStatus::OnTime,
                Judgement::Grace => StreakStatus::Grace,
                Judgement::Frozen { .. } => StreakStatus::Frozen,
                Judgement::Broken => StreakStatus::Broken,
            },
            streak_days: whole(view.days),
        }
    }
}
