//! Who owns what: wallets, their kinds and their two buckets.

use uuid::Uuid;

use crate::ids::{AdvertiserId, MerchantId, UserId};
use crate::money::{Currency, Money};
use crate::time::Timestamp;

/// Who owns a wallet. Equal ids of two kinds are two owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalletOwner {
    /// What kind of owner.
    pub kind: OwnerKind,
    /// Its id within the kind; nil for the platform itself.
    pub id: Uuid,
}

impl WalletOwner {
    /// The platform itself.
    pub const SYSTEM: Self = Self {
        kind: OwnerKind::System,
        id: Uuid::nil(),
    };
}

impl From<UserId> for WalletOwner {
    fn from(id: UserId) -> Self {
        Self {
            kind: OwnerKind::User,
            id: id.0,
        }
    }
}

impl From<MerchantId> for WalletOwner {
    fn from(id: MerchantId) -> Self {
        Self {
            kind: OwnerKind::Merchant,
            id: id.0,
        }
    }
}

impl From<AdvertiserId> for WalletOwner {
    fn from(id: AdvertiserId) -> Self {
        Self {
            kind: OwnerKind::Advertiser,
            id: id.0,
        }
    }
}

/// Kinds of owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerKind {
    /// A person.
    User,
    /// A merchant.
    Merchant,
    /// An advertiser.
    Advertiser,
    /// The platform: house accounts, and accounts of a campaign or a reference.
    System,
}

/// What a wallet is for (`docs/LEDGER.md`, *Chart of accounts*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WalletKind {
    /// An owner's ordinary wallet.
    Main,
    /// What is left of a prepaid advertising account.
    BillingPrepaid,
    /// What a credit advertising account owes, as a negative balance.
    BillingCredit,
    /// The house's own money.
    Treasury,
    /// Where mined points come from.
    Mining,
    /// A campaign's funds for rewards.
    CampaignTreasury,
    /// Behind a campaign's vouchers.
    Escrow,
    /// Prices of sold vouchers, not yet earned.
    Proceeds,
    /// Between a settlement's losers and winners, per issuer and reference.
    Clearing,
    /// Fees earned.
    Fees,
    /// The other side of conversions.
    Fx,
    /// Advertising charges earned.
    Revenue,
    /// The world outside: deposits come from it, withdrawals go to it.
    External,
    /// Deposits nobody could be found for.
    Suspense,
}

impl WalletKind {
    /// Whether the wallet keeps a running balance. The others are too hot for one row that everybody updates;
    /// their balance is the sum of their transfers.
    #[must_use]
    pub fn has_balance(self) -> bool {
        !matches!(
            self,
            Self::Treasury
                | Self::Mining
                | Self::Escrow
                | Self::Proceeds
                | Self::Fees
                | Self::Fx
                | Self::Revenue
                | Self::External
        )
    }

    /// Whether the available balance may fall below zero.
    #[must_use]
    pub fn may_be_negative(self) -> bool {
        self == Self::BillingCredit || !self.has_balance()
    }
}

/// The two parts of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Can be spent.
    Available,
    /// Is reserved by holds.
    Held,
}

/// A wallet as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Whose.
    pub owner: WalletOwner,
    /// What for.
    pub kind: WalletKind,
    /// Of what.
    pub currency: Currency,
    /// What can be spent.
    pub available: Money,
    /// What holds reserve.
    pub held: Money,
    /// Raised by each side of a transfer written on it.
    pub sequence: i64,
    /// Whether nothing may leave it.
    pub is_frozen: bool,
    /// When it last moved; none before its first posting.
    pub last_posted_at: Option<Timestamp>,
}
