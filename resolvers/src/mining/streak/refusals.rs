//! User errors of streaks.

use domain::mining::StreakRefusal;

use crate::prelude::*;

user_error! {
    StreakUserError, StreakRefusal, "streaks";
    /// Available balance of the wallet in points; null except with INSUFFICIENT_POINTS.
    available_points: Decimal,
}
