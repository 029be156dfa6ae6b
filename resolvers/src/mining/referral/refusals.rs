//! User errors of referrals.

#![expect(dead_code, reason = "the engine derives a getter for each field")]

use domain::mining::ReferralRefusal;

use crate::user_errors::user_error;

user_error! {
    ReferralUserError, ReferralRefusal, "referrals";
}
