//! Types of holds.

use async_graphql::OneofObject;
use db::wallets::hold::queries as reads;
use domain::wallets::Metadata;
use domain::wallets::hold as rules;

use crate::inputs::DateTimeRangeInput;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::inputs::{
    ExternalKeyInput, LedgerReferenceBy, OwnerInput, find_by_key, issuer, number_of, own_issuer,
    visible_within,
};
use crate::wallets::loaders::WalletLoader;
use crate::wallets::references::{LedgerReference, load_reference};
use crate::wallets::settlement::objects::Settlement;
use crate::wallets::wallet::objects::{Money, Wallet, main};

owned_keys!(HoldId);

/// States of a hold.
pub type HoldStatus = EnumOf<rules::HoldStatus>;

/// Causes of a release.
pub type HoldReleaseReason = EnumOf<rules::HoldReleaseReason>;

object! {
    /// Note of a service or owner; no rule and no filter reads it.
    MetadataEntry(key: String, value: String) {
        /// Key, 1 to 64 characters.
        key: String = key,
        /// Value, 0 to 500 characters.
        value: String = value,
    }
}

/// Notes as objects.
pub(crate) fn notes(metadata: Metadata) -> ReadyList<MetadataEntry> {
    let entries = metadata.into_iter();
    ReadyList(
        entries
            .map(|(key, value)| MetadataEntry::of(key, value))
            .collect(),
    )
}

object! {
    /// Amount reserved in a wallet until it is released or settled, exactly once.
    #[graphql(complex)]
    Hold(hold: rules::Hold) {
        let wallet = main(hold.owner, hold.amount.currency.code);
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&hold.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = hold.id.uuid,
        /// Amount reserved.
        amount: Money = Money::of(hold.amount),
        /// Time of the hold.
        created_at: DateTime = hold.created_at.into(),
        /// Time of release or settlement; null while held.
        ended_at: Option<DateTime> = hold.ended_at.map(DateTime),
        /// Time from which it can only be released; null for withdrawals, which do not expire.
        expires_at: Option<DateTime> = hold.expires_at.map(DateTime),
        /// Key given by the issuer, 1 to 128 characters; null without one.
        external_id: Option<String> = hold.external_id,
        /// Name of the service that placed it; `wallets` for withdrawals.
        issuer: String = hold.issuer,
        /// Notes of the issuer, at most 20.
        metadata: ReadyList<MetadataEntry> = notes(hold.metadata),
        /// Reason in the issuer's words, 1 to 500 characters.
        reason: String = hold.reason,
        /// Cause of the release; null unless released.
        release_reason: Option<HoldReleaseReason> = hold.release_reason.map(Into::into),
        /// Settlement; null unless settled.
        settlement: Edge<Settlement> = Edge(hold.settlement.map(|uuid| [hold.id.owner.0, uuid].into())),
        /// State of the hold.
        status: HoldStatus = hold.status.into(),
        /// Wallet that the amount is reserved in; null for services without the scope `wallet:read`.
        wallet: Edge<Wallet> = Edge::to(wallet),
    }
    with {
        owner: OwnerId = hold.id.owner,
        about: (String, String) = (hold.reference_kind, hold.reference_id),
    }
}

#[ComplexObject]
impl Hold {
    /// Reference of the issuer, or the withdrawal; null for callers without access to it.
    async fn reference(&self, ctx: &Context<'_>) -> Loaded<LedgerReference> {
        let (kind, id) = &self.about;
        load_reference(ctx, self.owner, kind, id).await.transpose()
    }
}

node!(Hold: HoldId, |ctx, id| {
    let hold = ctx.loader::<WalletLoader>().load_one(id).await?;
    Ok(match hold {
        Some(hold) if is_visible(ctx, &hold).await? => Some(Self::of(hold)),
        _ => None,
    })
});

/// Whether the caller may see a hold: a service its own, others by the policy.
async fn is_visible(ctx: &Context<'_>, hold: &rules::Hold) -> Result<bool> {
    let principal = ctx.principal();
    if !principal.may(Action::HoldRead, principal.relation_to(hold.owner)) {
        return Ok(false);
    }
    Ok(match principal {
        Principal::Service(_) => own_issuer(ctx).await?.is_some_and(|own| own == hold.issuer),
        _ => true,
    })
}

connection!(HoldConnection, HoldEdge, Hold, "holds", by(Timestamp, Uuid));

/// Key of a hold.
#[derive(OneofObject)]
pub enum HoldBy {
    /// Key given by the issuer.
    External(ExternalKeyInput),
    /// Global id of the hold.
    Id(Id<Hold>),
    /// Key in the platform's other services; slower than `id`.
    Uuid(Uuid),
}

find_by_key!(HoldBy => HoldId, |ctx, key| issuer(ctx, key.issuer).await?);

/// Conditions on holds.
#[derive(InputObject, Default)]
pub struct HoldFilter {
    /// Code of the currency.
    pub currency: Option<CurrencyCode>,
    /// Time of expiry.
    pub expires_at: Option<DateTimeRangeInput>,
    /// Name of the service that placed it.
    pub issuer: Option<String>,
    /// Owner of the wallet.
    pub owner: Option<OwnerInput>,
    /// Reference of the hold.
    pub reference: Option<LedgerReferenceBy>,
    /// State of the hold.
    pub status: Option<HoldStatus>,
}

impl HoldFilter {
    /// The filter of the database, restricted to what the caller may see.
    pub(super) async fn restricted(self, ctx: &Context<'_>) -> Result<reads::HoldFilter> {
        let (expires_from, expires_until) = match self.expires_at {
            Some(range) => range.ends()?,
            None => (None, None),
        };
        let reference = match self.reference {
            Some(reference) => Some(reference.stored(ctx).await?),
            None => None,
        };
        let visible = visible_within(ctx, Action::HoldRead, self.owner, self.issuer).await?;
        let Some((owners, issuer)) = visible else {
            return Ok(reads::HoldFilter {
                is_empty: true,
                ..Default::default()
            });
        };
        Ok(reads::HoldFilter {
            owners,
            currency: self.currency.map(|code| number_of(ctx, code)),
            issuer,
            reference,
            status: self.status.map(|status| status.0),
            expires_from,
            expires_until,
            is_empty: false,
        })
    }
}
