//! User errors of referrals.

use domain::mining::ReferralRefusal;

use crate::user_errors::user_error;

user_error! {
    ReferralUserError, ReferralRefusal, "referrals";
}
