//! Dual control: the amount that a person moves alone; above it a second person has to approve.

use chrono::{DurationRound, TimeDelta};

use crate::money::Minor;
use crate::time::{Timestamp, hours, plus};

/// From an hour back to the first one whose sums count with it.
const DAY_BEFORE: TimeDelta = TimeDelta::hours(-24);
/// From an hour back to the one before.
const HOUR_BEFORE: TimeDelta = TimeDelta::hours(-1);

/// Gross sums of what a person did alone in one currency, in this hour and the 24 before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DoneAlone {
    /// To the owner of the command.
    pub to_owner: Minor,
    /// To all owners.
    pub in_all: Minor,
}

/// Whether a command waits for a second person: its amount, positive or negative, and what the person did alone exceed
/// the currency's limit, to this owner or to all owners.
#[must_use]
pub fn needs_second_person(amount: Minor, limit: Minor, done: DoneAlone) -> bool {
    let limit = i128::from(limit.0);
    let size = i128::from(amount.0).abs();
    let sums = [done.to_owner, done.in_all];
    sums.iter()
        .any(|sum| i128::from(sum.0).saturating_add(size) > limit)
}

/// Start of the hour to which a command counts.
#[must_use]
pub fn hour_of(now: Timestamp) -> Timestamp {
    // Fails only for times that nanoseconds in 64 bits can't express, which are counted one by one.
    now.duration_trunc(hours(1)).unwrap_or(now)
}

/// Start of the hour before.
#[must_use]
pub fn hour_before(hour: Timestamp) -> Timestamp {
    plus(hour, HOUR_BEFORE)
}

/// Start of the first hour whose sums count.
#[must_use]
pub fn first_hour(hour: Timestamp) -> Timestamp {
    plus(hour, DAY_BEFORE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Minor = Minor(10_000_000);

    #[test]
    fn large_amounts_need_a_second_person() {
        let done = DoneAlone::default();
        for (points, expected) in [
            (10_000_000, false),
            (10_000_001, true),
            (-10_000_000, false),
            (-10_000_001, true),
            (i64::MIN, true),
            (i64::MAX, true),
        ] {
            let waits = needs_second_person(Minor(points), LIMIT, done);
            assert_eq!(waits, expected, "{points}");
        }
        // No limit is set, so everything waits.
        assert!(needs_second_person(Minor(1), Minor::ZERO, done));
    }

    #[test]
    fn sums_need_a_second_person() {
        for (to_owner, in_all, expected) in [
            (9_999_999, 9_999_999, false),
            (10_000_000, 10_000_000, true),
            (0, 10_000_000, true),
            (10_000_000, 0, true),
            (i64::MAX, i64::MAX, true),
        ] {
            let done = DoneAlone {
                to_owner: Minor(to_owner),
                in_all: Minor(in_all),
            };
            let waits = needs_second_person(Minor(-1), LIMIT, done);
            assert_eq!(waits, expected, "{done:?}");
        }
    }

    #[test]
    fn counts_whole_hours() {
        let at = |seconds| Timestamp::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds);
        let hour = hour_of(at(100_799));
        assert_eq!(hour, at(97_200));
        assert_eq!(hour_before(hour), at(93_600));
        assert_eq!(first_hour(hour), at(10_800));
        assert_eq!(hour_of(at(100_800)), at(100_800));
    }
}
