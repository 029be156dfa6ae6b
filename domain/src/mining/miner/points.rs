//! Adjusting a miner's points.

use rust_decimal::Decimal;

use super::status::may_be_decided;
use super::{Miner, MinerRefusal};
use crate::ids::UserId;
use crate::mining::{POINTS_SCALE, Points};
use crate::money::{self, Minor};

/// Parses the points of an adjustment.
///
/// Refusals: [`MinerRefusal::PointsInvalid`].
pub fn points_to_adjust(points: Decimal) -> Result<Points, MinerRefusal> {
    money::amount(points, POINTS_SCALE)
        .ok()
        .filter(|points| *points != Minor::ZERO)
        .ok_or(MinerRefusal::PointsInvalid)
}

/// Adds points to a miner, or takes them when negative; returns the new lifetime points.
///
/// Refusals, in this order: [`MinerRefusal::OwnAccount`], [`MinerRefusal::Banned`],
/// [`MinerRefusal::InsufficientPoints`] with the lifetime points, [`MinerRefusal::BalanceOverflow`]. The ledger checks
/// the balance.
pub fn adjust(miner: &Miner, points: Points, by: UserId) -> Result<Points, MinerRefusal> {
    may_be_decided(miner, by)?;
    let after = miner
        .lifetime_points
        .checked_add(points)
        .ok_or(MinerRefusal::BalanceOverflow)?;
    if after < Minor::ZERO {
        let available_points = miner.lifetime_points.to_decimal(POINTS_SCALE);
        return Err(MinerRefusal::InsufficientPoints { available_points });
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::MinerId;
    use crate::mining::{MinerStatus, Streak, samples};

    fn miner() -> Miner {
        Miner {
            id: MinerId::from([Uuid::from_u128(2); 2]),
            lifetime_points: Minor(100),
            ..samples::miner(Streak::default())
        }
    }

    #[test]
    fn refuses_points_the_ledger_cannot_hold() {
        let read = |text: &str| points_to_adjust(text.parse().expect("a decimal"));
        assert_eq!(read("-0.0001"), Ok(Minor(-1)));
        assert_eq!(read("1000000000000"), Ok(Minor(10_000_000_000_000_000)));
        for bad in ["0", "0.00001", "1000000000000.0001", "-1000000000001"] {
            assert_eq!(read(bad), Err(MinerRefusal::PointsInvalid), "{bad}");
        }
    }

    #[test]
    fn refuses_taking_more_than_lifetime_points() {
        let by = UserId(Uuid::from_u128(3));
        assert_eq!(adjust(&miner(), Minor(5), by), Ok(Minor(105)));
        assert_eq!(adjust(&miner(), Minor(-100), by), Ok(Minor(0)));
        assert_eq!(
            adjust(&miner(), Minor(-101), by),
            Err(MinerRefusal::InsufficientPoints {
                available_points: Decimal::new(100, 4)
            })
        );
        assert_eq!(
            adjust(&miner(), Minor(i64::MAX), by),
            Err(MinerRefusal::BalanceOverflow)
        );
        let own = adjust(&miner(), Minor(5), miner().id.user);
        assert_eq!(own, Err(MinerRefusal::OwnAccount));
        let banned = Miner {
            status: MinerStatus::Banned,
            ..miner()
        };
        assert_eq!(adjust(&banned, Minor(5), by), Err(MinerRefusal::Banned));
    }
}
