//! Points outside of sessions: what a recovered streak costs, and what administrators correct.

use rust_decimal::Decimal;

use super::session::may_mine;
use super::{
    Configuration, Judgement, Miner, MinerStatus, MiningRefusal, POINTS_SCALE, Points, Recovered,
    Session,
};
use crate::ids::UserId;
use crate::money::{self, Minor};
use crate::time::Timestamp;

/// A streak that is recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The streak with the run before in it.
    pub recovered: Recovered,
    /// What that costs.
    pub cost: Points,
    /// Sum of the milestones reached.
    pub streak_bonus: Points,
    /// Lifetime points after: what is spent was mined all the same.
    pub total_points: Points,
}

/// Adds the broken run to the present one, for a price. `latest` is the miner's newest session.
///
/// Refusals, in this order: [`MiningRefusal::MinerSuspended`], [`MiningRefusal::MinerBanned`],
/// [`MiningRefusal::StreakNotRecoverable`], [`MiningRefusal::StreakLate`]. Whether the wallet has the price is for the
/// ledger to say.
pub fn recover(
    miner: &Miner,
    latest: Option<&Session>,
    configuration: &Configuration,
    now: Timestamp,
) -> Result<Recovery, MiningRefusal> {
    may_mine(miner.status)?;
    let streak = miner.streak.clone();
    let recovered = latest
        .map_or(streak.clone(), |session| {
            session.lapse(streak, now, configuration)
        })
        .recovered(now, configuration)
        .ok_or(MiningRefusal::StreakNotRecoverable)?;
    // The next start would find it broken again: that would be money for nothing.
    if recovered.streak.judge(now, configuration) == Judgement::Broken {
        return Err(MiningRefusal::StreakLate);
    }
    let sum = |points: Points, more: Points| points.checked_add(more).unwrap_or(points);
    let streak_bonus = recovered
        .milestones
        .iter()
        .fold(Minor::ZERO, |bonus, milestone| sum(bonus, milestone.points));
    Ok(Recovery {
        cost: configuration.streak.recovery_cost,
        total_points: sum(miner.lifetime_points, streak_bonus),
        streak_bonus,
        recovered,
    })
}

/// Reads what an administrator corrects by.
///
/// Refusals: [`MiningRefusal::PointsInvalid`].
pub fn correction(amount: Decimal) -> Result<Points, MiningRefusal> {
    money::amount(amount, POINTS_SCALE)
        .ok()
        .filter(|points| *points != Minor::ZERO)
        .ok_or(MiningRefusal::PointsInvalid)
}

/// Corrects a miner's points by so many, up or down; answers their lifetime points after.
///
/// Refusals, in this order: [`MiningRefusal::OwnAccount`], [`MiningRefusal::MinerBanned`],
/// [`MiningRefusal::InsufficientPoints`] with the lifetime points there are. Whether the wallet has what is taken is for
/// the ledger to say.
pub fn adjust(miner: &Miner, by_points: Points, by: UserId) -> Result<Points, MiningRefusal> {
    if miner.user_id == by {
        return Err(MiningRefusal::OwnAccount);
    }
    if miner.status == MinerStatus::Banned {
        return Err(MiningRefusal::MinerBanned);
    }
    miner
        .lifetime_points
        .checked_add(by_points)
        .filter(|after| *after >= Minor::ZERO)
        .ok_or(MiningRefusal::InsufficientPoints {
            available: miner.lifetime_points,
        })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::mining::{BrokenRun, Due, Streak, samples};
    use crate::time::{hours, plus};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn miner() -> Miner {
        let streak = Streak {
            current: 1,
            broken: Some(BrokenRun {
                days: 6,
                milestones_paid: Vec::new(),
                recoverable_until: NOW,
            }),
            ..Streak::default()
        };
        Miner {
            user_id: UserId(Uuid::from_u128(2)),
            lifetime_points: Minor(100),
            ..samples::miner(streak)
        }
    }

    #[test]
    fn a_run_is_recovered_for_its_price() {
        let rules = Configuration::default();
        let done = recover(&miner(), None, &rules, NOW).expect("in time");
        assert_eq!(done.cost, Minor(500_000));
        assert_eq!(done.recovered.streak.current, 7);
        assert_eq!(done.streak_bonus, Minor(500_000));
        assert_eq!(done.total_points, Minor(500_100));
        let later = recover(&miner(), None, &rules, plus(NOW, hours(1)));
        assert_eq!(later, Err(MiningRefusal::StreakNotRecoverable));
    }

    #[test]
    fn nothing_is_sold_that_is_lost_at_once() {
        let rules = Configuration::default();
        let mut late = miner();
        let due = plus(NOW, -hours(49));
        late.streak.due = Some(Due {
            since: due,
            at: due,
        });
        let refused = Err(MiningRefusal::StreakLate);
        assert_eq!(recover(&late, None, &rules, NOW), refused);
        // Nor what a session held that was not claimed in time, although that is not stored yet.
        let mut lapsed = miner();
        lapsed.streak.previous_due = late.streak.due;
        lapsed.streak.due = Some(Due {
            since: NOW,
            at: plus(NOW, hours(24)),
        });
        let session = samples::session(-13, 12);
        assert!(recover(&lapsed, None, &rules, NOW).is_ok());
        assert_eq!(recover(&lapsed, Some(&session), &rules, NOW), refused);
    }

    #[test]
    fn a_correction_is_something_the_ledger_can_hold() {
        let read = |text: &str| correction(text.parse().expect("a decimal"));
        assert_eq!(read("-0.0001"), Ok(Minor(-1)));
        assert_eq!(read("1000000000000"), Ok(Minor(10_000_000_000_000_000)));
        for bad in ["0", "0.00001", "1000000000000.0001", "-1000000000001"] {
            assert_eq!(read(bad), Err(MiningRefusal::PointsInvalid), "{bad}");
        }
    }

    #[test]
    fn points_are_corrected_but_never_below_nothing() {
        let by = UserId(Uuid::from_u128(3));
        assert_eq!(adjust(&miner(), Minor(5), by), Ok(Minor(105)));
        assert_eq!(adjust(&miner(), Minor(-100), by), Ok(Minor(0)));
        assert_eq!(
            adjust(&miner(), Minor(-101), by),
            Err(MiningRefusal::InsufficientPoints {
                available: Minor(100)
            })
        );
        let own = adjust(&miner(), Minor(5), miner().user_id);
        assert_eq!(own, Err(MiningRefusal::OwnAccount));
        let banned = Miner {
            status: MinerStatus::Banned,
            ..miner()
        };
        assert_eq!(
            adjust(&banned, Minor(5), by),
            Err(MiningRefusal::MinerBanned)
        );
    }
}
