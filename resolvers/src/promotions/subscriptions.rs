//! Root fields of Subscription about campaigns and vouchers.

use std::collections::HashMap;
use std::future::ready;

use async_graphql::Subscription;
use domain::access::Denied;
use futures_util::{Stream, StreamExt as _};

use super::campaign::objects::{Campaign, is_public, sees_hidden};
use super::live::{CampaignTopic, CampaignUpdate, VoucherTopic, VoucherUpdate};
use super::voucher::objects::Voucher;
use crate::events::events;
use crate::prelude::*;

/// Live updates of campaigns and vouchers.
#[derive(Default)]
pub struct PromotionSubscription;

#[Subscription]
impl PromotionSubscription {
    /// State of a campaign after a change, at most one event a second. It completes when the campaign is cancelled, unless
    /// the caller may see cancelled ones: its merchant, staff, and people who held one of its vouchers at the start.
    async fn campaign_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Campaign to follow.")] campaign_id: Id<Campaign>,
    ) -> FieldResult<impl Stream<Item = FieldResult<CampaignEvent>> + use<>> {
        let id = campaign_id.key;
        let operation = ctx.shared_operation();
        let subscribers = operation.services.events.subscribers::<CampaignTopic>();
        if Campaign::load(ctx, id).await?.is_none() {
            return Err(ApiError::new(Code::NotFound, "no campaign has this id").into());
        }
        let mut last = 0;
        let sees_hidden = sees_hidden(ctx, id).await?;
        let is_visible = move |update: &Arc<CampaignUpdate>| sees_hidden || is_public(&update.0);
        let updates = subscribers.subscribe(id);
        let updates =
            updates.take_while(move |update| ready(update.as_ref().ok().is_none_or(is_visible)));
        let event = move |update: Arc<CampaignUpdate>| {
            let event = CampaignEvent::of(&update);
            let is_new = event.sequence.0 > last;
            last = last.max(event.sequence.0);
            is_new.then_some(event)
        };
        Ok(events(updates, event))
    }

    /// State of a voucher of the caller after a change.
    #[expect(clippy::unused_async, reason = "the engine takes async functions only")]
    async fn vouchers_updated(
        &self,
        ctx: &Context<'_>,
    ) -> FieldResult<impl Stream<Item = FieldResult<VoucherEvent>> + use<>> {
        let principal = ctx.principal();
        principal
            .check(Action::VoucherFollow, Relation::Own)
            .map_err(ApiError::from)?;
        let person = principal
            .person()
            .ok_or(ApiError::from(Denied::Forbidden))?
            .id;
        let operation = ctx.shared_operation();
        let subscribers = operation.services.events.subscribers::<VoucherTopic>();
        let updates = subscribers.subscribe(person);
        let mut last: HashMap<Uuid, i64> = HashMap::new();
        let event = move |update: Arc<VoucherUpdate>| {
            let voucher = &update.0.voucher;
            let known = last.insert(voucher.id.uuid, voucher.version);
            let is_new = known.is_none_or(|known| voucher.version > known);
            is_new.then(|| VoucherEvent::of(&update))
        };
        Ok(events(updates, event))
    }
}

object! {
    /// Campaign after a change.
    CampaignEvent(update: &CampaignUpdate) {
        /// Time of the change.
        occurred_at: DateTime = update.0.at.into(),
        /// `occurredAt` in microseconds; it rises with each event, and one event can be about several changes.
        sequence: BigInt = BigInt(update.0.at.timestamp_micros()),
        /// The campaign as it is now.
        campaign: Campaign = Campaign::of(update.0.clone()),
    }
}

object! {
    /// Voucher after a change.
    VoucherEvent(update: &VoucherUpdate) {
        let seen = &update.0;
        /// Time of the change.
        occurred_at: DateTime = seen.voucher.updated_at.into(),
        /// Version of the voucher; it never decreases, gaps are coalesced events.
        sequence: BigInt = BigInt(seen.voucher.version),
        /// The voucher as it is now.
        voucher: Voucher = Voucher::of(seen.clone()),
    }
}
