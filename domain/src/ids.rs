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

ids! {
    /// A person of the platform: the `sub` of their token.
    UserId,
    /// A merchant, kept by another service of the platform.
    MerchantId,
    /// An advertiser, kept by another service of the platform.
    AdvertiserId,
    /// A miner's profile, one per user.
    MinerId,
    /// A mining session.
    SessionId,
    /// An entry of a miner's history.
    HistoryId,
    /// A security circle.
    CircleId,
    /// An invitation into a circle.
    CircleInvitationId,
    /// A referral of one miner by another.
    ReferralId,
    /// A command that waits for a second person.
    ApprovalId,
    /// A named group of transfers: one business event in the ledger.
    TransactionId,
}
