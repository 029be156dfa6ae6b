//! Freezing an owner, and lifting a cause of a freeze. Lifting a ban always needs a second person.

use domain::reason::Reason;
use domain::wallets::WalletOwner;
use domain::wallets::wallet::{self as rules, FreezeCause, Freezes, WalletRefusal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{OwnerKey, entity_of, not_own};
use crate::platform::approval::{self, NewApproval, Proposal};
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::text::named;
use crate::wallets::wallet::freezing;

commands! {
    WalletRefusal;
    WALLET_FREEZE = "wallets.wallet_freeze", WalletFreeze, Optional: ReasonInvalid, OwnAccount, Frozen;
    WALLET_UNFREEZE = "wallets.wallet_unfreeze", WalletUnfreeze, Optional: ReasonInvalid, OwnAccount, NotFrozen;
}

/// A decision of finance about an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerDecision {
    /// The owner.
    pub owner: WalletOwner,
    /// Reason for the audit log.
    pub reason: String,
}

impl OwnerDecision {
    /// Records the owner for the audit log and checks reason and caller.
    ///
    /// Refusals, in this order: [`WalletRefusal::ReasonInvalid`], [`WalletRefusal::OwnAccount`].
    fn check(&self, key: &mut Key, request: &Request) -> Result<Reason, WalletRefusal> {
        let reason = Reason::parse(&self.reason);
        let (kind, id) = (entity_of(self.owner), self.owner.id);
        key.about = Some(About::new(kind, Some(id), reason.clone()));
        let reason = reason.ok_or(WalletRefusal::ReasonInvalid)?;
        not_own(request, self.owner)?;
        Ok(reason)
    }
}

/// Result of [`wallet_unfreeze`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletUnfrozen {
    /// The owner.
    pub owner: OwnerKey,
    /// Approval that the command waits for.
    pub approval_id: Option<Uuid>,
}

/// A lifted cause that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfreezeProposal {
    /// The owner.
    pub owner: OwnerKey,
    /// Cause to lift.
    #[serde(with = "named")]
    pub cause: FreezeCause,
}

/// Freezes an owner for the cause FINANCE; returns the owner.
pub async fn wallet_freeze(
    tx: &mut Tx,
    request: &Request,
    decision: &OwnerDecision,
) -> Result<Answer<OwnerKey>> {
    once(tx, request, &WALLET_FREEZE, async |tx, key| {
        decision.check(key, request)?;
        let locked = freezing::lock(tx.conn(), decision.owner).await?;
        let cause = FreezeCause::Finance;
        let after = rules::freeze(&locked.freezes, cause)?;
        freezing::store(tx, &request.request_id, &locked, &after, cause).await?;
        key.change = Some(change(&locked.freezes, &after));
        Ok(decision.owner.into())
    })
    .await
}

/// Lifts one cause of an owner's freeze; that of a ban waits for a second person.
pub async fn wallet_unfreeze(
    tx: &mut Tx,
    request: &Request,
    decision: &OwnerDecision,
    cause: FreezeCause,
) -> Result<Answer<WalletUnfrozen>> {
    once(tx, request, &WALLET_UNFREEZE, async |tx, key| {
        let reason = decision.check(key, request)?;
        let owner = decision.owner;
        if !cause.needs_second_person() {
            key.change = Some(lift(tx, request, owner, cause).await?);
            return Ok(WalletUnfrozen {
                owner: owner.into(),
                approval_id: None,
            });
        }
        let before = freezing::lock(tx.conn(), owner).await?.freezes;
        rules::lift(&before, cause)?;
        let proposal = UnfreezeProposal {
            owner: owner.into(),
            cause,
        };
        let new = NewApproval {
            subjects: vec![owner],
            reason: &reason,
            proposal: &proposal,
            change: Change {
                before: shown(&before),
                after: json!({"cause": cause.name()}),
            },
        };
        Ok(WalletUnfrozen {
            owner: owner.into(),
            approval_id: Some(approval::request(tx, key, request, new).await?),
        })
    })
    .await
}

impl Proposal for UnfreezeProposal {
    type Refusal = WalletRefusal;
    const COMMAND: &'static crate::command::Command<WalletRefusal> = &WALLET_UNFREEZE;

    async fn carry_out(
        self,
        tx: &mut Tx,
        _: &mut Key,
        request: &Request,
        _: UserId,
    ) -> Result<approval::Effect, Stop<WalletRefusal>> {
        let owner = self.owner.into();
        // The second person may own the wallets as a merchant or an advertiser.
        not_own(request, owner)?;
        Ok(approval::Effect {
            entity: (entity_of(owner), owner.id),
            change: lift(tx, request, owner, self.cause).await?,
        })
    }
}

/// Lifts a cause; returns the change for the audit log.
async fn lift(
    tx: &mut Tx,
    request: &Request,
    owner: WalletOwner,
    cause: FreezeCause,
) -> Result<Change, Stop<WalletRefusal>> {
    let locked = freezing::lock(tx.conn(), owner).await?;
    let after = rules::lift(&locked.freezes, cause)?;
    freezing::store(tx, &request.request_id, &locked, &after, cause).await?;
    Ok(change(&locked.freezes, &after))
}

fn change(before: &Freezes, after: &Freezes) -> Change {
    Change {
        before: shown(before),
        after: shown(after),
    }
}

/// An owner in the audit log, under the names of the API.
fn shown(freezes: &Freezes) -> Value {
    json!({"freezes": freezing::names(freezes)})
}
