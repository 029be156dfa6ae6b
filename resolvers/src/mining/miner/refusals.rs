//! User errors of miners and of identity verification.

use domain::mining::{KycRefusal, MinerRefusal};

use crate::scalars::Decimal;
use crate::user_errors::user_error;

user_error! {
    MinerUserError, MinerRefusal, "miners";
    /// Points that can be taken; null except with INSUFFICIENT_POINTS.
    available_points: Decimal,
}

user_error! {
    KycUserError, KycRefusal, "identity verification";
}
