//! Sample values of mining's tests: times in hours, a miner, and a session.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{
    Configuration, Miner, MinerStatus, Rate, RateFacts, ReferralCode, Role, Session, SessionState,
    Streak,
};
use crate::ids::{MinerId, SessionId};
use crate::money::Minor;
use crate::time::Timestamp;

/// Time a number of hours after the start, or before it when negative.
pub fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::hours(hours)
}

/// An active miner without points.
pub fn miner(streak: Streak) -> Miner {
    Miner {
        id: MinerId::from([Uuid::nil(); 2]),
        role: Role::Pioneer,
        status: MinerStatus::Active,
        lifetime_points: Minor(0),
        streak,
        referral_code: ReferralCode::from_random([0; 8]),
        referred_by: None,
        circle_id: None,
        is_circle_valid: false,
        circle_left_at: None,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// A session of that miner at the base rate, by its end and its claim window, in hours.
pub fn session(ends_at: i64, window: u32) -> Session {
    let facts = RateFacts {
        role: Role::Pioneer,
        circle_valid: false,
        referral_sum: super::Bps(0),
    };
    let rate = Rate::of(&facts, 0, &Configuration::default());
    Session {
        id: SessionId::from([Uuid::nil(); 2]),
        started_at: at(ends_at - 24),
        ends_at: at(ends_at),
        claim_window_hours: window,
        window_stopped_at: None,
        window_extension: TimeDelta::zero(),
        rate,
        hourly_rate: rate.total().expect("a small rate"),
        started_in_grace: false,
        configuration_version: 1,
        state: SessionState::Active,
    }
}
