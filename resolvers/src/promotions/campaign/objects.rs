//! Types of campaigns.

use async_graphql::OneofObject;
use chrono_tz::Tz;
use db::promotions::campaign::queries::{
    self as reads, CampaignFilter as Filter, CampaignKey, CampaignOrderField, CampaignSeen, Visible,
};
use domain::promotions::campaign as rules;
use domain::wallets::{WalletKey, WalletKind};

use crate::abstracts::DynOutput;
use crate::eager::ReadyOption;
use crate::inputs::{DateTimeRangeInput, OrderDirection, OwnerKey, Parsed, search};
use crate::node::NodeKey;
use crate::paging::CursorKey;
use crate::platform::audit::Entity;
use crate::prelude::*;
use crate::promotions::loaders::{HolderOf, LeftToRevoke, PromotionLoader};
use crate::promotions::redemption::objects::{RedemptionConnection, RedemptionFilter};
use crate::promotions::redemption::queries::page as page_of_redemptions;
use crate::promotions::statistics::{CampaignStatistics, of_campaign};
use crate::promotions::voucher::objects::{VoucherConnection, VoucherFilter};
use crate::promotions::voucher::queries::page as page_of_vouchers;
use crate::scalars::TimeZone;
use crate::wallets::loaders::{SumOf, WalletLoader};
use crate::wallets::wallet::objects::Money;
use crate::wallets::whole;

owned_keys!(CampaignId);

/// States of a campaign.
pub type CampaignStatus = EnumOf<rules::CampaignStatus>;

/// Ways to acquire a voucher.
pub type AcquisitionType = EnumOf<rules::AcquisitionType>;

object! {
    /// Offer of a merchant with vouchers covered by escrow.
    #[graphql(complex)]
    Campaign(seen: CampaignSeen) {
        let campaign = &seen.campaign;
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&campaign.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = campaign.id.uuid,
        /// Price of a voucher; null for a free one.
        acquisition_price: ReadyOption<Money> = ReadyOption(campaign.acquisition.price.map(Money::of)),
        /// Way to acquire a voucher.
        acquisition_type: AcquisitionType = campaign.acquisition.of_type.into(),
        /// Whether a voucher keeps its remainder after a redemption.
        allow_partial_redemption: bool = campaign.allow_partial_redemption,
        /// Vouchers that can still be acquired, 0 once the campaign has ended.
        available_vouchers: i32 = whole(campaign.available_vouchers(seen.at)),
        /// Time of creation.
        created_at: DateTime = campaign.created_at.into(),
        /// Description, at most 1,000 characters; null without one.
        description: Option<String> = campaign.description.clone(),
        /// Time the campaign ends.
        ends_at: DateTime = campaign.ends_at.into(),
        /// Value of a voucher.
        face_value: Money = Money::of(campaign.face_value),
        /// Vouchers that were acquired.
        issued_vouchers: i32 = whole(campaign.issued_vouchers),
        /// Vouchers per person; 0 for no limit.
        max_per_user: i32 = whole(campaign.max_per_user),
        /// Key of the merchant.
        merchant_id: Uuid = campaign.id.merchant.0,
        /// Name, 1 to 255 characters.
        name: String = campaign.name.clone(),
        /// Progress of the revocation of its vouchers; null unless revoked.
        revocation: ReadyOption<CampaignRevocation> = ReadyOption(
            campaign.revocation.as_ref().map(|revocation| CampaignRevocation::of(campaign.id, revocation))
        ),
        /// Time vouchers can be acquired from.
        starts_at: DateTime = campaign.starts_at.into(),
        /// State of the campaign as of now.
        status: CampaignStatus = campaign.status(seen.at).into(),
        /// Vouchers of the campaign, 1 to 100,000.
        total_vouchers: i32 = whole(campaign.total_vouchers),
        /// Time of the last change.
        updated_at: DateTime = campaign.updated_at.into(),
        /// Days a voucher is valid after it was acquired, from 1.
        voucher_validity_days: i32 = whole(campaign.voucher_validity_days),
    }
    with {
        campaign: rules::Campaign = campaign.clone(),
    }
}

object! {
    /// Progress of the revocation of a campaign's vouchers. Nothing is redeemed from its start on.
    #[graphql(complex)]
    CampaignRevocation(id: CampaignId, revocation: &rules::CampaignRevocation) {
        /// Time of the revocation.
        started_at: DateTime = revocation.at.into(),
        /// Vouchers to revoke.
        total: i32 = whole(revocation.vouchers),
    }
    with {
        left: LeftToRevoke = LeftToRevoke(id),
        vouchers: u32 = revocation.vouchers,
    }
}

#[ComplexObject]
impl CampaignRevocation {
    /// Vouchers revoked so far.
    async fn done(&self, ctx: &Context<'_>) -> Result<i32> {
        let left = ctx.loader::<PromotionLoader>().load_one(self.left).await?;
        Ok(whole(
            self.vouchers.saturating_sub(left.unwrap_or_default()),
        ))
    }
}

