//! Root fields of Mutation about holds.

use db::wallets::hold::commands::{self, HoldDraft, HoldPosted};

use super::objects::Hold;
use super::refusals::HoldUserError;
use crate::prelude::*;
use crate::wallets::configuration::objects::MoneyInput;
use crate::wallets::inputs::{ExternalId, Notes, OwnerInput, ServiceReferenceInput};
use crate::wallets::wallet::transactions::Transaction;

mutations! {
    /// Commands on holds.
    HoldMutation;

    /// Reserves an amount in an owner's wallet.
    hold_place = commands::HOLD_PLACE, |call| {
        let input = call.input;
        let draft = HoldDraft {
            owner: input.owner.0,
            amount: input.amount.parts(),
            issuer: input.reference.issuer.clone(),
            reference: (input.reference.reference_type.0.clone(), input.reference.reference_id.0.clone()),
            reason: input.reason.clone(),
            expires_at: input.expires_at.map(|at| at.0),
            external_id: input.external_id.as_ref().map(|id| id.0.clone()),
            metadata: input.metadata.0.clone(),
        };
        async move { commands::hold_place(call.tx, call.request, &draft).await }.boxed()
    };
    HoldPlaceInput(Required) {
        /// Amount to reserve, above 0.
        amount: MoneyInput,
        /// Time from which it can only be released; null for `orphanHoldMinutes` from now.
        expires_at: Option<DateTime>,
        /// Key of the hold, 1 to 128 characters, unique per service and owner; null without one.
        external_id: Option<ExternalId>,
        /// Notes, at most 20 and 2 KB in all.
        #[graphql(default)]
        metadata: Notes,
        /// Owner of the wallet.
        owner: OwnerInput,
        /// Reason, 1 to 500 characters.
        reason: String,
        /// Reference of the calling service.
        reference: ServiceReferenceInput,
    }
    HoldPlacePayload(HoldUserError) = |ctx, done: HoldPosted| {
        /// The new hold; null when refused.
        hold: Loaded<Hold> = load(ctx, done.hold.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = Transaction::load_commanded(ctx, done.transaction, [done.hold[0]]).await,
    }

    /// Moves the expiry of a hold to a later time.
    hold_extend = commands::HOLD_EXTEND, |call| {
        let (id, expires_at) = (call.input.hold_id.key, call.input.expires_at.0);
        commands::hold_extend(call.tx, call.request, id, expires_at).boxed()
    };
    HoldExtendInput(Optional) {
        /// New expiry, after the present one, at most `holdMaxDays` after placing.
        expires_at: DateTime,
        /// Hold of the calling service.
        hold_id: Id<Hold>,
    }
    HoldExtendPayload(HoldUserError) = |ctx, id: [Uuid; 2]| {
        /// The extended hold; null when refused.
        hold: Loaded<Hold> = load(ctx, id.into()).await,
    }

    /// Returns a hold's amount to the available balance.
    hold_release = commands::HOLD_RELEASE, |call| {
        commands::hold_release(call.tx, call.request, call.input.hold_id.key).boxed()
    };
    HoldReleaseInput(Required) {
        /// Hold of the calling service.
        hold_id: Id<Hold>,
    }
    HoldReleasePayload(HoldUserError) = |ctx, done: HoldPosted| {
        /// The released hold; null when refused.
        hold: Loaded<Hold> = load(ctx, done.hold.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = Transaction::load_commanded(ctx, done.transaction, [done.hold[0]]).await,
    }
}
