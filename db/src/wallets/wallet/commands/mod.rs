//! Commands on wallets as a whole, treasuries and accounts of the house.

mod freezes;
mod fundings;
mod house_transfers;
mod issuance;
mod reversals;
mod rewards;

use domain::money::Currency;
use domain::wallets::wallet::WalletRefusal;
use domain::wallets::{OwnerKind, PostingRefusal, WalletOwner};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::command::{Described, Request, Stop};
use crate::text::named;

pub use freezes::{
    OwnerDecision, UnfreezeProposal, WALLET_FREEZE, WALLET_UNFREEZE, WalletUnfrozen, wallet_freeze,
    wallet_unfreeze,
};
pub use fundings::{FundingDraft, FundingProposal, TREASURY_FUND, TreasuryFunded, treasury_fund};
pub use house_transfers::{
    HOUSE_TRANSFER, HouseTransferDraft, HouseTransferProposal, house_transfer,
};
pub use issuance::issuance_count;
pub(crate) use issuance::left_to_issue;
pub use reversals::{ReversalProposal, TRANSACTION_REVERSE, transaction_reverse};
pub use rewards::{REWARD_MINT, RewardDraft, RewardMinted, reward_mint};

/// Descriptors of the commands on freezes.
pub(in crate::wallets) const FREEZES: &[Described] = freezes::COMMANDS;
/// Descriptors of the commands on treasuries of campaigns.
pub(in crate::wallets) const FUNDINGS: &[Described] = fundings::COMMANDS;
/// Descriptors of the commands on rewards.
pub(in crate::wallets) const REWARDS: &[Described] = rewards::COMMANDS;
/// Descriptors of the commands on accounts of the house.
pub(in crate::wallets) const HOUSE_TRANSFERS: &[Described] = house_transfers::COMMANDS;

/// Descriptors of the commands on transactions.
pub(in crate::wallets) const REVERSALS: &[Described] = reversals::COMMANDS;

/// An owner of wallets, as results and proposals store it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerKey {
    /// Kind of the owner.
    #[serde(with = "named")]
    pub kind: OwnerKind,
    /// Id within the kind.
    pub id: Uuid,
}

impl From<WalletOwner> for OwnerKey {
    fn from(WalletOwner { kind, id }: WalletOwner) -> Self {
        Self { kind, id }
    }
}

impl From<OwnerKey> for WalletOwner {
    fn from(OwnerKey { kind, id }: OwnerKey) -> Self {
        Self { kind, id }
    }
}

/// A rewards campaign as the owner of its treasury.
fn campaign_owner(campaign: Uuid) -> WalletOwner {
    WalletOwner {
        kind: OwnerKind::System,
        id: campaign,
    }
}

/// Kind by which the audit log names an owner.
fn entity_of(owner: WalletOwner) -> &'static str {
    match owner.kind {
        OwnerKind::User => "user",
        OwnerKind::Merchant => "merchant",
        OwnerKind::Advertiser => "advertiser",
        OwnerKind::System => "system",
    }
}

/// Checks that the owner is not the caller in any of their capacities.
///
/// Refusal: [`WalletRefusal::OwnAccount`].
fn not_own(request: &Request, owner: WalletOwner) -> Result<(), WalletRefusal> {
    if request.principal.is_own(owner) {
        Err(WalletRefusal::OwnAccount)
    } else {
        Ok(())
    }
}

/// The refusal of a command whose posting credits a wallet of any balance.
fn overflow(refusal: PostingRefusal) -> Stop<WalletRefusal> {
    match refusal {
        PostingRefusal::Overflow => Stop::Refused(WalletRefusal::BalanceOverflow),
        PostingRefusal::InsufficientFunds { .. }
        | PostingRefusal::Malformed
        | PostingRefusal::WalletFrozen { .. } => Stop::Fault(refusal.into()),
    }
}

/// The refusal of a posting, where `short` is that of a balance which is too low.
fn short_or_overflow(
    refusal: PostingRefusal,
    currency: Currency,
    short: impl FnOnce(rust_decimal::Decimal) -> WalletRefusal,
) -> Stop<WalletRefusal> {
    match refusal {
        PostingRefusal::InsufficientFunds { available, .. } => {
            Stop::Refused(short(available.to_decimal(currency.scale)))
        }
        // Nothing is available of a frozen wallet.
        PostingRefusal::WalletFrozen { .. } => {
            Stop::Refused(short(rust_decimal::Decimal::new(0, currency.scale.into())))
        }
        PostingRefusal::Overflow | PostingRefusal::Malformed => overflow(refusal),
    }
}
