//! Decisions of administrators about a miner: suspend, restore, ban, reset the streak, grant a role.
//!
//! Suspended time counts neither against the streak nor against the claim window: both stop when the suspension starts,
//! and restoring moves their deadlines by the suspended time.

use chrono::TimeDelta;

use super::{Miner, MinerRefusal, MinerStatus, Role};
use crate::ids::UserId;
use crate::mining::{BrokenRun, Configuration, Due, Session, SessionState};
use crate::time::{Timestamp, plus};

/// Result of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The miner afterwards. The caller stores it and raises its version.
    pub miner: Miner,
    /// The miner's open session afterwards; none when there is no open session or the decision leaves it unchanged.
    pub session: Option<Session>,
}

impl Decided {
    fn without_session(miner: Miner) -> Self {
        Self {
            miner,
            session: None,
        }
    }
}

/// Suspends a miner, who can neither start nor claim until restored. A running session continues to its end.
///
/// Refusals, in this order: [`MinerRefusal::OwnAccount`], [`MinerRefusal::Banned`],
/// [`MinerRefusal::Suspended`].
pub fn suspend(
    mut miner: Miner,
    open: Option<Session>,
    by: UserId,
    now: Timestamp,
) -> Result<Decided, MinerRefusal> {
    may_be_decided(&miner, by)?;
    if miner.status == MinerStatus::Suspended {
        return Err(MinerRefusal::Suspended);
    }
    miner.status = MinerStatus::Suspended;
    miner.streak.suspended_at = Some(now);
    Ok(Decided {
        miner,
        session: open.map(|session| Session {
            window_stopped_at: Some(now),
            ..session
        }),
    })
}

/// Restores a suspended miner. Streak and claim window continue where they stopped.
///
/// Refusals, in this order: [`MinerRefusal::OwnAccount`], [`MinerRefusal::Banned`],
/// [`MinerRefusal::NotSuspended`].
pub fn restore(
    mut miner: Miner,
    open: Option<Session>,
    by: UserId,
    configuration: &Configuration,
    now: Timestamp,
) -> Result<Decided, MinerRefusal> {
    may_be_decided(&miner, by)?;
    if miner.status == MinerStatus::Active {
        return Err(MinerRefusal::NotSuspended);
    }
    miner.status = MinerStatus::Active;
    if let Some(since) = miner.streak.suspended_at.take() {
        let streak = &mut miner.streak;
        let later = |due: Due| later(due, since, configuration, now);
        streak.due = streak.due.map(later);
        streak.previous_due = streak.previous_due.map(later);
        streak.broken = streak.broken.take().map(|run| BrokenRun {
            recoverable_until: recoverable_until(&run, since, now),
            ..run
        });
    }
    Ok(Decided {
        miner,
        session: open.map(|session| resumed(session, configuration, now)),
    })
}

/// Bans a miner for good; the open session expires. The caller updates circle, referral and wallets.
///
/// Refusals, in this order: [`MinerRefusal::OwnAccount`], [`MinerRefusal::Banned`].
pub fn ban(
    mut miner: Miner,
    open: Option<Session>,
    by: UserId,
    now: Timestamp,
) -> Result<Decided, MinerRefusal> {
    may_be_decided(&miner, by)?;
    miner.status = MinerStatus::Banned;
    miner.streak.suspended_at = None;
    Ok(Decided {
        miner,
        session: open.map(|session| Session {
            state: SessionState::Expired { at: now },
            window_stopped_at: None,
            ..session
        }),
    })
}

/// Ends a miner's run: its days are 0, and neither it nor an earlier broken run can be recovered. Freeze tokens, the
/// longest run and all points stay; the next run earns its milestones again.
///
/// Refusals, in this order: [`MinerRefusal::OwnAccount`], [`MinerRefusal::Banned`],
/// [`MinerRefusal::StreakNotFound`].
pub fn reset_streak(mut miner: Miner, by: UserId) -> Result<Decided, MinerRefusal> {
    may_be_decided(&miner, by)?;
    if miner.streak.current == 0 && miner.streak.broken.is_none() {
        return Err(MinerRefusal::StreakNotFound);
    }
    let streak = &mut miner.streak;
    streak.current = 0;
    streak.is_grace_period = false;
    streak.milestones_paid.clear();
    streak.broken = None;
    Ok(Decided::without_session(miner))
}

/// Grants [`Role::NodeOperator`].
///
/// Refusals, in this order: [`MinerRefusal::OwnAccount`], [`MinerRefusal::Banned`], [`MinerRefusal::RoleUnchanged`].
pub fn grant_node_operator(miner: Miner, by: UserId) -> Result<Decided, MinerRefusal> {
    change_role(miner, by, Role::NodeOperator)
}

/// Revokes [`Role::NodeOperator`]; the miner's role becomes `by_facts`.
///
/// Refusals, in this order: [`MinerRefusal::OwnAccount`], [`MinerRefusal::Banned`], [`MinerRefusal::RoleUnchanged`].
pub fn revoke_node_operator(
    miner: Miner,
    by_facts: Role,
    by: UserId,
) -> Result<Decided, MinerRefusal> {
    change_role(miner, by, by_facts)
}

