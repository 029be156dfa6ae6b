//! Types of vouchers.

use async_graphql::OneofObject;
use db::promotions::redemption::queries::RedemptionFilter;
use db::promotions::voucher::queries::{self as reads, VoucherFilter as Filter, VoucherSeen};
use domain::access::Person;
use domain::promotions::voucher::{self as rules, VoucherCode};
use serde_json::json;

use super::guesses::Guesses;
use super::refusals::VoucherUserError;
use crate::abstracts::DynOutput;
use crate::eager::ReadyOption;
use crate::links::SignedUrl;
use crate::node::AnyId;
use crate::platform::audit::Entity;
use crate::platform::users::User;
use crate::prelude::*;
use crate::promotions::campaign::objects::Campaign;
use crate::promotions::loaders::{PromotionLoader, VoucherOf};
use crate::promotions::redemption::objects::RedemptionConnection;
use crate::promotions::redemption::queries::page as page_of_redemptions;
use crate::user_errors::{ErrorCode, code_of};
use crate::wallets::references::{RegisteredReference, reference, uuid_of};
use crate::wallets::wallet::objects::Money;

owned_keys!(VoucherId);

/// States of a voucher.
pub type VoucherStatus = EnumOf<rules::VoucherStatus>;

object! {
    /// Voucher of a campaign, backed by part of its escrow. Its face value is set on the campaign.
    #[graphql(complex)]
    Voucher(seen: VoucherSeen) {
        let voucher = &seen.voucher;
        let face_value = voucher.offer.face_value;
        let holding = voucher.holding;
        let of_holding = |of: fn(rules::Holding) -> Timestamp| holding.map(|holding| DateTime(of(holding)));
        let revocation = voucher.revocation();
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&voucher.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = voucher.id.uuid,
        /// Time a person claimed, exchanged or bought it; null before that.
        claimed_at: Option<DateTime> = of_holding(|holding| holding.claimed_at),
        /// Last two characters of the code.
        code_ending: String = voucher.code.ending().to_owned(),
        /// Time of creation.
        created_at: DateTime = voucher.created_at.into(),
        /// Time it expires; null before it was acquired.
        expires_at: Option<DateTime> = of_holding(|holding| holding.usable_until),
        /// Holder; null before it was acquired.
        owner: Edge<User> = Edge(voucher.owner()),
        /// Price paid; null for a free voucher and before it was acquired.
        price_paid: ReadyOption<Money> = ReadyOption(
            voucher.offer.price().filter(|_| holding.is_some()).map(Money::of)
        ),
        /// Time of the last redemption; null before the first.
        redeemed_at: Option<DateTime> = voucher.redeemed_at.map(DateTime),
        /// Value that is left; of an expired or revoked voucher the value that it had left.
        remaining_value: Money = Money::of(domain::money::Money { amount: voucher.remaining, ..face_value }),
        /// Reason of the revocation, 1 to 500 characters; null unless revoked.
        revocation_reason: Option<String> = revocation.map(|revocation| revocation.reason.clone()),
        /// Time it was revoked; null unless it was.
        revoked_at: Option<DateTime> = revocation.map(|revocation| DateTime(revocation.at)),
        /// State of the voucher as of now.
        status: VoucherStatus = voucher.status(seen.at).into(),
        /// Time of the last change.
        updated_at: DateTime = voucher.updated_at.into(),
    }
    with {
        voucher: rules::Voucher = voucher.clone(),
        seen_at: Timestamp = seen.at,
    }
}

#[ComplexObject]
impl Voucher {
    /// Campaign of the voucher.
    async fn campaign(&self, ctx: &Context<'_>) -> Loaded<Campaign> {
        let seen = ctx
            .loader::<PromotionLoader>()
            .load_one(self.voucher.offer.campaign)
            .await;
        // A caller who may see a voucher may see its campaign.
        match seen {
            Ok(seen) => seen.map(Campaign::of).map(Ok),
            Err(fault) => Some(Err(fault.into())),
        }
    }

    /// Code, `V` and 6 or 7 characters of A–Z and 2–9 without I and O; null for everybody but the holder.
    async fn code(&self, ctx: &Context<'_>) -> Option<String> {
        self.is_held_by(ctx)
            .then(|| self.voucher.code.as_str().to_owned())
    }

    /// Link to an SVG QR code that the merchant scans to redeem the voucher. The token in it is valid for five minutes after
    /// the image is loaded. Null if the caller is not the holder or the voucher can't be redeemed now.
    async fn qr_code_url(&self, ctx: &Context<'_>) -> Loaded<SignedUrl> {
        if !self.is_held_by(ctx) || !self.voucher.is_live(self.seen_at) {
            return None;
        }
        let id = self.id.encode();
        Some(SignedUrl::to(ctx, format!("/vouchers/{id}/qr.svg"), json!({})).await)
    }

    /// Redemptions, newest first.
    async fn redemptions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<RedemptionConnection> {
        let args = PageArgs::new(first, last, after, before);
        let filter = RedemptionFilter {
            voucher: Some(self.voucher.id),
            ..RedemptionFilter::default()
        };
        Some(page_of_redemptions(ctx, filter, args).await)
    }
}

impl Voucher {
    /// Whether the caller is the holder.
    pub(super) fn is_held_by(&self, ctx: &Context<'_>) -> bool {
        let person = ctx.principal().person();
        person.is_some_and(|person| self.voucher.owner() == Some(person.id))
    }
}

