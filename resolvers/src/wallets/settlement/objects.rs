//! Types of settlements and clearing accounts.

use chrono::TimeDelta;
use db::wallets::settlement::{ClearingAccount as StoredClearing, queries as reads};
use domain::money::{CurrencyCode as Code, Money as Exact};
use domain::time::{hours, plus};
use domain::wallets::{
    OwnerKind, ServiceReference as Reference, WalletKey, WalletKind, WalletOwner as Owner,
    settlement as rules,
};

use crate::inputs::DateTimeRangeInput;
use crate::node::KeyPart;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::hold::objects::Hold;
use crate::wallets::inputs::{
    OwnerInput, ServiceReferenceInput, configuration, issuer, number_of, own_issuer, service_name,
    visible_within,
};
use crate::wallets::loaders::WalletLoader;
use crate::wallets::references::ServiceReference;
use crate::wallets::wallet::objects::{Money, Wallet, WalletOwner, main};
use crate::wallets::wallet::transactions::Transaction;

owned_keys!(SettlementId);

/// Outcomes of a settlement.
pub type SettlementOutcome = EnumOf<rules::SettlementOutcome>;

object! {
    /// Amount paid to an owner.
    Payout(payout: rules::Payout, of: Exact) {
        /// Amount, in the currency of the hold.
        amount: Money = Money::of(Exact { amount: payout.amount, ..of }),
        /// Owner who received it.
        owner: WalletOwner = WalletOwner::of(payout.owner),
    }
}

object! {
    /// Final use of a hold.
    Settlement(settlement: rules::Settlement) {
        let amount = settlement.amount;
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&settlement.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = settlement.id.uuid,
        /// Amount moved to the clearing account; the rest of the hold was released.
        amount: Money = Money::of(amount),
        /// Time of the settlement.
        created_at: DateTime = settlement.created_at.into(),
        /// The settled hold.
        hold: Edge<Hold> = Edge::to(settlement.hold),
        /// Outcome for the hold's owner.
        outcome: SettlementOutcome = settlement.outcome.into(),
        /// Amounts paid from the clearing account, at most 10; empty for a loss.
        payouts: ReadyList<Payout> =
            ReadyList(settlement.payouts.into_iter().map(|payout| Payout::of(payout, amount)).collect()),
        /// Ledger transaction with its postings.
        transaction: Edge<Transaction> = Edge::to(settlement.transaction_id),
    }
}

node!(Settlement: SettlementId, |ctx, id| {
    let settlement = ctx.loader::<WalletLoader>().load_one(id).await?;
    Ok(match settlement {
        Some(settlement) if is_visible(ctx, &settlement).await? => Some(Self::of(settlement)),
        _ => None,
    })
});

/// Whether the caller may see a settlement: a service its own, others by the policy.
async fn is_visible(ctx: &Context<'_>, settlement: &rules::Settlement) -> Result<bool> {
    let principal = ctx.principal();
    if !principal.may(
        Action::SettlementRead,
        principal.relation_to(settlement.owner),
    ) {
        return Ok(false);
    }
    Ok(match principal {
        Principal::Service(_) => own_issuer(ctx)
            .await?
            .is_some_and(|own| own == settlement.issuer),
        _ => true,
    })
}

connection!(
    SettlementConnection,
    SettlementEdge,
    Settlement,
    "settlements",
    by(Timestamp, Uuid)
);

/// Conditions on settlements.
#[derive(InputObject, Default)]
pub struct SettlementFilter {
    /// Time of the settlement.
    pub created_at: Option<DateTimeRangeInput>,
    /// Name of the service.
    pub issuer: Option<String>,
    /// Outcome for the hold's owner.
    pub outcome: Option<SettlementOutcome>,
    /// Owner of the hold.
    pub owner: Option<OwnerInput>,
}

impl SettlementFilter {
    /// The filter of the database, restricted to what the caller may see.
    pub(super) async fn restricted(self, ctx: &Context<'_>) -> Result<reads::SettlementFilter> {
        let (from, until) = match self.created_at {
            Some(range) => range.ends()?,
            None => (None, None),
        };
        let visible = visible_within(ctx, Action::SettlementRead, self.owner, self.issuer).await?;
        let Some((owners, issuer)) = visible else {
            return Ok(reads::SettlementFilter {
                is_empty: true,
                ..Default::default()
            });
        };
        Ok(reads::SettlementFilter {
            owners,
            issuer,
            outcome: self.outcome.map(|outcome| outcome.0),
            from,
            until,
            is_empty: false,
        })
    }
}