fn change_role(mut miner: Miner, by: UserId, role: Role) -> Result<Decided, MinerRefusal> {
    may_be_decided(&miner, by)?;
    let is_granted = miner.role == Role::NodeOperator;
    if is_granted == (role == Role::NodeOperator) {
        return Err(MinerRefusal::RoleUnchanged);
    }
    miner.role = role;
    Ok(Decided::without_session(miner))
}

/// Refuses decisions of staff about their own miner and about banned miners.
pub(super) fn may_be_decided(miner: &Miner, by: UserId) -> Result<(), MinerRefusal> {
    if miner.id.user == by {
        return Err(MinerRefusal::OwnAccount);
    }
    if miner.status == MinerStatus::Banned {
        return Err(MinerRefusal::Banned);
    }
    Ok(())
}

/// Moves a due time by the suspended time. `since` stays, because [`Streak::judge`](crate::mining::Streak::judge)
/// subtracts the pauses since then; pauses during the suspension are therefore not added again.
fn later(due: Due, suspended_at: Timestamp, configuration: &Configuration, now: Timestamp) -> Due {
    let forgiven = configuration.counted(due.since.max(suspended_at), now);
    Due {
        at: plus(due.at, forgiven),
        ..due
    }
}

/// Extends the recovery time by the whole suspension, because pauses do not extend it; unchanged when it had ended
/// before the suspension.
fn recoverable_until(run: &BrokenRun, suspended_at: Timestamp, now: Timestamp) -> Timestamp {
    if run.recoverable_until < suspended_at {
        return run.recoverable_until;
    }
    plus(
        run.recoverable_until,
        now.signed_duration_since(suspended_at),
    )
}

