//! Commands on wallets as a whole, treasuries and accounts of the house.

mod freezes;

use domain::access::Relation;
use domain::wallets::wallet::WalletRefusal;
use domain::wallets::{OwnerKind, WalletOwner};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::command::{Described, Request};
use crate::text::named;

pub use freezes::{
    OwnerDecision, UnfreezeProposal, WALLET_FREEZE, WALLET_UNFREEZE, WalletUnfrozen, wallet_freeze,
    wallet_unfreeze,
};

/// Descriptors of the commands on freezes.
pub(in crate::wallets) const FREEZES: &[Described] = freezes::COMMANDS;

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
    match request.principal.relation_to(owner) {
        Relation::Own => Err(WalletRefusal::OwnAccount),
        Relation::Others => Ok(()),
    }
}
