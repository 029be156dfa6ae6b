//! Recovering a broken streak for its price.

use super::{Recovered, StreakRefusal};
use crate::mining::{Configuration, Judgement, Miner, Points, Session};
use crate::money::Minor;
use crate::refusal::Rejection;
use crate::time::Timestamp;

/// A recovered streak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The streak with the broken run added.
    pub recovered: Recovered,
    /// Price.
    pub cost: Points,
    /// Sum of the milestones reached.
    pub milestone_points: Points,
    /// Lifetime points after the recovery; the price does not reduce them.
    pub total_points: Points,
}

/// Adds the broken run to the present one. `latest` is the miner's newest session.
///
/// Refusals, in this order: [`StreakRefusal::MinerSuspended`], [`StreakRefusal::MinerBanned`],
/// [`StreakRefusal::NotRecoverable`], [`StreakRefusal::Late`], [`StreakRefusal::IssuanceCeiling`],
/// [`StreakRefusal::BalanceOverflow`]. The ledger checks the balance.
pub fn recover(
    miner: &Miner,
    latest: Option<&Session>,
    configuration: &Configuration,
    now: Timestamp,
) -> Result<Recovery, Rejection<StreakRefusal>> {
    miner.status.may_mine().map_err(StreakRefusal::from)?;
    let streak = miner.streak.clone();
    let recovered = latest
        .map_or(streak.clone(), |session| {
            session.lapse(streak, now, configuration)
        })
        .recovered(now, configuration)
        .ok_or(StreakRefusal::NotRecoverable)?;
    // The next start would break the streak again, and the price would be lost.
    if recovered.streak.judge(now, configuration) == Judgement::Broken {
        return Err(StreakRefusal::Late.into());
    }
    let milestone_points = recovered
        .milestones
        .iter()
        .try_fold(Minor::ZERO, |sum, milestone| sum.plus(milestone.points))?;
    if milestone_points > Minor::ZERO && configuration.exhausted_until(now).is_some() {
        return Err(StreakRefusal::IssuanceCeiling.into());
    }
    let total_points = miner
        .lifetime_points
        .checked_add(milestone_points)
        .ok_or(StreakRefusal::BalanceOverflow)?;
    Ok(Recovery {
        cost: configuration.streak.recovery_cost,
        total_points,
        milestone_points,
        recovered,
    })
}

#[cfg(test)]
mod tests {
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
            lifetime_points: Minor(100),
            ..samples::miner(streak)
        }
    }

    #[test]
    fn recovers_a_run_for_its_price() {
        let rules = Configuration::default();
        let done = recover(&miner(), None, &rules, NOW).expect("in time");
        assert_eq!(done.cost, Minor(500_000));
        assert_eq!(done.recovered.streak.current, 7);
        assert_eq!(done.milestone_points, Minor(500_000));
        assert_eq!(done.total_points, Minor(500_100));
        let mut full = miner();
        full.lifetime_points = Minor(i64::MAX);
        let refused = recover(&full, None, &rules, NOW);
        assert_eq!(refused, Err(StreakRefusal::BalanceOverflow.into()));
        let later = recover(&miner(), None, &rules, plus(NOW, hours(1)));
        assert_eq!(later, Err(StreakRefusal::NotRecoverable.into()));
    }

    #[test]
    fn refuses_a_streak_that_would_break_at_once() {
        let rules = Configuration::default();
        let mut late = miner();
        let due = plus(NOW, -hours(49));
        late.streak.due = Some(Due {
            since: due,
            at: due,
        });
        let refused = Err(StreakRefusal::Late.into());
        assert_eq!(recover(&late, None, &rules, NOW), refused);
        // The same holds when a session expired unclaimed and that is not stored yet.
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
}