#[ComplexObject]
impl Campaign {
    /// Escrow that covers the vouchers now; null for callers without access.
    async fn escrow(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let currency = self.campaign.face_value.currency.code;
        self.account(ctx, WalletKind::Escrow, currency).await
    }

    /// Escrow placed at creation, face value × vouchers; null for callers without access.
    fn escrow_total(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        if !self.is_visible(ctx) {
            return Ok(None);
        }
        let total = self.campaign.escrow_of(self.campaign.total_vouchers);
        let amount = total.map_err(db::DbError::from)?;
        let currency = self.campaign.face_value.currency;
        Ok(Some(Money::of(domain::money::Money { amount, currency })))
    }

    /// Prices of sold vouchers not yet earned; null for free campaigns and callers without access.
    async fn proceeds(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        match self.campaign.acquisition.price {
            Some(price) => {
                let currency = price.currency.code;
                self.account(ctx, WalletKind::Proceeds, currency).await
            }
            None => Ok(None),
        }
    }

    /// Numbers of vouchers and redemptions; null for callers without access.
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Time zone that bounds days, weeks and months.",
            default_with = "Parsed::default_of(TimeZone(Tz::UTC))"
        )]
        time_zone: Parsed<TimeZone>,
    ) -> Loaded<CampaignStatistics> {
        self.figures(ctx, time_zone).await.transpose()
    }

    /// Vouchers, newest first; null for callers without access.
    async fn vouchers(
        &self,
        ctx: &Context<'_>,
        filter: Option<Parsed<VoucherFilter>>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<VoucherConnection> {
        let args = PageArgs::new(first, last, after, before);
        self.page_of_vouchers(ctx, filter, args).await.transpose()
    }

    /// Redemptions, newest first; null for callers without access.
    async fn redemptions(
        &self,
        ctx: &Context<'_>,
        filter: Option<Parsed<RedemptionFilter>>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<RedemptionConnection> {
        let args = PageArgs::new(first, last, after, before);
        self.page_of_redemptions(ctx, filter, args)
            .await
            .transpose()
    }
}

impl Campaign {
    /// Its numbers; none for callers without access.
    async fn figures(
        &self,
        ctx: &Context<'_>,
        time_zone: Parsed<TimeZone>,
    ) -> Result<Option<CampaignStatistics>> {
        if !self.is_visible(ctx) {
            return Ok(None);
        }
        of_campaign(ctx, self.campaign.id, time_zone.get()?.0).await
    }

    /// A page of its vouchers; none for callers without access.
    async fn page_of_vouchers(
        &self,
        ctx: &Context<'_>,
        filter: Option<Parsed<VoucherFilter>>,
        args: PageArgs,
    ) -> Result<Option<VoucherConnection>> {
        if !self.is_visible(ctx) {
            return Ok(None);
        }
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let filter = filter.read(ctx).await?.of_campaign(self.campaign.id);
        page_of_vouchers(ctx, filter, args).await.map(Some)
    }

    /// A page of its redemptions; none for callers without access.
    async fn page_of_redemptions(
        &self,
        ctx: &Context<'_>,
        filter: Option<Parsed<RedemptionFilter>>,
        args: PageArgs,
    ) -> Result<Option<RedemptionConnection>> {
        if !self.is_visible(ctx) {
            return Ok(None);
        }
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let filter = filter.read()?.of_campaign(self.campaign.id);
        page_of_redemptions(ctx, filter, args).await.map(Some)
    }

    /// Whether the caller may see its money and figures.
    fn is_visible(&self, ctx: &Context<'_>) -> bool {
        let relation = ctx.principal().relation_to(self.campaign.merchant());
        ctx.may(Action::CampaignRead, relation)
    }

    /// Balance of an account of the campaign; none for callers without access.
    async fn account(
        &self,
        ctx: &Context<'_>,
        kind: WalletKind,
        currency: domain::money::CurrencyCode,
    ) -> Result<Option<Money>> {
        if !self.is_visible(ctx) {
            return Ok(None);
        }
        let account = SumOf(WalletKey {
            owner: self.campaign.merchant().into(),
            kind,
            currency,
            for_id: self.campaign.id.uuid,
        });
        let sum = ctx.loader::<WalletLoader>().load_one(account).await?;
        Ok(sum.map(Money::of))
    }
}

node!(Campaign: CampaignId, |ctx, id| {
    let Some(seen) = ctx.loader::<PromotionLoader>().load_one(id).await? else {
        return Ok(None);
    };
    let is_visible = is_public(&seen) || sees_hidden(ctx, id).await?;
    Ok(is_visible.then(|| Self::of(seen)))
});

/// Whether everybody may see a campaign.
pub(in crate::promotions) fn is_public(seen: &CampaignSeen) -> bool {
    seen.campaign.status(seen.at).is_public()
}

/// Whether the caller may see a campaign that is not public: its merchant, staff, services, and holders of its vouchers.
pub(in crate::promotions) async fn sees_hidden(ctx: &Context<'_>, id: CampaignId) -> Result<bool> {
    let relation = ctx.principal().relation_to(id.merchant);
    if ctx.may(Action::CampaignRead, relation) {
        return Ok(true);
    }
    let Some(person) = ctx.principal().person() else {
        return Ok(false);
    };
    let loader = ctx.loader::<PromotionLoader>();
    let held = loader.load_one(HolderOf(id, person.id)).await?;
    Ok(held.is_some())
}

/// The object of an audit entry, which names the campaign alone.
pub(in crate::promotions) const ENTITY: Entity = Entity::custom(
    "campaign",
    |ctx, key| {
        async move {
            let Ok(uuid) = Uuid::try_parse(key) else {
                return Ok(None);
            };
            let found = match CampaignBy::Uuid(uuid).find(ctx).await? {
                Some(id) => Campaign::load(ctx, id).await?,
                None => None,
            };
            Ok(found.map(|found| Node::new(Box::new(found) as Box<dyn DynOutput>)))
        }
        .boxed()
    },
    |id| {
        let key = CampaignId::read(&id.key).filter(|_| id.kind == Campaign::KIND);
        key.map(|key| key.uuid.to_string())
    },
);

connection!(CampaignConnection, CampaignEdge, Campaign, "campaigns", by CampaignKey);

impl CursorKey for CampaignKey {
    fn write(&self) -> String {
        match self {
            Self::Time(at, id) => format!("t{}", (*at, *id).write()),
            Self::Name(name, id) => format!("n{}:{name}", id.simple()),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('t') {
            let (at, id) = <(Timestamp, Uuid)>::read(rest)?;
            return Some(Self::Time(at, id));
        }
        let (id, name) = text.strip_prefix('n')?.split_once(':')?;
        let is_name = crate::inputs::is_text(name, LONGEST_NAME);
        is_name.then_some(Self::Name(name.to_owned(), Uuid::try_parse(id).ok()?))
    }
}

/// Most characters of a folded name: folding makes at most three of one.
const LONGEST_NAME: usize = 3 * 255;

/// Key of a campaign.
#[derive(OneofObject)]
pub enum CampaignBy {
    /// Global id of the campaign.
    Id(Id<Campaign>),
    /// Key in the platform's other services.
    Uuid(Uuid),
}

impl CampaignBy {
    /// The id of the campaign, if there is one.
    pub(super) async fn find(self, ctx: &Context<'_>) -> Result<Option<CampaignId>> {
        match self {
            Self::Id(id) => Ok(Some(id.key)),
            Self::Uuid(uuid) => {
                let read = async move |conn: &mut db::Connection| reads::by_uuid(conn, uuid).await;
                Ok(ctx.db().read_replicated(read).await?)
            }
        }
    }
}

/// Conditions on campaigns.
#[derive(InputObject, Default)]
pub struct CampaignFilter {
    /// Way to acquire a voucher.
    pub acquisition_type: Option<AcquisitionType>,
    /// Time the campaign ends.
    pub ends_at: Option<DateTimeRangeInput>,
    /// Whether vouchers can be acquired now.
    pub is_open: Option<bool>,
    /// Key of the merchant.
    pub merchant_id: Option<OwnerKey>,
    /// Part of the name or description, ignoring case, at most 100 visible characters; a blank text selects all.
    pub search: Option<String>,
    /// Time vouchers can be acquired from.
    pub starts_at: Option<DateTimeRangeInput>,
    /// State of the campaign.
    pub status: Option<CampaignStatus>,
}

impl CampaignFilter {
    /// The conditions, with what the caller may list.
    pub(in crate::promotions) fn among(self, visible: Visible) -> Result<Filter> {
        let range = |range: Option<DateTimeRangeInput>| match range {
            Some(range) => range.ends(),
            None => Ok((None, None)),
        };
        let (ends_from, ends_until) = range(self.ends_at)?;
        let (starts_from, starts_until) = range(self.starts_at)?;
        Ok(Filter {
            visible,
            acquisition_type: self.acquisition_type.map(|one| one.0),
            ends_from,
            ends_until,
            is_open: self.is_open,
            merchant: self.merchant_id.map(|merchant| MerchantId(merchant.0)),
            search: search(self.search)?,
            starts_from,
            starts_until,
            status: self.status.map(|status| status.0),
        })
    }
}

/// Order of campaigns; equal values are ordered by id.
#[derive(InputObject)]
pub struct CampaignOrder {
    /// Direction of the order.
    pub direction: OrderDirection,
    /// Value to order by.
    pub field: EnumOf<CampaignOrderField>,
}
