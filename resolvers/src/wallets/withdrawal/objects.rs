//! Types of withdrawals.

use async_graphql::OneofObject;
use db::wallets::withdrawal::commands::{
    WITHDRAWAL_FAIL, WithdrawalFailProposal as StoredProposal,
};
use db::wallets::withdrawal::queries as reads;
use domain::wallets::withdrawal as rules;

use crate::eager::ReadyOption;
use crate::inputs::DateTimeRangeInput;
use crate::platform::approval::RegisteredProposal;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::hold::objects::{Hold, MetadataEntry, notes};
use crate::wallets::inputs::{
    ExternalId, ExternalKeyInput, OwnerInput, find_by_key, issuer_or, number_of, owners_within,
};
use crate::wallets::loaders::WalletLoader;
use crate::wallets::payment::ProviderPayment;
use crate::wallets::wallet::objects::{Money, WalletOwner};

owned_keys!(WithdrawalId);

/// States of a withdrawal.
pub type WithdrawalStatus = EnumOf<rules::WithdrawalStatus>;

object! {
    /// Payment out of the platform.
    Withdrawal(withdrawal: rules::Withdrawal) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&withdrawal.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = withdrawal.id.uuid,
        /// Amount, held until the withdrawal ends.
        amount: Money = Money::of(withdrawal.amount),
        /// Account or address to pay to, in the provider's notation, 1 to 200 characters.
        destination: String = withdrawal.destination,
        /// Time it was completed, failed or cancelled; null before that.
        ended_at: Option<DateTime> = withdrawal.ended_at.map(DateTime),
        /// Key given by the caller, 1 to 128 characters; null without one.
        external_id: Option<String> = withdrawal.external_id,
        /// Reason of the failure, 1 to 500 characters; null unless failed.
        failure_reason: Option<String> = withdrawal.failure_reason,
        /// Hold of the amount; null for callers without access.
        hold: Edge<Hold> = Edge::to(withdrawal.hold),
        /// Notes of the caller, at most 20.
        metadata: ReadyList<MetadataEntry> = notes(withdrawal.metadata),
        /// Owner of the wallet.
        owner: WalletOwner = WalletOwner::of(withdrawal.owner),
        /// Time processing began; null before that.
        processed_at: Option<DateTime> = withdrawal.processed_at.map(DateTime),
        /// Payment as identified by the payment provider; null before it is completed.
        payout: ReadyOption<ProviderPayment> = ReadyOption(withdrawal.payout.map(ProviderPayment::of)),
        /// Time of the request.
        requested_at: DateTime = withdrawal.requested_at.into(),
        /// State of the withdrawal.
        status: WithdrawalStatus = withdrawal.status.into(),
    }
}

node!(Withdrawal: WithdrawalId, |ctx, id| {
    let withdrawal = ctx.loader::<WalletLoader>().load_one(id).await?;
    let principal = ctx.principal();
    let may_see = |withdrawal: &rules::Withdrawal| {
        principal.may(Action::WithdrawalRead, principal.relation_to(withdrawal.owner))
    };
    Ok(withdrawal.filter(may_see).map(Self::of))
});

connection!(
    WithdrawalConnection,
    WithdrawalEdge,
    Withdrawal,
    "withdrawals",
    by(Timestamp, Uuid)
);

/// Key of a withdrawal.
#[derive(OneofObject)]
pub enum WithdrawalBy {
    /// Key given by the issuer.
    External(ExternalKeyInput),
    /// Global id of the withdrawal.
    Id(Id<Withdrawal>),
    /// Key in the platform's other services; slower than `id`.
    Uuid(Uuid),
}

// Withdrawals that people requested have no service.
find_by_key!(WithdrawalBy => WithdrawalId, |ctx, key| issuer_or(ctx, key.issuer, rules::PEOPLE).await?);

/// Conditions on withdrawals.
#[derive(InputObject, Default)]
pub struct WithdrawalFilter {
    /// Code of the currency.
    pub currency: Option<CurrencyCode>,
    /// Key given by the caller.
    pub external_id: Option<ExternalId>,
    /// Owner of the wallet.
    pub owner: Option<OwnerInput>,
    /// Time of the request.
    pub requested_at: Option<DateTimeRangeInput>,
    /// State of the withdrawal.
    pub status: Option<WithdrawalStatus>,
}

impl WithdrawalFilter {
    /// The filter of the database, restricted to what the caller may see, or to their own.
    pub(super) fn restricted(
        self,
        ctx: &Context<'_>,
        is_own: bool,
    ) -> Result<reads::WithdrawalFilter> {
        let (requested_from, requested_until) = match self.requested_at {
            Some(range) => range.ends()?,
            None => (None, None),
        };
        let action = (!is_own).then_some(Action::WithdrawalRead);
        Ok(reads::WithdrawalFilter {
            owners: owners_within(ctx.principal(), action, self.owner),
            currency: self.currency.map(|code| number_of(ctx, code)),
            external_id: self.external_id.map(|id| id.0),
            requested_from,
            requested_until,
            status: self.status.map(|status| status.0),
        })
    }
}

object! {
    /// Proposed `withdrawalFail`.
    WithdrawalFailProposal(proposal: StoredProposal) {
        /// Withdrawal.
        withdrawal: Edge<Withdrawal> = Edge::to(proposal.withdrawal.into()),
    }
}

impl From<StoredProposal> for WithdrawalFailProposal {
    fn from(proposal: StoredProposal) -> Self {
        Self::of(proposal)
    }
}

/// Member of `ApprovalProposal`.
pub(in crate::wallets) const FAIL_PROPOSAL: RegisteredProposal =
    RegisteredProposal::new::<StoredProposal, WithdrawalFailProposal>(WITHDRAWAL_FAIL.name);
