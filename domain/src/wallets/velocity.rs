//! Velocity rules: how much an owner may do in an hour and in a day.

use super::{VelocityRule, VelocityWindow};
use crate::money::Minor;
use crate::platform::{first_hour, hour_of};
use crate::time::{Timestamp, hours, plus};

/// Count and sum of an owner's operations in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourlySum {
    /// Start of the hour.
    pub hour: Timestamp,
    /// Number of operations.
    pub count: u32,
    /// Sum of their amounts.
    pub amount: Minor,
}

/// A rule that an operation would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The rule.
    pub rule: VelocityRule,
    /// Time from which the operation can succeed, if nothing else is done; none for an amount above the rule's largest sum.
    pub retry_at: Option<Timestamp>,
}

/// The first rule that an operation of this amount would exceed, given the sums of this hour and the 24 before.
#[must_use]
pub fn exceeded<'a>(
    rules: impl IntoIterator<Item = &'a VelocityRule>,
    sums: &[HourlySum],
    amount: Minor,
    now: Timestamp,
) -> Option<Exceeded> {
    rules
        .into_iter()
        .find_map(|rule| judge(rule, sums, amount, now))
}

fn judge(
    rule: &VelocityRule,
    sums: &[HourlySum],
    amount: Minor,
    now: Timestamp,
) -> Option<Exceeded> {
    let this_hour = hour_of(now);
    // `free_after` is the time from the start of an hour until the hour before it has left the window.
    let (mut first, free_after) = match rule.window {
        VelocityWindow::Hour => (this_hour, hours(0)),
        VelocityWindow::Day => (first_hour(this_hour), hours(24)),
    };
    let allows = |from: Timestamp| {
        let counted = sums.iter().filter(|sum| sum.hour >= from);
        let (count, sum) = counted.fold((0_i128, 0_i128), |(count, total), sum| {
            (
                count.saturating_add(sum.count.into()),
                total.saturating_add(sum.amount.0.into()),
            )
        });
        let fits_count = rule
            .max_count
            .is_none_or(|most| count.saturating_add(1) <= i128::from(most));
        let fits_amount = rule
            .max_amount
            .is_none_or(|most| sum.saturating_add(amount.0.into()) <= i128::from(most.0));
        fits_count && fits_amount
    };
    if allows(first) {
        return None;
    }
    let mut retry_at = None;
    while first <= this_hour && retry_at.is_none() {
        first = plus(first, hours(1));
        retry_at = allows(first).then(|| plus(first, free_after));
    }
    Some(Exceeded {
        rule: *rule,
        retry_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::CurrencyCode;
    use crate::wallets::VelocityOperation;

    fn at(hour: i64, minute: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + hour * 3_600 + minute * 60, 0).expect("a time")
    }

    fn rule(
        window: VelocityWindow,
        max_count: Option<u32>,
        max_amount: Option<i64>,
    ) -> VelocityRule {
        VelocityRule {
            operation: VelocityOperation::Hold,
            currency: CurrencyCode::MP,
            window,
            max_count,
            max_amount: max_amount.map(Minor),
        }
    }

    fn sum(hour: i64, count: u32, amount: i64) -> HourlySum {
        HourlySum {
            hour: at(hour, 0),
            count,
            amount: Minor(amount),
        }
    }

    #[test]
    fn limits_the_present_hour() {
        let rule = rule(VelocityWindow::Hour, Some(2), Some(100));
        let now = at(10, 30);
        for (sums, amount, expected) in [
            (vec![], 100, None),
            (vec![sum(10, 1, 50)], 50, None),
            (vec![sum(9, 9, 900)], 100, None),
            (vec![sum(10, 2, 2)], 1, Some(Some(at(11, 0)))),
            (vec![sum(10, 1, 60)], 41, Some(Some(at(11, 0)))),
            (vec![], 101, Some(None)),
        ] {
            let found = exceeded([&rule], &sums, Minor(amount), now);
            assert_eq!(
                found.map(|found| found.retry_at),
                expected,
                "{sums:?} {amount}"
            );
        }
    }

    #[test]
    fn limits_this_hour_and_the_24_before() {
        let rule = rule(VelocityWindow::Day, Some(3), None);
        let now = at(30, 15);
        assert_eq!(exceeded([&rule], &[sum(5, 9, 0)], Minor(1), now), None);
        let sums = [sum(6, 1, 0), sum(20, 1, 0), sum(30, 1, 0)];
        let found = exceeded([&rule], &sums, Minor(1), now).expect("three are done");
        // The hour 6 counts until the hour 30 ends.
        assert_eq!((found.rule, found.retry_at), (rule, Some(at(31, 0))));
    }

    #[test]
    fn reports_the_first_rule() {
        let rules = [
            rule(VelocityWindow::Hour, Some(5), None),
            rule(VelocityWindow::Day, None, Some(10)),
        ];
        let found = exceeded(&rules, &[sum(0, 1, 9)], Minor(2), at(0, 1)).expect("exceeded");
        assert_eq!(found.rule, rules[1]);
        assert_eq!(found.retry_at, Some(at(25, 0)));
    }
}
