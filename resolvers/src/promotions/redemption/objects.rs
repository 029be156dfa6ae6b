//! Types of redemptions.

use async_graphql::OneofObject;
use db::promotions::redemption::queries::RedemptionFilter as Filter;
use domain::promotions::redemption as rules;

use crate::eager::ReadyOption;
use crate::inputs::DateTimeRangeInput;
use crate::platform::users::User;
use crate::prelude::*;
use crate::promotions::campaign::objects::Campaign;
use crate::promotions::loaders::{PromotionLoader, RedemptionOf};
use crate::promotions::voucher::objects::Voucher;
use crate::wallets::references::{RegisteredReference, reference, uuid_of};
use crate::wallets::wallet::objects::Money;
use crate::wallets::wallet::transactions::Transaction;

owned_keys!(RedemptionId);

/// States of a redemption.
pub type RedemptionStatus = EnumOf<rules::RedemptionStatus>;

/// Callers who redeem vouchers.
pub type RedemptionActor = EnumOf<rules::RedemptionActor>;

object! {
    /// Use of a voucher for an order. It holds value and price share until it is settled or voided.
    Redemption(redemption: rules::Redemption) {
        let money = |amount| Money::of(domain::money::Money { amount, ..redemption.order_amount });
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&redemption.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = redemption.id.uuid,
        /// Surplus paid to the merchant with the used value, 0 unless partial redemption is off.
        amount_refunded: Money = money(redemption.refunded),
        /// Value returned to the voucher after settlement, from 0.
        amount_returned: Money = money(redemption.returned),
        /// Value used for the order.
        amount_used: Money = money(redemption.used),
        /// Time it was settled or voided; null while pending.
        ended_at: Option<DateTime> = redemption.ended_at.map(DateTime),
        /// Amount of the order.
        order_amount: Money = Money::of(redemption.order_amount),
        /// Key of the order; null without one.
        order_id: Option<Uuid> = redemption.order_id,
        /// Part of the voucher's price that it earns the merchant; null for a free voucher.
        price_share: ReadyOption<Money> = ReadyOption(redemption.price_share.map(Money::of)),
        /// Time of the redemption.
        redeemed_at: DateTime = redemption.redeemed_at.into(),
        /// Caller who redeemed the voucher.
        redeemed_by: RedemptionActor = redemption.redeemed_by.into(),
        /// Time it is voided if not settled; null once settled or voided.
        settle_expires_at: Option<DateTime> = redemption.settle_expires_at.map(DateTime),
        /// State of the redemption.
        status: RedemptionStatus = redemption.status.into(),
        /// Receipt of the settlement; null before it, and for callers without access.
        transaction: Edge<Transaction> = Edge(redemption.transaction.map(TransactionId)),
        /// Holder of the voucher.
        user: Edge<User> = Edge::to(redemption.holder),
        /// The voucher; null for services without the scope `promotions:read`.
        voucher: Edge<Voucher> = Edge::to(redemption.voucher),
    }
}

node!(Redemption: RedemptionId, |ctx, id| {
    let redemption = ctx.loader::<PromotionLoader>().load_one(id).await?;
    let principal = ctx.principal();
    let may_see = |redemption: &rules::Redemption| {
        let relations = [
            principal.relation_to(redemption.holder),
            principal.relation_to(redemption.id.merchant),
        ];
        principal.may(Action::RedemptionRead, relations.contains(&Relation::Own).into())
    };
    Ok(redemption.filter(may_see).map(Self::of))
});

/// The object of a transfer, whose home can be that of the holder.
pub(in crate::promotions) const REFERENCE: RegisteredReference =
    RegisteredReference::custom::<Redemption>(
        "redemption",
        |ctx, _, uuid| {
            async move {
                let found = ctx
                    .loader::<PromotionLoader>()
                    .load_one(RedemptionOf(uuid))
                    .await?;
                Ok(match found {
                    Some(id) => Redemption::load(ctx, id).await?.map(reference),
                    None => None,
                })
            }
            .boxed()
        },
        uuid_of,
    );

connection!(
    RedemptionConnection,
    RedemptionEdge,
    Redemption,
    "redemptions",
    by(Timestamp, Uuid)
);

/// Key of a redemption.
#[derive(OneofObject)]
pub enum RedemptionBy {
    /// Global id of the redemption.
    Id(Id<Redemption>),
    /// Key in the platform's other services; slower than `id`.
    Uuid(Uuid),
}

impl RedemptionBy {
    /// The id of the redemption, if there is one.
    pub(super) async fn find(self, ctx: &Context<'_>) -> Result<Option<RedemptionId>> {
        match self {
            Self::Id(id) => Ok(Some(id.key)),
            Self::Uuid(uuid) => {
                let loader = ctx.loader::<PromotionLoader>();
                Ok(loader.load_one(RedemptionOf(uuid)).await?)
            }
        }
    }
}

/// Conditions on redemptions.
#[derive(InputObject, Default)]
pub struct RedemptionFilter {
    /// Campaign of the voucher.
    pub campaign_id: Option<Id<Campaign>>,
    /// Key of the merchant.
    pub merchant_id: Option<OwnerKey>,
    /// Key of the order.
    pub order_id: Option<Uuid>,
    /// Time of the redemption.
    pub redeemed_at: Option<DateTimeRangeInput>,
    /// State of the redemption.
    pub status: Option<RedemptionStatus>,
    /// Subject of the holder's tokens.
    pub user_id: Option<OwnerKey>,
    /// The voucher.
    pub voucher_id: Option<Id<Voucher>>,
}

impl RedemptionFilter {
    /// The filter of the database.
    pub(in crate::promotions) fn read(self) -> Result<Filter> {
        let (redeemed_from, redeemed_until) = match self.redeemed_at {
            Some(range) => range.ends()?,
            None => (None, None),
        };
        Ok(Filter {
            campaign: self.campaign_id.map(|id| id.key),
            merchant: self.merchant_id.map(|merchant| MerchantId(merchant.0)),
            order: self.order_id,
            redeemed_from,
            redeemed_until,
            status: self.status.map(|status| status.0),
            user: self.user_id.map(|user| UserId(user.0)),
            voucher: self.voucher_id.map(|id| id.key),
        })
    }
}
