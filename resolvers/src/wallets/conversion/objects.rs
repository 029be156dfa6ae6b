//! Types of conversions.

use async_graphql::OneofObject;
use db::wallets::conversion::queries as reads;
use domain::wallets::conversion as rules;
use domain::wallets::withdrawal::PEOPLE;

use super::rates::RateSnapshot;
use crate::inputs::DateTimeRangeInput;
use crate::platform::users::User;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::hold::objects::{MetadataEntry, notes};
use crate::wallets::inputs::{ExternalId, ExternalKeyInput, find_by_key, issuer_or, number_of};
use crate::wallets::loaders::WalletLoader;
use crate::wallets::wallet::objects::Money;
use crate::wallets::wallet::transactions::Transaction;

owned_keys!(ConversionId);

object! {
    /// Exchange of an amount between two of a user's wallets.
    Conversion(conversion: rules::Conversion) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&conversion.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = conversion.id.uuid,
        /// Time of the conversion.
        created_at: DateTime = conversion.created_at.into(),
        /// Key given by the caller, 1 to 128 characters; null without one.
        external_id: Option<String> = conversion.external_id,
        /// Fee, in the currency received.
        fee: Money = Money::of(conversion.converted.fee),
        /// Fee in hundredths of a percent of the result.
        fee_bps: i32 = crate::wallets::whole(conversion.converted.fee_bps),
        /// Amount given.
        given: Money = Money::of(conversion.converted.given),
        /// Notes of the caller, at most 20.
        metadata: ReadyList<MetadataEntry> = notes(conversion.metadata),
        /// Rate used.
        rate: Edge<RateSnapshot> = Edge::to(conversion.rate),
        /// Amount received, after the fee.
        received: Money = Money::of(conversion.converted.received),
        /// Ledger transaction with its postings; null for services without the scope `wallet:read`.
        transaction: Edge<Transaction> = Edge::to(conversion.transaction_id),
        /// Person who owns both wallets; null for services without the scope `mining:read`.
        user: Edge<User> = Edge::to(conversion.id.user),
    }
}

node!(Conversion: ConversionId, |ctx, id| {
    let conversion = ctx.loader::<WalletLoader>().load_one(id).await?;
    let principal = ctx.principal();
    let may = principal.may(Action::ConversionRead, principal.relation_to(id.user));
    Ok(conversion.filter(|_| may).map(Self::of))
});

connection!(
    ConversionConnection,
    ConversionEdge,
    Conversion,
    "conversions",
    by(Timestamp, Uuid)
);

/// Key of a conversion.
#[derive(OneofObject)]
pub enum ConversionBy {
    /// Key given by the issuer.
    External(ExternalKeyInput),
    /// Global id of the conversion.
    Id(Id<Conversion>),
    /// Key in the platform's other services; slower than `id`.
    Uuid(Uuid),
}

find_by_key!(ConversionBy => ConversionId, |ctx, key| {
    if key.owner.0.user().is_none() {
        return Ok(None);
    }
    // Conversions that people requested have no service.
    issuer_or(ctx, key.issuer, PEOPLE).await?
});

/// Conditions on conversions.
#[derive(InputObject, Default)]
pub struct ConversionFilter {
    /// Time of the conversion.
    pub created_at: Option<DateTimeRangeInput>,
    /// Key given by the caller.
    pub external_id: Option<ExternalId>,
    /// Currency given.
    pub from: Option<CurrencyCode>,
    /// Currency received.
    pub to: Option<CurrencyCode>,
    /// Subject of the person's tokens.
    pub user_id: Option<OwnerKey>,
}

impl ConversionFilter {
    /// The filter of the database, restricted to what the caller may see.
    pub(super) fn restricted(self, ctx: &Context<'_>) -> Result<reads::ConversionFilter> {
        let (created_from, created_until) = match self.created_at {
            Some(range) => range.ends()?,
            None => (None, None),
        };
        let principal = ctx.principal();
        let named = self.user_id.map(UserId::from);
        let own = principal.person().map(|person| person.id);
        let sees_all = principal.may(Action::ConversionRead, Relation::Others);
        let is_empty = !sees_all && named.is_some_and(|named| Some(named) != own);
        Ok(reads::ConversionFilter {
            user: if sees_all { named } else { own },
            from: self.from.map(|code| number_of(ctx, code)),
            to: self.to.map(|code| number_of(ctx, code)),
            external_id: self.external_id.map(|id| id.0),
            created_from,
            created_until,
            is_empty,
        })
    }
}

object! {
    /// What a conversion would give now.
    ConversionQuote(converted: rules::Converted, rate: rules::Rate) {
        /// Fee, in the currency received.
        fee: Money = Money::of(converted.fee),
        /// Amount to give.
        given: Money = Money::of(converted.given),
        /// Rate in use.
        rate: Edge<RateSnapshot> = Edge::to(rate.key),
        /// Amount to receive, after the fee.
        received: Money = Money::of(converted.received),
    }
}
