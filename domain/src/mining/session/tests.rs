//! Each rule of sessions by itself: what starts, pays, and is refused in which order; what was never claimed.

use uuid::Uuid;

use super::*;
use crate::mining::MinerStatus;
use crate::mining::samples::{self, at};
use crate::mining::{Bps, Role};

fn miner() -> Miner {
    Miner {
        lifetime_points: Minor(10_000),
        ..samples::miner(Streak::default())
    }
}

fn start_with(
    miner: Miner,
    latest: Option<Session>,
    started_today: u32,
    configuration: &Configuration,
    now: Timestamp,
) -> Result<Start, Rejection<SessionRefusal>> {
    start(StartInput {
        miner,
        latest,
        started_today,
        facts: RateFacts {
            role: Role::Pioneer,
            circle_valid: false,
            referral_sum: Bps(2_500),
        },
        configuration,
        now,
        id: SessionId(Uuid::nil()),
    })
}

#[test]
fn a_session_pays_its_hours() {
    let rules = Configuration::default();
    let started = start_with(miner(), None, 0, &rules, at(0)).expect("starts");
    assert_eq!(started.session.hourly_rate, RatePerHour(3_125));
    assert_eq!(started.session.accumulated(at(12)), Ok(Minor(37_500)));
    let mut after = miner();
    after.streak = started.settled.streak;
    let paid = claim(after, Some(started.session), &rules, at(30)).expect("pays");
    assert_eq!(paid.points_earned, Minor(75_000));
    assert_eq!(paid.total_points, Minor(85_000));
    assert_eq!(paid.settled.streak.current, 1);
    assert!(matches!(
        paid.session.state,
        SessionState::Claimed {
            referral_points: Minor(15_000),
            ..
        }
    ));
}

#[test]
fn starting_is_refused_in_order() {
    let rules = Configuration::default();
    let open = start_with(miner(), None, 0, &rules, at(0))
        .expect("starts")
        .session;
    let with = |status| Miner { status, ..miner() };
    assert_eq!(
        start_with(with(MinerStatus::Suspended), None, 9, &rules, at(0)),
        Err(SessionRefusal::MinerSuspended.into())
    );
    assert_eq!(
        start_with(with(MinerStatus::Banned), None, 9, &rules, at(0)),
        Err(SessionRefusal::MinerBanned.into())
    );
    let mut off = Configuration::default();
    off.mining.is_globally_enabled = false;
    assert_eq!(
        start_with(miner(), Some(open.clone()), 9, &off, at(1)),
        Err(SessionRefusal::MiningDisabled.into())
    );
    assert_eq!(
        start_with(miner(), Some(open.clone()), 9, &rules, at(1)),
        Err(SessionRefusal::Active { retry_at: at(24) }.into())
    );
    assert_eq!(
        start_with(miner(), Some(open.clone()), 9, &rules, at(24)),
        Err(SessionRefusal::Unclaimed.into())
    );
    assert_eq!(
        start_with(miner(), None, 1, &rules, at(24)),
        Err(SessionRefusal::DailyLimit {
            limit: 1,
            retry_at: at(48)
        }
        .into())
    );
    let late = start_with(miner(), Some(open.clone()), 0, &rules, at(24 + 169)).expect("starts");
    assert_eq!(late.expired, Some(open));
}

#[test]
fn claiming_is_refused_in_order() {
    let rules = Configuration::default();
    let open = start_with(miner(), None, 0, &rules, at(0))
        .expect("starts")
        .session;
    let suspended = Miner {
        status: MinerStatus::Suspended,
        ..miner()
    };
    assert_eq!(
        claim(suspended, None, &rules, at(0)),
        Err(SessionRefusal::MinerSuspended.into())
    );
    let banned = Miner {
        status: MinerStatus::Banned,
        ..miner()
    };
    assert_eq!(
        claim(banned, None, &rules, at(0)),
        Err(SessionRefusal::MinerBanned.into())
    );
    assert_eq!(
        claim(miner(), None, &rules, at(0)),
        Err(SessionRefusal::NotFound.into())
    );
    let paid = claim(miner(), Some(open.clone()), &rules, at(24))
        .expect("pays")
        .session;
    assert_eq!(
        claim(miner(), Some(paid), &rules, at(25)),
        Err(SessionRefusal::AlreadyClaimed.into())
    );
    assert_eq!(
        claim(miner(), Some(open.clone()), &rules, at(23)),
        Err(SessionRefusal::NotComplete { retry_at: at(24) }.into())
    );
    assert_eq!(
        claim(miner(), Some(open.clone()), &rules, at(24 + 169)),
        Err(SessionRefusal::Expired.into())
    );
    let mut paused = Configuration::default();
    paused.mining.pauses = vec![crate::time::Pause {
        from: at(30),
        until: Some(at(60)),
    }];
    assert!(claim(miner(), Some(open), &paused, at(24 + 198)).is_ok());
}

