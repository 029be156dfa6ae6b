//! Root fields of Mutation about referrals.

#![expect(dead_code, reason = "the engine derives a getter for each field")]

use async_graphql::{Context, Object};
use db::mining::referral::commands::{REFERRAL_APPLY, referral_apply};
use domain::ids::ReferralId;
use futures_util::FutureExt;

use super::objects::Referral;
use super::refusals::ReferralUserError;
use crate::command::{Loaded, command_types, run};
use crate::errors::ApiError;
use crate::node::NodeType;

command_types! {
    ReferralApplyInput(Optional) {
        /// Code of the referrer, 8 characters, also as pasted from a link.
        referral_code: String,
    }
    ReferralApplyPayload(ReferralUserError) {
        /// The new referral; null when refused.
        referral: Loaded<Referral>,
    }
}

/// Commands on referrals.
#[derive(Default)]
pub struct ReferralMutation;

#[Object]
impl ReferralMutation {
    /// Names the caller's referrer, once; the referral is active at once when no KYC is missing.
    async fn referral_apply(
        &self,
        ctx: &Context<'_>,
        input: ReferralApplyInput,
    ) -> Option<Result<ReferralApplyPayload, ApiError>> {
        run(
            ctx,
            &REFERRAL_APPLY,
            input,
            |call| referral_apply(call.tx, call.request, &call.input.referral_code).boxed(),
            async |id| ReferralApplyPayload {
                referral: Referral::load(ctx, ReferralId(id)).await.transpose(),
                ..ReferralApplyPayload::default()
            },
        )
        .await
    }
}
