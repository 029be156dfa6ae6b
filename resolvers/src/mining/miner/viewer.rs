//! Mining's fields of `Viewer`.

use super::objects::Miner;
use crate::mining::circle::objects::{
    Circle, CircleInvitationConnection, CircleInvitationStatus, received,
};
use crate::mining::loaders::MiningLoader;
use crate::mining::referral::objects::{ReferralConnection, ReferralStatus, referrals_of};
use crate::prelude::*;

/// Mining data of the signed-in person.
pub struct ViewerMining(pub(crate) UserId);

impl ViewerMining {
    async fn own_circle(&self, ctx: &Context<'_>) -> Result<Option<Circle>> {
        let seen = ctx.loader::<MiningLoader>().load_one(self.0).await?;
        match seen.and_then(|seen| seen.miner.circle_id) {
            Some(id) => Circle::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

#[Object]
impl ViewerMining {
    /// Circle the caller is in; null without one.
    async fn circle(&self, ctx: &Context<'_>) -> Loaded<Circle> {
        self.own_circle(ctx).await.transpose()
    }

    /// Invitations into circles that the caller received, newest first.
    async fn circle_invitations(
        &self,
        ctx: &Context<'_>,
        status: Option<CircleInvitationStatus>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<CircleInvitationConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(received(ctx, self.0, status, args).await)
    }

    /// The caller's miner; null before `minerRegister`.
    async fn miner(&self, ctx: &Context<'_>) -> Loaded<Miner> {
        let seen = ctx.loader::<MiningLoader>().load_one(self.0).await;
        seen.map(|seen| seen.and_then(|seen| Miner::visible(ctx, seen)))
            .map_err(ApiError::from)
            .transpose()
    }

    /// People the caller referred, newest first; null for a caller who is not a miner.
    async fn referrals(
        &self,
        ctx: &Context<'_>,
        status: Option<ReferralStatus>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<ReferralConnection> {
        let args = PageArgs::new(first, last, after, before);
        let seen = ctx.loader::<MiningLoader>().load_one(self.0).await;
        match seen.map_err(ApiError::from).transpose()? {
            Ok(seen) => Some(referrals_of(ctx, seen.miner.id.user, status, &args).await),
            Err(error) => Some(Err(error)),
        }
    }
}
