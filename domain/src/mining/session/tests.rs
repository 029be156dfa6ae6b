//! Tests of each rule of sessions: start, claim, order of refusals, unclaimed sessions.

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
        id: SessionId::from([Uuid::nil(); 2]),
    })
}

#[test]
fn claim_pays_the_hours_of_the_session() {
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
fn refuses_starts_in_order() {
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
fn refuses_claims_in_order() {
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
fn claimable_until_moves_with_pauses() {
    let rules = Configuration::default();
    let open = start_with(miner(), None, 0, &rules, at(0))
        .expect("starts")
        .session;
    let until = |session: &Session, now, rules| session.claimable_until(at(now), rules);
    assert_eq!(until(&open, 1, &rules), Some(at(192)));
    assert_eq!(until(&open, 192, &rules), Some(at(192)));
    assert_eq!(until(&open, 193, &rules), None);
    // Mining was off for ten hours, and is off again from 100 on.
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
fn unclaimed_session_holds_no_streak() {
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
    // The session ended at 25 and could be claimed until 37. The due time of the claim at 0 applies again: 48.
    let second = start_with(miner.clone(), Some(first.session), 0, &rules, at(38)).expect("starts");
    assert_eq!(second.settled.judgement, Judgement::OnTime);
    miner.streak = second.settled.streak;
    let third = start_with(miner.clone(), Some(second.session), 0, &rules, at(80)).expect("starts");
    assert_eq!(third.settled.judgement, Judgement::Broken);
    // A claim of the second session would have kept the streak.
    assert_eq!(miner.streak.judge(at(80), &rules), Judgement::OnTime);
}

#[test]
fn recovered_run_does_not_lose_the_same_days_again() {
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
    // The due time was 48; seven days were missed until 200, so it is 216 now, and 237 is within the grace period.
    let second = start_with(miner, Some(first.session), 0, &rules, at(237)).expect("starts");
    assert_eq!(second.settled.judgement, Judgement::Grace);
}

#[test]
fn unclaimed_session_does_not_use_up_grace() {
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
fn keeps_due_when_the_previous_due_is_unknown() {
    let rules = Configuration::default();
    let streak = Streak::default()
        .on_claim(at(0), TimeDelta::hours(24), false, &rules)
        .streak;
    // The streak as a program without `previous_due` leaves it.
    let started = Streak {
        previous_due: None,
        ..streak.on_start(at(1), at(25), &rules).streak
    };
    assert_eq!(started.clone().unclaimed(false), started);
}

#[test]
fn freeze_tokens_cover_each_missed_day_once() {
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
    // The session ended at 84 and expired. The due time was 48, and is 72 with the day covered by a token; 97 is two
    // days later.
    let second = start_with(miner, Some(first.session), 0, &rules, at(97)).expect("starts");
    assert_eq!(second.settled.judgement, Judgement::Frozen { tokens: 2 });
    assert_eq!(second.settled.streak.freeze_tokens, 0);
}
