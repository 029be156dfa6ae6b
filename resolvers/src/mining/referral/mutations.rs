//! Root fields of Mutation about referrals.

use db::mining::referral::commands::{REFERRAL_APPLY, referral_apply};

use super::objects::Referral;
use super::refusals::ReferralUserError;

use crate::prelude::*;

mutations! {
    /// Commands on referrals.
    ReferralMutation;

    /// Names the caller's referrer, once; the referral is active at once when no KYC is missing.
    referral_apply = REFERRAL_APPLY, |call| {
        referral_apply(call.tx, call.request, &call.input.referral_code).boxed()
    };
    ReferralApplyInput(Optional) {
        /// Code of the referrer, 8 characters in any case, also with blanks or dashes, or the invite link.
        referral_code: String,
    }
    ReferralApplyPayload(ReferralUserError) = |ctx, id: [Uuid; 2]| {
        /// The new referral; null when refused.
        referral: Loaded<Referral> = load(ctx, ReferralId::from(id)).await,
    }
}
