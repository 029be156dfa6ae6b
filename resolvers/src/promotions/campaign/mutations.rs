//! Root fields of Mutation about campaigns.

use async_graphql::MaybeUndefined;
use db::promotions::campaign::commands::{self, CampaignDone};
use domain::promotions::campaign::{CampaignChange, CampaignDraft};

use super::objects::{AcquisitionType, Campaign};
use super::refusals::CampaignUserError;
use crate::inputs::Removable;
use crate::platform::approval::objects::Approval;
use crate::prelude::*;
use crate::wallets::configuration::objects::MoneyInput;
use crate::wallets::wallet::transactions::Transaction;

mutations! {
    /// Commands on campaigns.
    CampaignMutation;

    /// Creates a draft campaign of the caller's merchant, moves its escrow from the merchant's wallet and generates the
    /// voucher codes.
    campaign_create = commands::CAMPAIGN_CREATE, |call| {
        let input = call.input;
        let draft = CampaignDraft {
            name: input.name.clone(),
            description: input.description.clone(),
            face_value: input.face_value.parts(),
            total_vouchers: input.total_vouchers,
            acquisition_type: input.acquisition_type.0,
            price: input.acquisition_price.as_ref().map(MoneyInput::parts),
            starts_at: input.starts_at.0,
            ends_at: input.ends_at.0,
            voucher_validity_days: input.voucher_validity_days,
            max_per_user: input.max_per_user,
            allow_partial_redemption: input.allow_partial_redemption,
        };
        async move { commands::campaign_create(call.tx, call.request, &draft).await }.boxed()
    };
    CampaignCreateInput(Required) {
        /// Price of a voucher: points for EXCHANGE_POINTS, money for PURCHASE, null for FREE; in the currency of the face
        /// value at most `maxPriceMultiple` times that, in others as `priceLimits` allow.
        acquisition_price: Option<MoneyInput>,
        /// Way to acquire a voucher.
        acquisition_type: AcquisitionType,
        /// Whether a voucher keeps its remainder after a redemption.
        #[graphql(default = true)]
        allow_partial_redemption: bool,
        /// Description, at most 1,000 characters; null for none.
        description: Option<String>,
        /// Time the campaign ends, after `startsAt`.
        ends_at: DateTime,
        /// Value of a voucher, above 0.
        face_value: MoneyInput,
        /// Vouchers per person; 0 for no limit, not for FREE.
        #[graphql(default = 1)]
        max_per_user: i32,
        /// Name, 1 to 255 visible characters on one line.
        name: String,
        /// Time vouchers can be acquired from.
        starts_at: DateTime,
        /// Vouchers, 1 to 100,000.
        total_vouchers: i32,
        /// Days a voucher is valid after it was acquired, 1 to `maxValidityDays`.
        #[graphql(default = 30)]
        voucher_validity_days: i32,
    }
    CampaignCreatePayload(CampaignUserError) = |ctx, done: CampaignDone| {
        /// The draft campaign; null when refused.
        campaign: Loaded<Campaign> = load(ctx, done.campaign.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
    }

    /// Changes a campaign of the caller's merchant before its end; fields that are absent stay unchanged.
    campaign_update = commands::CAMPAIGN_UPDATE, |call| {
        let input = call.input;
        let change = CampaignChange {
            name: input.name.clone(),
            description: match &input.description.0 {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(text) => Some(Some(text.clone())),
            },
            starts_at: input.starts_at.map(|at| at.0),
            ends_at: input.ends_at.map(|at| at.0),
            max_per_user: input.max_per_user,
        };
        let id = input.campaign_id.key;
        async move { commands::campaign_update(call.tx, call.request, id, &change).await }.boxed()
    };
    CampaignUpdateInput(Optional) {
        /// Campaign to change.
        campaign_id: Id<Campaign>,
        /// New description, at most 1,000 characters; null removes it.
        description: Removable<String>,
        /// New end, later than the present one once activated; null leaves it unchanged.
        ends_at: Option<DateTime>,
        /// New limit per person, only higher once activated; null leaves it unchanged.
        max_per_user: Option<i32>,
        /// New name, 1 to 255 visible characters on one line; null leaves it unchanged.
        name: Option<String>,
        /// New start, for drafts; null leaves it unchanged.
        starts_at: Option<DateTime>,
    }
    CampaignUpdatePayload(CampaignUserError) = |ctx, done: CampaignDone| {
        /// The changed campaign; null when refused.
        campaign: Loaded<Campaign> = load(ctx, done.campaign.into()).await,
    }

    /// Activates a draft or paused campaign of the caller's merchant.
    campaign_activate = commands::CAMPAIGN_ACTIVATE, |call| {
        commands::campaign_activate(call.tx, call.request, call.input.campaign_id.key).boxed()
    };
    CampaignActivateInput(Optional) {
        /// Campaign with status DRAFT or PAUSED.
        campaign_id: Id<Campaign>,
    }
    CampaignActivatePayload(CampaignUserError) = |ctx, done: CampaignDone| {
        /// The active campaign; null when refused.
        campaign: Loaded<Campaign> = load(ctx, done.campaign.into()).await,
    }

    /// Pauses an active campaign of the caller's merchant: vouchers can't be acquired, redeeming goes on.
    campaign_pause = commands::CAMPAIGN_PAUSE, |call| {
        commands::campaign_pause(call.tx, call.request, call.input.campaign_id.key).boxed()
    };
    CampaignPauseInput(Optional) {
        /// Campaign with status ACTIVE.
        campaign_id: Id<Campaign>,
    }
    CampaignPausePayload(CampaignUserError) = |ctx, done: CampaignDone| {
        /// The paused campaign; null when refused.
        campaign: Loaded<Campaign> = load(ctx, done.campaign.into()).await,
    }

    /// Completes a campaign of the caller's merchant and returns the escrow of unissued vouchers to the merchant's wallet;
    /// issued ones stay redeemable.
    campaign_complete = commands::CAMPAIGN_COMPLETE, |call| {
        commands::campaign_complete(call.tx, call.request, call.input.campaign_id.key).boxed()
    };
    CampaignCompleteInput(Required) {
        /// Campaign with status ACTIVE or PAUSED.
        campaign_id: Id<Campaign>,
    }
    CampaignCompletePayload(CampaignUserError) = |ctx, done: CampaignDone| {
        /// The completed campaign; null when refused.
        campaign: Loaded<Campaign> = load(ctx, done.campaign.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
    }

    /// Cancels a campaign of the caller's merchant and returns the escrow of unissued vouchers to the merchant's wallet;
    /// issued ones stay redeemable.
    campaign_cancel = commands::CAMPAIGN_CANCEL, |call| {
        commands::campaign_cancel(call.tx, call.request, call.input.campaign_id.key).boxed()
    };
    CampaignCancelInput(Required) {
        /// Campaign with status DRAFT, ACTIVE or PAUSED.
        campaign_id: Id<Campaign>,
    }
    CampaignCancelPayload(CampaignUserError) = |ctx, done: CampaignDone| {
        /// The cancelled campaign; null when refused.
        campaign: Loaded<Campaign> = load(ctx, done.campaign.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
    }

    /// Completes any merchant's campaign and releases the escrow of unissued vouchers.
    campaign_force_complete = commands::CAMPAIGN_FORCE_COMPLETE, |call| {
        let (id, reason) = (call.input.campaign_id.key, &call.input.reason);
        commands::campaign_force_complete(call.tx, call.request, id, reason).boxed()
    };
    CampaignForceCompleteInput(Required) {
        /// Campaign with status ACTIVE or PAUSED.
        campaign_id: Id<Campaign>,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    CampaignForceCompletePayload(CampaignUserError) = |ctx, done: CampaignDone| {
        /// The completed campaign; null when refused.
        campaign: Loaded<Campaign> = load(ctx, done.campaign.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
    }

    /// Cancels any merchant's campaign, releases the escrow of unissued vouchers and, if asked, revokes the issued ones; a
    /// revocation above `dualControlLimit` waits for a second person.
    campaign_force_cancel = commands::CAMPAIGN_FORCE_CANCEL, |call| {
        let input = call.input;
        let (id, revoke, reason) = (input.campaign_id.key, input.revoke_issued, &input.reason);
        commands::campaign_force_cancel(call.tx, call.request, id, revoke, reason).boxed()
    };
    CampaignForceCancelInput(Required) {
        /// Campaign with status DRAFT, ACTIVE or PAUSED.
        campaign_id: Id<Campaign>,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
        /// Whether issued vouchers are revoked: escrow to the merchant, unearned prices to the holders.
        #[graphql(default = false)]
        revoke_issued: bool,
    }
    CampaignForceCancelPayload(CampaignUserError) = |ctx, done: CampaignDone| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = load_some(ctx, done.approval_id.map(ApprovalId)).await,
        /// The campaign, cancelled unless the command waits; null when refused.
        campaign: Loaded<Campaign> = load(ctx, done.campaign.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
    }
}

/// The receipt of a command on campaigns.
async fn receipt(ctx: &Context<'_>, done: &CampaignDone) -> Loaded<Transaction> {
    let [merchant, _] = done.campaign;
    Transaction::load_some_commanded(ctx, done.transaction, [merchant]).await
}
