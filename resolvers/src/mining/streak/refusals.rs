//! User errors of streaks.

use domain::mining::StreakRefusal;

use crate::scalars::Decimal;
use crate::user_errors::user_error;

user_error! {
    StreakUserError, StreakRefusal, "streaks";
    /// Available balance of the wallet in points; null except with INSUFFICIENT_POINTS.
    available_points: Decimal,
}