/// Whether the caller may see a voucher: its holder, its merchant, staff, and services.
pub(in crate::promotions) fn may_see(ctx: &Context<'_>, voucher: &rules::Voucher) -> bool {
    let principal = ctx.principal();
    let of_holder = voucher.owner().map(|owner| principal.relation_to(owner));
    let of_merchant = principal.relation_to(voucher.merchant());
    let is_own = of_merchant == Relation::Own || of_holder == Some(Relation::Own);
    principal.may(Action::VoucherRead, is_own.into())
}

node!(Voucher: VoucherId, |ctx, id| {
    let seen = ctx.loader::<PromotionLoader>().load_one(id).await?;
    let seen = seen.filter(|seen| may_see(ctx, &seen.voucher));
    Ok(seen.map(Self::of))
});

/// The object of an audit entry, which names the voucher alone.
pub(in crate::promotions) const ENTITY: Entity = Entity::custom(
    "voucher",
    |ctx, key| {
        async move {
            let Ok(uuid) = Uuid::try_parse(key) else {
                return Ok(None);
            };
            let found = match VoucherBy::Uuid(uuid).find(ctx).await? {
                Some(id) => Voucher::load(ctx, id).await?,
                None => None,
            };
            Ok(found.map(|found| Node::new(Box::new(found) as Box<dyn DynOutput>)))
        }
        .boxed()
    },
    |id| {
        let key = VoucherId::read(&id.key).filter(|_| id.kind == Voucher::KIND);
        key.map(|key| key.uuid.to_string())
    },
);

/// The id of a voucher in a path; none for other ids.
#[must_use]
pub fn voucher_id(text: &str) -> Option<VoucherId> {
    let id = AnyId::of(text).filter(|id| id.kind == Voucher::KIND)?;
    VoucherId::read(&id.key)
}

/// The object of a transfer, whose home can be that of the holder.
pub(in crate::promotions) const REFERENCE: RegisteredReference =
    RegisteredReference::custom::<Voucher>(
        "voucher",
        |ctx, _, uuid| {
            async move {
                let found = ctx
                    .loader::<PromotionLoader>()
                    .load_one(VoucherOf(uuid))
                    .await?;
                Ok(match found {
                    Some(id) => Voucher::load(ctx, id).await?.map(reference),
                    None => None,
                })
            }
            .boxed()
        },
        uuid_of,
    );

connection!(
    VoucherConnection,
    VoucherEdge,
    Voucher,
    "vouchers",
    by(Timestamp, Uuid)
);

/// Key of a voucher.
#[derive(OneofObject)]
pub enum VoucherBy {
    /// Code of the voucher, for its holder.
    Code(String),
    /// Global id of the voucher.
    Id(Id<Voucher>),
    /// Key in the platform's other services; slower than `id`.
    Uuid(Uuid),
}

impl VoucherBy {
    /// The id of the voucher, if there is one.
    pub(super) async fn find(self, ctx: &Context<'_>) -> Result<Option<VoucherId>> {
        match self {
            Self::Id(id) => Ok(Some(id.key)),
            Self::Code(text) => by_code(ctx, &text).await,
            Self::Uuid(uuid) => {
                let loader = ctx.loader::<PromotionLoader>();
                Ok(loader.load_one(VoucherOf(uuid)).await?)
            }
        }
    }
}

/// The id of the voucher with a code, if there is one.
pub(super) async fn by_code(ctx: &Context<'_>, text: &str) -> Result<Option<VoucherId>> {
    let Some(code) = VoucherCode::parse(text) else {
        return Ok(None);
    };
    let read = async move |conn: &mut db::Connection| reads::by_code(conn, &code).await;
    Ok(ctx.db().read_replicated(read).await?)
}

/// Conditions on vouchers.
#[derive(InputObject, Default)]
pub struct VoucherFilter {
    /// Campaign of the voucher.
    pub campaign_id: Option<Id<Campaign>>,
    /// Whole code of the voucher, ignoring case, blanks and hyphens. For others than staff each counts as an unknown code,
    /// limited per caller and address.
    pub code: Option<String>,
    /// State of the voucher.
    pub status: Option<VoucherStatus>,
    /// Subject of the holder's tokens.
    pub user_id: Option<OwnerKey>,
}

impl VoucherFilter {
    /// The filter of the database.
    pub(in crate::promotions) async fn read(self, ctx: &Context<'_>) -> Result<Filter> {
        let voucher = match &self.code {
            Some(code) => {
                // It counts even if it is known: a list must not tell which codes of others exist.
                if !ctx.principal().person().is_some_and(Person::is_staff) {
                    Guesses::begin(ctx, None).await?;
                }
                Some(by_code(ctx, code).await?)
            }
            None => None,
        };
        Ok(Filter {
            campaign: self.campaign_id.map(|id| id.key),
            voucher,
            status: self.status.map(|status| status.0),
            user: self.user_id.map(|user| UserId(user.0)),
        })
    }
}

object! {
    /// Answer to whether a voucher can be redeemed.
    VoucherValidation(refusal: Option<rules::VoucherRefusal>, voucher: Option<VoucherSeen>) {
        /// Whether it can be redeemed.
        is_valid: bool = refusal.is_none(),
        /// Code that `voucherRedeem` would answer; null when valid.
        refusal: Option<ErrorCode<VoucherUserError>> = refusal.as_ref().map(code_of::<VoucherUserError>),
        /// The voucher with remaining value, expiry and campaign; null when the refusal is VOUCHER_NOT_FOUND.
        voucher: ReadyOption<Voucher> = ReadyOption(voucher.map(Voucher::of)),
    }
}