#[test]
fn the_time_to_claim_in_is_shown_as_things_stand() {
    let rules = Configuration::default();
    let open = start_with(miner(), None, 0, &rules, at(0))
        .expect("starts")
        .session;
    let until = |session: &Session, now, rules| session.claimable_until(at(now), rules);
    assert_eq!(until(&open, 1, &rules), Some(at(192)));
    assert_eq!(until(&open, 192, &rules), Some(at(192)));
    assert_eq!(until(&open, 193, &rules), None);
    // Mining was off for ten hours, and is off again.
    let mut off = Configuration::default();
    off.mining.pauses = [(30, Some(40)), (100, None)]
        .map(|(from, until)| crate::time::Pause {
            from: at(from),
            until: until.map(at),
        })
        .into();
    assert_eq!(until(&open, 99, &off), Some(at(202)));
    assert_eq!(until(&open, 500, &off), Some(at(602)));
    let suspended = Session {
        window_stopped_at: Some(at(50)),
        ..open.clone()
    };
    assert_eq!(until(&suspended, 350, &rules), Some(at(492)));
    let paid = claim(miner(), Some(open), &rules, at(24)).expect("pays");
    assert_eq!(until(&paid.session, 25, &rules), None);
}

#[test]
fn a_session_that_is_not_claimed_holds_no_streak() {
    let mut rules = Configuration::default();
    rules.mining.claim_window_hours = 12;
    let mut miner = miner();
    miner.streak.current = 9;
    miner.streak = miner
        .streak
        .on_claim(at(0), TimeDelta::hours(24), false, &rules)
        .streak;
    let first = start_with(miner.clone(), None, 0, &rules, at(1)).expect("starts");
    miner.streak = first.settled.streak;
    // It ended at 25 and could be claimed until 37. What was due after the claim at 0 is due again: at 48.
    let second = start_with(miner.clone(), Some(first.session), 0, &rules, at(38)).expect("starts");
    assert_eq!(second.settled.judgement, Judgement::OnTime);
    miner.streak = second.settled.streak;
    let third = start_with(miner.clone(), Some(second.session), 0, &rules, at(80)).expect("starts");
    assert_eq!(third.settled.judgement, Judgement::Broken);
    // Claimed, the second one would have held it.
    assert_eq!(miner.streak.judge(at(80), &rules), Judgement::OnTime);
}

#[test]
fn a_run_that_was_bought_back_meanwhile_is_not_lost_for_the_same_days() {
    let mut rules = Configuration::default();
    rules.mining.claim_window_hours = 12;
    let mut miner = miner();
    miner.streak.current = 8;
    miner.streak = miner
        .streak
        .on_claim(at(0), TimeDelta::hours(24), false, &rules)
        .streak;
    miner.streak.freeze_tokens = 0;
    let first = start_with(miner.clone(), None, 0, &rules, at(200)).expect("starts");
    assert_eq!(first.settled.judgement, Judgement::Broken);
    let recovered = first.settled.streak.recovered(at(201), &rules);
    miner.streak = recovered.expect("in time").streak;
    assert_eq!(miner.streak.current, 9);
    // Due was 48; seven days were missed until 200, so it is 216 now, and 237 is within the grace period.
    let second = start_with(miner, Some(first.session), 0, &rules, at(237)).expect("starts");
    assert_eq!(second.settled.judgement, Judgement::Grace);
}

#[test]
fn a_start_that_was_forgiven_counts_for_nothing_without_its_claim() {
    let mut rules = Configuration::default();
    rules.mining.claim_window_hours = 24;
    rules.streak.grace_period_hours = 168;
    let mut miner = miner();
    miner.streak = miner
        .streak
        .on_claim(at(0), TimeDelta::hours(24), false, &rules)
        .streak;
    let first = start_with(miner.clone(), None, 0, &rules, at(60)).expect("starts");
    assert!(first.settled.streak.is_grace_period);
    miner.streak = first.settled.streak;
    let second = start_with(miner, Some(first.session), 0, &rules, at(109)).expect("starts");
    assert_eq!(second.settled.judgement, Judgement::Grace);
}

#[test]
fn what_was_due_before_is_not_guessed() {
    let rules = Configuration::default();
    let streak = Streak::default()
        .on_claim(at(0), TimeDelta::hours(24), false, &rules)
        .streak;
    // As a program leaves it that knows nothing of what was due before.
    let started = Streak {
        previous_due: None,
        ..streak.on_start(at(1), at(25), &rules).streak
    };
    assert_eq!(started.clone().unclaimed(false), started);
}

#[test]
fn days_that_were_bought_off_are_bought_once() {
    let mut rules = Configuration::default();
    rules.mining.claim_window_hours = 12;
    rules.streak.grace_period_enabled = false;
    let mut miner = miner();
    miner.streak = miner
        .streak
        .on_claim(at(0), TimeDelta::hours(24), false, &rules)
        .streak;
    miner.streak.freeze_tokens = 3;
    let first = start_with(miner.clone(), None, 0, &rules, at(60)).expect("starts");
    assert_eq!(first.settled.judgement, Judgement::Frozen { tokens: 1 });
    miner.streak = first.settled.streak;
    // It ended at 84 and expired. Due was 48, 72 with the day that was bought; 97 is two days later.
    let second = start_with(miner, Some(first.session), 0, &rules, at(97)).expect("starts");
    assert_eq!(second.settled.judgement, Judgement::Frozen { tokens: 2 });
    assert_eq!(second.settled.streak.freeze_tokens, 0);
}
