//! Issued amounts of a UTC day: what was mined, and what the treasury gave beyond what it had been given.
//!
//! A count reads only the transfers since an earlier count closed its books: far enough back for every transaction of that
//! time to have ended.

use chrono::TimeDelta;

use crate::money::{Minor, Overflow};
use crate::time::{Timestamp, day_bounds, plus};

/// From the time of a count back to where books can be closed: longer than any transaction between its posting time and its
/// commit.
const OPEN_FOR: TimeDelta = TimeDelta::minutes(-2);

/// Age up to which a count is used.
const CURRENT_FOR: TimeDelta = TimeDelta::minutes(1);

/// Amounts of a currency, as last counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issuance {
    /// Amount issued on the UTC day.
    pub issued: Minor,
    /// Balance of the treasury; negative for what it issued so far.
    pub treasury: Minor,
}

impl Issuance {
    /// Amount that the treasury can give under a daily ceiling.
    pub fn available(self, ceiling: Minor) -> Result<Minor, Overflow> {
        let rest = ceiling.minus(self.issued)?.max(Minor::ZERO);
        self.treasury.max(Minor::ZERO).plus(rest)
    }

    /// Whether a count of this time is recent enough for commands of staff.
    #[must_use]
    pub fn is_current(counted_at: Timestamp, now: Timestamp) -> bool {
        plus(counted_at, CURRENT_FOR) >= now
    }
}

/// Books of a currency, closed at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Time before which nothing can be posted any more.
    pub at: Timestamp,
    /// Amount mined before it on its UTC day.
    pub mined: Minor,
    /// Balance of the treasury at it.
    pub treasury: Minor,
    /// Balance of the treasury at the start of its UTC day.
    pub opening: Minor,
}

/// Sums of transfers in a part of the time since the books were closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Amount mined.
    pub mined: Minor,
    /// Change of the treasury's balance.
    pub treasury: Minor,
}

/// Sums since the books were closed, by what can be closed now and by the UTC day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Of earlier days, to be closed.
    pub earlier: Sums,
    /// Of earlier days, not to be closed yet.
    pub earlier_open: Sums,
    /// Of today, to be closed.
    pub today: Sums,
    /// Of today, not to be closed yet.
    pub today_open: Sums,
}

/// End of the UTC day.
#[must_use]
pub fn end_of_day(now: Timestamp) -> Timestamp {
    day_bounds(now.date_naive()).1
}

/// Start of the UTC day.
#[must_use]
pub fn start_of_day(now: Timestamp) -> Timestamp {
    day_bounds(now.date_naive()).0
}

/// Time at which the books are closed by a count at `now`.
#[must_use]
pub fn closing(before: Timestamp, now: Timestamp) -> Timestamp {
    before.max(plus(now, OPEN_FOR))
}

/// Counts at `now`; returns the amounts and the books as they are closed then.
pub fn count(before: Closed, tail: Tail, now: Timestamp) -> Result<(Issuance, Closed), Overflow> {
    let day = start_of_day(now);
    let earlier = tail.earlier.treasury.plus(tail.earlier_open.treasury)?;
    let (mined, opening) = if before.at >= day {
        (before.mined, before.opening)
    } else {
        (Minor::ZERO, before.treasury.plus(earlier)?)
    };
    let mined_closed = mined.plus(tail.today.mined)?;
    let treasury_closed = before
        .treasury
        .plus(tail.earlier.treasury)?
        .plus(tail.today.treasury)?;
    let treasury = treasury_closed
        .plus(tail.earlier_open.treasury)?
        .plus(tail.today_open.treasury)?;
    let by_treasury = opening.min(Minor::ZERO).minus(treasury)?;
    let issued = mined_closed
        .plus(tail.today_open.mined)?
        .plus(by_treasury.max(Minor::ZERO))?;
    let closed = Closed {
        at: closing(before.at, now),
        mined: mined_closed,
        treasury: treasury_closed,
        opening,
    };
    Ok((Issuance { issued, treasury }, closed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{days, hours, minutes};

    /// Transfers as time, amount mined and change of the treasury.
    type Transfers = Vec<(Timestamp, i64, i64)>;

    fn tail_of(transfers: &Transfers, closed_at: Timestamp, now: Timestamp) -> Tail {
        let (day, closing) = (start_of_day(now), closing(closed_at, now));
        let mut tail = Tail::default();
        for (at, mined, treasury) in transfers
            .iter()
            .filter(|(at, ..)| *at >= closed_at && *at <= now)
        {
            let sums = match (*at >= day, *at >= closing) {
                (false, false) => &mut tail.earlier,
                (false, true) => &mut tail.earlier_open,
                (true, false) => &mut tail.today,
                (true, true) => &mut tail.today_open,
            };
            sums.mined.0 += mined;
            sums.treasury.0 += treasury;
        }
        tail
    }

    /// The amounts from all transfers at once.
    fn expected(transfers: &Transfers, now: Timestamp) -> Issuance {
        let day = start_of_day(now);
        let known = || transfers.iter().filter(|(at, ..)| *at <= now);
        let mined: i64 = known()
            .filter(|(at, ..)| *at >= day)
            .map(|(_, mined, _)| mined)
            .sum();
        let opening: i64 = known()
            .filter(|(at, ..)| *at < day)
            .map(|(.., change)| change)
            .sum();
        let treasury: i64 = known().map(|(.., change)| change).sum();
        Issuance {
            issued: Minor(mined + (opening.min(0) - treasury).max(0)),
            treasury: Minor(treasury),
        }
    }

    #[test]
    fn counts_as_if_it_read_everything() {
        let start = plus(Timestamp::UNIX_EPOCH, days(20_000));
        let at = |minute: u32| plus(start, minutes(minute));
        let transfers: Transfers = vec![
            (at(1), 10, 0),
            (at(60), 0, 100),
            (at(120), 5, -30),
            // Around midnight.
            (at(1_439), 7, -100),
            (at(1_440), 3, -1),
            (at(1_441), 2, -2),
            (at(1_500), 0, 50),
            (at(1_560), 4, -60),
            (at(2_880), 1, -5),
        ];
        for every in [1, 7, 100, 719, 1_440, 2_000] {
            let mut closed = Closed::default();
            for minute in (0..3_000).step_by(every) {
                let now = plus(at(minute), TimeDelta::seconds(30));
                let tail = tail_of(&transfers, closed.at, now);
                let (issuance, next) = count(closed, tail, now).expect("small sums");
                assert_eq!(
                    issuance,
                    expected(&transfers, now),
                    "minute {minute} of {every}"
                );
                closed = next;
            }
        }
    }

    #[test]
    fn is_current_for_a_minute() {
        let counted_at = Timestamp::UNIX_EPOCH;
        assert!(Issuance::is_current(
            counted_at,
            plus(counted_at, minutes(1))
        ));
        assert!(!Issuance::is_current(
            counted_at,
            plus(counted_at, hours(1))
        ));
    }
}
