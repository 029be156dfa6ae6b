//! Typed ids: ids of two kinds cannot be swapped.

use std::fmt;

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

/// Declares ids that carry their owner: the owner is the key by which the rows are distributed.
macro_rules! owned_ids {
    ($($(#[$doc:meta])* $name:ident { $(#[$owner_doc:meta])* $owner:ident: $type:ty })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            $(#[$owner_doc])*
            pub $owner: $type,
            /// Id without the owner, as other services know it.
            pub uuid: Uuid,
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} of {}", self.uuid, self.$owner)
            }
        }

        impl From<[Uuid; 2]> for $name {
            fn from([owner, uuid]: [Uuid; 2]) -> Self {
                Self {
                    $owner: owner.into(),
                    uuid,
                }
            }
        }

        impl From<$name> for [Uuid; 2] {
            fn from(id: $name) -> Self {
                [id.$owner.0, id.uuid]
            }
        }
    )+};
}

ids! {
    /// A person of the platform: the `sub` of their token.
    UserId,
    /// A merchant, kept by another service of the platform.
    MerchantId,
    /// An advertiser, kept by another service of the platform.
    AdvertiserId,
    /// An owner of wallets, of any kind.
    OwnerId,
    /// A security circle.
    CircleId,
    /// A command that waits for a second person.
    ApprovalId,
    /// A named group of transfers: one business event in the ledger.
    TransactionId,
    /// A run of the ledger's checker.
    ReconciliationRunId,
}

owned_ids! {
    /// A miner, one per user.
    MinerId {
        /// The user.
        user: UserId
    }
    /// A mining session.
    SessionId {
        /// User of the miner.
        user: UserId
    }
    /// An entry of a miner's history.
    HistoryId {
        /// User of the miner.
        user: UserId
    }
    /// An invitation into a circle.
    CircleInvitationId {
        /// The circle.
        circle: CircleId
    }
    /// A hold in a wallet.
    HoldId {
        /// Owner of the wallet.
        owner: OwnerId
    }
    /// The settlement of a hold.
    SettlementId {
        /// Owner of the hold's wallet.
        owner: OwnerId
    }
    /// A payment from outside.
    DepositId {
        /// Owner credited at once; nil for a deposit that had no known owner.
        owner: OwnerId
    }
    /// A payment out of the platform.
    WithdrawalId {
        /// Owner of the wallet.
        owner: OwnerId
    }
    /// An exchange between two wallets of a person.
    ConversionId {
        /// The person.
        user: UserId
    }
    /// A campaign of a merchant.
    CampaignId {
        /// The merchant.
        merchant: MerchantId
    }
    /// A voucher of a campaign.
    VoucherId {
        /// Merchant of the campaign.
        merchant: MerchantId
    }
    /// Use of a voucher.
    RedemptionId {
        /// Merchant of the voucher's campaign.
        merchant: MerchantId
    }
    /// A referral of one miner by another.
    ReferralId {
        /// User of the referrer.
        referrer: UserId
    }
}

impl From<MinerId> for UserId {
    fn from(miner: MinerId) -> Self {
        miner.user
    }
}
