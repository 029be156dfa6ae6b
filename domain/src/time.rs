//! Moments and spans. The current time is always an argument; it comes from the database's clock.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

/// A moment in UTC with the database's precision: microseconds.
pub type Timestamp = DateTime<Utc>;

/// Returns `at` moved by `span`, clamped to the range of the calendar.
#[must_use]
pub fn plus(at: Timestamp, span: TimeDelta) -> Timestamp {
    at.checked_add_signed(span)
        .unwrap_or(if span < TimeDelta::zero() {
            Timestamp::MIN_UTC
        } else {
            Timestamp::MAX_UTC
        })
}

/// Returns `hours` as a span.
#[must_use]
pub fn hours(hours: u32) -> TimeDelta {
    TimeDelta::try_hours(i64::from(hours)).unwrap_or(TimeDelta::MAX)
}

/// Returns `minutes` as a span.
#[must_use]
pub fn minutes(minutes: u32) -> TimeDelta {
    TimeDelta::try_minutes(i64::from(minutes)).unwrap_or(TimeDelta::MAX)
}

/// Returns `days` as a span.
#[must_use]
pub fn days(days: u32) -> TimeDelta {
    TimeDelta::try_days(i64::from(days)).unwrap_or(TimeDelta::MAX)
}

/// Returns the first moment of a UTC day and of the day after it.
#[must_use]
pub fn day_bounds(day: NaiveDate) -> (Timestamp, Timestamp) {
    let start = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
    (
        start(day),
        day.checked_add_days(Days::new(1))
            .map_or(Timestamp::MAX_UTC, start),
    )
}

/// A span during which mining was switched off, or its issuance ceiling was reached. It does not count as elapsed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Start.
    pub from: Timestamp,
    /// End; `None` while it lasts.
    pub until: Option<Timestamp>,
}

/// Spans without overlaps, by their start.
#[must_use]
pub fn merged(mut pauses: Vec<Pause>) -> Vec<Pause> {
    pauses.sort_by_key(|pause| pause.from);
    let mut merged: Vec<Pause> = Vec::with_capacity(pauses.len());
    for pause in pauses {
        match merged.last_mut() {
            Some(last) if last.until.is_none_or(|until| pause.from <= until) => {
                last.until = last
                    .until
                    .zip(pause.until)
                    .map(|(one, other)| one.max(other));
            }
            _ => merged.push(pause),
        }
    }
    merged
}

/// Returns the length of `from..until` without `pauses`, which don't overlap each other.
///
/// Zero when `until` is not after `from`.
#[must_use]
pub fn counted(from: Timestamp, until: Timestamp, pauses: &[Pause]) -> TimeDelta {
    let whole = until.signed_duration_since(from).max(TimeDelta::zero());
    let paused = pauses.iter().fold(TimeDelta::zero(), |sum, pause| {
        let start = pause.from.max(from);
        let end = pause.until.unwrap_or(until).min(until);
        let overlap = end.signed_duration_since(start).max(TimeDelta::zero());
        sum.checked_add(&overlap).unwrap_or(whole)
    });
    whole
        .checked_sub(&paused)
        .unwrap_or_else(TimeDelta::zero)
        .max(TimeDelta::zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    #[test]
    fn merges_overlapping_pauses() {
        let pause = |(from, until): (i64, Option<i64>)| Pause {
            from: at(from),
            until: until.map(at),
        };
        let pauses = |spans: &[(i64, Option<i64>)]| spans.iter().copied().map(pause).collect();
        let cases: [(&[_], &[_]); 4] = [
            (&[], &[]),
            (&[(5, Some(6)), (1, Some(3))], &[(1, Some(3)), (5, Some(6))]),
            (&[(1, Some(4)), (2, Some(3)), (4, Some(6))], &[(1, Some(6))]),
            (&[(1, None), (2, Some(3))], &[(1, None)]),
        ];
        for (spans, expected) in cases {
            assert_eq!(merged(pauses(spans)), pauses(expected), "{spans:?}");
        }
    }

    #[test]
    fn counts_time_outside_of_pauses() {
        let pauses = [
            Pause {
                from: at(2),
                until: Some(at(4)),
            },
            Pause {
                from: at(9),
                until: None,
            },
        ];
        assert_eq!(counted(at(0), at(1), &pauses), TimeDelta::hours(1));
        assert_eq!(counted(at(0), at(3), &pauses), TimeDelta::hours(2));
        assert_eq!(counted(at(3), at(20), &pauses), TimeDelta::hours(5));
        assert_eq!(counted(at(5), at(4), &pauses), TimeDelta::zero());
    }

    #[test]
    fn days_are_in_utc() {
        assert_eq!(day_bounds(at(25).date_naive()), (at(24), at(48)));
    }
}
