//! User errors of miners and of identity verification.

use domain::mining::{KycRefusal, MinerRefusal};

use crate::prelude::*;

user_error! {
    MinerUserError, MinerRefusal, "miners";
    /// Points that can be taken or given; null except with INSUFFICIENT_POINTS and ISSUANCE_CEILING.
    available_points: Decimal,
}

user_error! {
    KycUserError, KycRefusal, "identity verification";
}