/// Owner and currency of a clearing account, as the key of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClearingKey(pub OwnerId, pub Code);

impl NodeKey for ClearingKey {
    fn part(&self) -> KeyPart {
        KeyPart::Text(format!("{}:{}", self.0.0.simple(), self.1))
    }

    fn read(text: &str) -> Option<Self> {
        let (owner, currency) = text.split_once(':')?;
        Some(Self(
            OwnerId(Uuid::try_parse(owner).ok()?),
            Code::parse(currency)?,
        ))
    }
}

object! {
    /// Account between losers and winners of one reference of a service.
    ClearingAccount(account: StoredClearing, overdue_before: Timestamp) {
        let key = ClearingKey(account.owner, account.balance.currency.code);
        let wallet = main(Owner { kind: OwnerKind::System, id: key.0.0 }, key.1);
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&key),
        /// Key of the object in the platform's other services.
        uuid: Uuid = account.owner.0,
        /// Amount in the account, from 0.
        balance: Money = Money::of(account.balance),
        /// Whether it has not been at zero for `clearingAgeHours`.
        is_overdue: bool = account.open_since.is_some_and(|since| since <= overdue_before),
        /// Time of the first posting.
        opened_at: DateTime = account.opened_at.into(),
        /// Reference of the account.
        reference: ServiceReference = ServiceReference::of(account.reference),
        /// The account with its entries; null for services.
        wallet: Edge<Wallet> = Edge::to(WalletKey { kind: WalletKind::Clearing, ..wallet }),
    }
}

node!(ClearingAccount: ClearingKey, |ctx, key| {
    if !ctx.may(Action::ClearingRead, Relation::Others) {
        return Ok(None);
    }
    let found = ctx.loader::<WalletLoader>().load_one((key.0, key.1)).await?;
    let own = own_issuer(ctx).await?;
    let is_service = matches!(ctx.principal(), Principal::Service(_));
    let found = found.filter(|account| !is_service || own.as_ref() == Some(&account.reference.issuer));
    Ok(match found {
        Some(account) => Some(Self::of(account, overdue_before(ctx).await?)),
        None => None,
    })
});

/// Time before which a clearing account that is not at zero is overdue.
pub(crate) async fn overdue_before(ctx: &Context<'_>) -> Result<Timestamp> {
    let age = hours(configuration(ctx).await?.clearing_age_hours);
    let now = ctx
        .db()
        .read(async |conn| db::clock::now(conn).await)
        .await?;
    Ok(plus(now, TimeDelta::zero() - age))
}

connection!(
    ClearingAccountConnection,
    ClearingAccountEdge,
    ClearingAccount,
    "clearing accounts",
    by(Timestamp, Uuid)
);

/// Conditions on clearing accounts.
#[derive(InputObject, Default)]
pub struct ClearingAccountFilter {
    /// Code of the currency.
    pub currency: Option<CurrencyCode>,
    /// Whether it has not been at zero for `clearingAgeHours`.
    pub is_overdue: Option<bool>,
    /// Name of the service.
    pub issuer: Option<String>,
    /// Reference of the account.
    pub reference: Option<ServiceReferenceInput>,
}

impl ClearingAccountFilter {
    /// The filter of the database, restricted to what the caller may see.
    pub(super) async fn restricted(
        self,
        ctx: &Context<'_>,
        overdue_before: Timestamp,
    ) -> Result<reads::ClearingFilter> {
        let own = own_issuer(ctx).await?;
        let is_service = matches!(ctx.principal(), Principal::Service(_));
        if is_service && own.is_none() {
            return Ok(reads::ClearingFilter {
                is_empty: true,
                ..Default::default()
            });
        }
        let named = self.issuer.map(service_name).transpose()?;
        let mut named: Vec<_> = named.into_iter().collect();
        let mut owner = None;
        if let Some(reference) = self.reference {
            let of_filter = named.first().cloned();
            let issuer = issuer(ctx, reference.issuer.or(of_filter)).await?;
            named.push(issuer.clone());
            let reference = Reference {
                issuer,
                of_type: reference.reference_type.0,
                id: reference.reference_id.0,
            };
            owner = Some(OwnerId(reference.clearing_owner().id));
        }
        named.extend(own);
        let differ = named.windows(2).any(|two| two[0] != two[1]);
        Ok(reads::ClearingFilter {
            currency: self.currency.map(|code| number_of(ctx, code)),
            is_empty: differ,
            issuer: named.pop(),
            owner,
            is_overdue: self
                .is_overdue
                .map(|is_overdue| (overdue_before, is_overdue)),
        })
    }
}
