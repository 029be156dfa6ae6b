//! Wallets: owners, kinds and buckets.

use uuid::Uuid;

use super::posting::WalletKey;
use crate::ids::{AdvertiserId, MerchantId, UserId};
use crate::money::{Currency, Money};
use crate::named::named;
use crate::time::Timestamp;

/// Owner of a wallet. Equal ids of two kinds are two owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalletOwner {
    /// Kind of the owner.
    pub kind: OwnerKind,
    /// Id within the kind; nil for the platform itself.
    pub id: Uuid,
}

impl WalletOwner {
    /// The platform itself.
    pub const SYSTEM: Self = Self {
        kind: OwnerKind::System,
        id: Uuid::nil(),
    };
}

impl WalletOwner {
    /// The person, if the owner is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        (self.kind == OwnerKind::User).then_some(UserId(self.id))
    }
}

/// Declares the owners that ids of the platform name.
macro_rules! owners {
    ($($id:ident: $kind:ident),+) => {
        $(impl From<$id> for WalletOwner {
            fn from(id: $id) -> Self {
                Self {
                    kind: OwnerKind::$kind,
                    id: id.0,
                }
            }
        })+
    };
}
owners!(UserId: User, MerchantId: Merchant, AdvertiserId: Advertiser);

named! {
    /// Kinds of owners of wallets.
    OwnerKind, "WalletOwnerKind";

    /// Person: subject of the token.
    User = "USER";
    /// Merchant: `merchant_id` of the token, else its subject.
    Merchant = "MERCHANT";
    /// Advertiser: `advertiser_id` of the token, else its subject.
    Advertiser = "ADVERTISER";
    /// The platform.
    System = "SYSTEM";
}

impl OwnerKind {
    /// Whether owners of this kind have an ordinary wallet; the platform has accounts for single purposes only.
    #[must_use]
    pub const fn has_main_wallet(self) -> bool {
        !matches!(self, Self::System)
    }
}

named! {
    /// Purpose of a wallet (`docs/LEDGER.md`, *Chart of accounts*).
    WalletKind;

    /// An owner's ordinary wallet.
    Main = "MAIN";

    /// Balance of a prepaid advertising account.
    BillingPrepaid = "BILLING_PREPAID";

    /// Debt of a credit advertising account, as a negative balance.
    BillingCredit = "BILLING_CREDIT";

    /// Money of the house.
    Treasury = "TREASURY";

    /// Source of mined points.
    Mining = "MINING";

    /// A campaign's funds for rewards.
    CampaignTreasury = "CAMPAIGN_TREASURY";

    /// Funds that back a campaign's vouchers.
    Escrow = "ESCROW";

    /// Prices of sold vouchers that are not earned yet.
    Proceeds = "PROCEEDS";

    /// Money between the losers and winners of a settlement, per issuer and reference.
    Clearing = "CLEARING";

    /// Earned fees.
    Fees = "FEES";

    /// Counterpart of conversions.
    Fx = "FX";

    /// Earned advertising charges.
    Revenue = "REVENUE";

    /// The outside world: source of deposits, destination of withdrawals.
    External = "EXTERNAL";

    /// Deposits without a known owner.
    Suspense = "SUSPENSE";

    /// Passage between two homes; its transfers sum to zero in each transaction and currency.
    Transit = "TRANSIT";
}

impl WalletKind {
    /// Whether transfers have a home because of this side: that of the wallet's owner. The other kinds belong to the house
    /// as a whole, and their transfers are stored with the opposite side.
    #[must_use]
    pub fn has_home(self) -> bool {
        !matches!(
            self,
            Self::Treasury
                | Self::Mining
                | Self::Fees
                | Self::Fx
                | Self::Revenue
                | Self::External
                | Self::Transit
        )
    }

    /// Whether an owner has one wallet of this kind per campaign.
    #[must_use]
    pub fn is_per_campaign(self) -> bool {
        matches!(self, Self::Escrow | Self::Proceeds)
    }

    /// Whether the wallet keeps a running balance. The others would be a hot row for every posting; their balance is
    /// the sum of their transfers.
    #[must_use]
    pub fn has_balance(self) -> bool {
        self.has_home() && !self.is_per_campaign()
    }

    /// Whether the available balance may fall below zero.
    #[must_use]
    pub fn may_be_negative(self) -> bool {
        self == Self::BillingCredit || !self.has_balance()
    }
}

named! {
    /// Parts of a wallet.
    Bucket, "WalletBucket";

    /// Can be spent.
    Available = "AVAILABLE";
    /// Reserved by holds.
    Held = "HELD";
}

/// A wallet as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Owner.
    pub owner: WalletOwner,
    /// Kind.
    pub kind: WalletKind,
    /// Currency.
    pub currency: Currency,
    /// Campaign of ESCROW and PROCEEDS; nil for the other kinds.
    pub for_id: Uuid,
    /// Spendable amount.
    pub available: Money,
    /// Amount reserved by holds.
    pub held: Money,
    /// Number of entries; raised by each side of a transfer.
    pub sequence: i64,
    /// Number of changes, a freeze too.
    pub version: i64,
    /// Whether debits are refused.
    pub is_frozen: bool,
    /// Time of the last posting; none before the first.
    pub last_posted_at: Option<Timestamp>,
}

impl Wallet {
    /// Key.
    #[must_use]
    pub fn key(&self) -> WalletKey {
        WalletKey {
            owner: self.owner,
            kind: self.kind,
            currency: self.currency.code,
            for_id: self.for_id,
        }
    }
}
