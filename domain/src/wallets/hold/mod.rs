//! Holds: amounts reserved in a wallet until they are released or settled, exactly once.

mod refusal;
mod rules;

pub(super) use refusal::{ALREADY_RELEASED, ALREADY_SETTLED, EXPIRED, NOT_FOUND, hold_ended};
pub use refusal::{HoldRefusal, HoldRefusalKind};
pub use rules::{Ended, NewHold, extend, place, release, settleable};

use uuid::Uuid;

use super::{Metadata, WalletOwner};
use crate::ids::HoldId;
use crate::money::Money;
use crate::named::named;
use crate::time::Timestamp;

/// An amount reserved in a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Id.
    pub id: HoldId,
    /// Owner of the wallet.
    pub owner: WalletOwner,
    /// Amount.
    pub amount: Money,
    /// Name of the service that placed it.
    pub issuer: String,
    /// Kind of the object that it is about: that of the service's reference, or of an object of the platform.
    pub reference_kind: String,
    /// Id of the object that it is about.
    pub reference_id: String,
    /// Reason in the issuer's words.
    pub reason: String,
    /// Key given by the issuer.
    pub external_id: Option<String>,
    /// Notes of the issuer.
    pub metadata: Metadata,
    /// State.
    pub status: HoldStatus,
    /// Cause of the release; none unless released.
    pub release_reason: Option<HoldReleaseReason>,
    /// Its settlement; none unless settled.
    pub settlement: Option<Uuid>,
    /// Time it was placed.
    pub created_at: Timestamp,
    /// Time from which it can only be released; none for those that do not expire.
    pub expires_at: Option<Timestamp>,
    /// Time of release or settlement.
    pub ended_at: Option<Timestamp>,
    /// Number of its events.
    pub version: i64,
}

named! {
    /// States of a hold.
    HoldStatus;

    /// The amount is reserved.
    Held = "HELD";
    /// The amount is available again.
    Released = "RELEASED";
    /// The amount went to the clearing account or was paid out.
    Settled = "SETTLED";
}

named! {
    /// Causes of a release.
    HoldReleaseReason;

    /// The hold expired.
    Expiry = "EXPIRY";
    /// Released by the service that placed it.
    Issuer = "ISSUER";
    /// The withdrawal failed or was cancelled.
    WithdrawalEnded = "WITHDRAWAL_ENDED";
}
