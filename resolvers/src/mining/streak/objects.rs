//! Types of streaks.

use async_graphql::Enum;
use db::mining::MinerSeen;
use domain::mining::{Configuration, Judgement};

use crate::mining::{bonus_rate, whole};
use crate::prelude::*;

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

object! {
    /// Days in a row with a claim, judged as of now.
    MiningStreak(seen: &MinerSeen, configuration: &Configuration) {
        let streak = &seen.miner.streak;
        let view = streak.view(seen.at, configuration);
        let recoverable = streak.recoverable_at(seen.at);
        /// Badge of the tier; null for a tier without one.
        badge: Option<String> = view.badge_name,
        /// Bonus of the tier as a fraction: `"0.2500"` is 25 %.
        bonus_rate: Decimal = bonus_rate(view.bonus),
        /// Time until which the next claim is on time; null before the first session. It moves while mining is off or the
        /// miner suspended.
        due_at: Option<DateTime> = view.due_at.map(DateTime),
        /// Tokens that each cover one missed day, 0 to 3.
        freeze_tokens: i32 = whole(streak.freeze_tokens),
        /// Whether the last late claim was forgiven, so that the next one will not be.
        is_grace_period: bool = streak.is_grace_period,
        /// Time of the last claim; null before the first.
        last_mining_at: Option<DateTime> = streak.last_claim.map(DateTime),
        /// Days of the longest streak.
        longest_streak_days: i32 = whole(streak.longest),
        /// Days of the broken run that `streakRecover` adds; null when there is none.
        recoverable_days: Option<i32> = recoverable.map(|run| whole(run.days)),
        /// Time until which the broken run can be recovered; null when there is none.
        recovery_expires_at: Option<DateTime> = recoverable.map(|run| run.recoverable_until.into()),
        /// Effect of a claim at this moment on the streak.
        status: StreakStatus = match view.judgement {
            Judgement::OnTime => StreakStatus::OnTime,
            Judgement::Grace => StreakStatus::Grace,
            Judgement::Frozen { .. } => StreakStatus::Frozen,
            Judgement::Broken => StreakStatus::Broken,
            },
        /// Days that count, 0 once broken.
        streak_days: i32 = whole(view.days),
    }
}
