//! Days, weeks and months in a time zone.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use db::promotions::statistics::Starts;
use domain::time::Timestamp;

/// Starts of the present day, week and month in a time zone. A start that a change of the clocks skips is the next moment.
pub(super) fn starts(now: Timestamp, zone: Tz) -> Starts {
    let today = now.with_timezone(&zone).date_naive();
    let start = |day: Option<NaiveDate>| {
        let midnight = day.unwrap_or(today).and_time(NaiveTime::MIN);
        let hours = (0..=3).map(chrono::TimeDelta::hours);
        let mut starts = hours.filter_map(|hours| {
            let local = midnight.checked_add_signed(hours)?;
            zone.from_local_datetime(&local).earliest()
        });
        starts
            .next()
            .map_or(now, |start| start.with_timezone(&chrono::Utc))
    };
    let since_monday = u64::from(today.weekday().num_days_from_monday());
    Starts {
        day: start(Some(today)),
        week: start(today.checked_sub_days(Days::new(since_monday))),
        month: start(today.with_day(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_starts_of_periods_in_a_zone() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let now = at("2026-11-30T18:00:00Z");
        let utc = starts(now, Tz::UTC);
        assert_eq!(utc.day, at("2026-11-30T00:00:00Z"));
        assert_eq!(utc.week, at("2026-11-30T00:00:00Z"));
        assert_eq!(utc.month, at("2026-11-01T00:00:00Z"));
        // There it is December already.
        let vietnam = starts(now, Tz::Asia__Ho_Chi_Minh);
        assert_eq!(vietnam.day, at("2026-11-30T17:00:00Z"));
        assert_eq!(vietnam.week, at("2026-11-29T17:00:00Z"));
        assert_eq!(vietnam.month, at("2026-11-30T17:00:00Z"));
        // Midnight does not exist on this day.
        let skipped = starts(at("2018-11-04T12:00:00Z"), Tz::America__Sao_Paulo);
        assert_eq!(skipped.day, at("2018-11-04T03:00:00Z"));
    }
}