fn resumed(session: Session, configuration: &Configuration, now: Timestamp) -> Session {
    let forgiven = session
        .window_stopped_at
        .map(|stopped| configuration.counted(session.ends_at.max(stopped), now));
    // An extension beyond 292,000 years leaves the window open.
    let extension = forgiven.map_or(session.window_extension, |forgiven| {
        let sum = session.window_extension.checked_add(&forgiven);
        sum.unwrap_or(TimeDelta::MAX)
    });
    Session {
        window_stopped_at: None,
        window_extension: extension,
        ..session
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::mining::samples::{at, miner, session};
    use crate::mining::{Judgement, SessionStatus, Streak};
    use crate::time::Pause;

    const STAFF: UserId = UserId(Uuid::max());

    fn streak(since: i64, due: i64, freeze_tokens: u32) -> Streak {
        Streak {
            current: 9,
            longest: 9,
            due: Some(Due {
                since: at(since),
                at: at(due),
            }),
            freeze_tokens,
            milestones_paid: vec![7],
            broken: Some(BrokenRun {
                days: 30,
                milestones_paid: vec![7, 14, 30],
                recoverable_until: at(due),
            }),
            ..Streak::default()
        }
    }

    fn paused(pauses: &[(i64, i64)]) -> Configuration {
        let mut rules = Configuration::default();
        rules.mining.pauses = pauses
            .iter()
            .map(|(from, until)| Pause {
                from: at(*from),
                until: Some(at(*until)),
            })
            .collect();
        rules
    }

    /// Union of two spans, as spans that do not overlap.
    fn union(a: (i64, i64), b: (i64, i64)) -> Vec<(i64, i64)> {
        if a.0 <= b.1 && b.0 <= a.1 {
            vec![(a.0.min(b.0), a.1.max(b.1))]
        } else {
            vec![a, b]
        }
    }

    #[test]
    fn suspension_stops_streak_and_claim_window() {
        let rules = Configuration::default();
        let before = miner(streak(0, 48, 0));
        let suspended = suspend(before.clone(), Some(session(30, 168)), STAFF, at(40)).unwrap();
        assert_eq!(suspended.miner.status, MinerStatus::Suspended);
        assert_eq!(suspended.miner.streak.view(at(900), &rules).days, 9);
        let open = suspended.session.unwrap();
        assert_eq!(open.status_at(at(900), &rules), SessionStatus::Completed);
        let restored = restore(suspended.miner, Some(open), STAFF, &rules, at(140)).unwrap();
        let streak = restored.miner.streak;
        assert_eq!(streak.suspended_at, None);
        assert_eq!(streak.due.unwrap().at, at(148));
        assert_eq!(streak.broken.unwrap().recoverable_until, at(148));
        let open = restored.session.unwrap();
        assert_eq!(open.window_extension, TimeDelta::hours(100));
        assert_eq!(open.status_at(at(298), &rules), SessionStatus::Completed);
        assert_eq!(open.status_at(at(299), &rules), SessionStatus::Expired);
    }

    #[test]
    fn restoring_keeps_an_ended_recovery_ended() {
        let rules = Configuration::default();
        let mut before = miner(streak(0, 48, 0));
        before.streak.broken.as_mut().unwrap().recoverable_until = at(30);
        let suspended = suspend(before, None, STAFF, at(40)).unwrap();
        let restored = restore(suspended.miner, None, STAFF, &rules, at(140)).unwrap();
        assert_eq!(
            restored.miner.streak.broken.unwrap().recoverable_until,
            at(30)
        );
    }

    #[test]
    fn reset_keeps_tokens_and_the_longest_run() {
        let reset = reset_streak(miner(streak(0, 48, 2)), STAFF).unwrap().miner;
        assert_eq!((reset.streak.current, reset.streak.longest), (0, 9));
        assert_eq!(reset.streak.freeze_tokens, 2);
        assert!(reset.streak.milestones_paid.is_empty());
        assert_eq!(reset.streak.broken, None);
        assert_eq!(
            reset_streak(reset, STAFF),
            Err(MinerRefusal::StreakNotFound)
        );
    }

    #[test]
    fn revoking_a_role_restores_the_earned_role() {
        let granted = grant_node_operator(miner(Streak::default()), STAFF).unwrap();
        let granted = granted.miner;
        assert_eq!(granted.role, Role::NodeOperator);
        assert_eq!(
            grant_node_operator(granted.clone(), STAFF),
            Err(MinerRefusal::RoleUnchanged)
        );
        let revoked = revoke_node_operator(granted, Role::Contributor, STAFF);
        assert_eq!(revoked.unwrap().miner.role, Role::Contributor);
    }

    #[test]
    fn refuses_decisions_in_order() {
        let with = |status| Miner {
            status,
            ..miner(Streak::default())
        };
        let own = UserId(Uuid::nil());
        let rules = Configuration::default();
        for (status, by, expected) in [
            (
                MinerStatus::Banned,
                own,
                [const { MinerRefusal::OwnAccount }; 4],
            ),
            (
                MinerStatus::Banned,
                STAFF,
                [const { MinerRefusal::Banned }; 4],
            ),
            (
                MinerStatus::Active,
                STAFF,
                [
                    MinerRefusal::Suspended,
                    MinerRefusal::NotSuspended,
                    MinerRefusal::StreakNotFound,
                    MinerRefusal::RoleUnchanged,
                ],
            ),
        ] {
            let once = match status {
                MinerStatus::Active => with(MinerStatus::Suspended),
                other => with(other),
            };
            let refusals = [
                suspend(once, None, by, at(0)).unwrap_err(),
                restore(with(status), None, by, &rules, at(0)).unwrap_err(),
                reset_streak(with(status), by).unwrap_err(),
                revoke_node_operator(with(status), Role::Pioneer, by).unwrap_err(),
            ];
            assert_eq!(refusals, expected);
        }
    }

    proptest! {
        /// A suspension has the same effect on streaks and claim windows as switching mining off for the same time,
        /// also when the two overlap.
        #[test]
        fn suspension_equals_a_pause(
            since in 0_i64..200, due in 0_i64..100, tokens in 0_u32..4, window in 1_u32..200,
            from in 0_i64..300, length in 0_i64..300, off in 0_i64..400, off_length in 1_i64..200, after in 0_i64..400,
        ) {
            let until = from + length;
            // A pause is known only once it has ended.
            let rules = paused(&[(off, off + off_length)]);
            let model = paused(&union((off, off + off_length), (from, until)));
            let before = miner(streak(since, since + due, tokens));
            let open = session(since, window);
            let suspended = suspend(before.clone(), Some(open.clone()), STAFF, at(from)).unwrap();
            let restored = restore(suspended.miner.clone(), suspended.session.clone(), STAFF, &rules, at(until)).unwrap();
            let then = at(until + after);
            prop_assert_eq!(
                restored.miner.streak.judge(then, &rules),
                before.streak.judge(then, &model)
            );
            prop_assert_eq!(
                restored.session.clone().unwrap().status_at(then, &rules),
                open.status_at(then, &model)
            );
            // The displayed deadlines agree with the judgements.
            let (streak, session) = (&restored.miner.streak, restored.session.unwrap());
            prop_assert_eq!(
                then <= streak.view(then, &rules).due_at.unwrap(),
                streak.judge(then, &rules) == Judgement::OnTime
            );
            prop_assert_eq!(
                session.claimable_until(then, &rules).is_none_or(|until| then > until),
                session.status_at(then, &rules) == SessionStatus::Expired
            );
            // During the suspension, the judgement stays that of its start.
            let meanwhile = at(from + length / 2);
            prop_assert_eq!(
                suspended.miner.streak.judge(meanwhile, &rules),
                before.streak.judge(at(from), &rules)
            );
            prop_assert_eq!(
                meanwhile <= suspended.miner.streak.view(meanwhile, &rules).due_at.unwrap(),
                suspended.miner.streak.judge(meanwhile, &rules) == Judgement::OnTime
            );
        }
    }
}
