//! User errors of miners and of identity verification.

use domain::mining::{KycRefusal, MinerRefusal};

use crate::prelude::*;

user_error! {
    MinerUserError, MinerRefusal, "miners";
    /// Points that can be taken; null except with INSUFFICIENT_POINTS.
    available_points: Decimal,
}

user_error! {
    KycUserError, KycRefusal, "identity verification";
}
