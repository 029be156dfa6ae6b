//! The end of a withdrawal, by a command or by the provider's answer: its posting, its hold and its event.

use domain::wallets::hold::{Hold, HoldReleaseReason, HoldStatus};
use domain::wallets::withdrawal::{PEOPLE, Withdrawal, WithdrawalStatus};
use domain::wallets::{
    Metadata, Posted, PostingCause, ProviderPayment, TransferReason, VelocityOperation,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::locks;
use crate::outbox::SubjectEvents;
use crate::prelude::*;
use crate::schema::{holds, withdrawals};
use crate::wallets::directory::{self, Space};
use crate::wallets::hold::commands::post_by;
use crate::wallets::hold::locks as hold_locks;
use crate::wallets::velocity;

/// An event of a withdrawal. `docs/EVENTS.md` documents them. Each has the fields of [`WithdrawalEvents::of`] too.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload")]
#[expect(
    clippy::enum_variant_names,
    reason = "the variants are the events' names"
)]
pub(super) enum WithdrawalEvent {
    WithdrawalRequested {},
    WithdrawalProcessing {},
    WithdrawalCompleted { provider: String, reference: String },
    WithdrawalFailed { reason: String },
    WithdrawalCancelled {},
}

/// Events of one withdrawal in one command.
pub(super) type WithdrawalEvents = SubjectEvents<WithdrawalEvent>;

impl WithdrawalEvents {
    /// An empty list for a withdrawal.
    pub(super) fn of(withdrawal: &Withdrawal, transaction_id: Option<TransactionId>) -> Self {
        let mut events = Self::new("withdrawal", withdrawal.id.uuid, withdrawal.version);
        events.audience = withdrawal.owner.user();
        events.transaction_id = transaction_id;
        let fields = json!({
            "withdrawalId": withdrawal.id.uuid,
            "ownerKind": withdrawal.owner.kind.name(), "ownerId": withdrawal.owner.id,
            "amount": withdrawal.amount.to_decimal(), "currency": withdrawal.amount.currency.code.as_str(),
            "destination": withdrawal.masked_destination(), "transactionId": transaction_id.map(|id| id.0),
        });
        if let Value::Object(fields) = fields {
            events.common = fields;
        }
        events
    }
}

/// The end of a withdrawal.
pub(super) enum Ending {
    /// Cancelled by the owner.
    Cancelled,
    /// Paid.
    Completed(ProviderPayment),
    /// Not paid, for a reason.
    Failed(String),
}

impl Ending {
    fn status(&self) -> WithdrawalStatus {
        match self {
            Self::Cancelled => WithdrawalStatus::Cancelled,
            Self::Completed(_) => WithdrawalStatus::Completed,
            Self::Failed(_) => WithdrawalStatus::Failed,
        }
    }

    fn transfer(&self) -> TransferReason {
        match self {
            Self::Cancelled => TransferReason::WithdrawalCancelled,
            Self::Completed(_) => TransferReason::WithdrawalCompleted,
            Self::Failed(_) => TransferReason::WithdrawalFailed,
        }
    }
}

/// Cause of a posting and its event: a request, or the job.
pub(super) struct Cause<'a> {
    /// Cause of the posting.
    pub posting: PostingCause,
    /// Id of the request, or name of the job.
    pub id: &'a str,
}

impl<'a> Cause<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        Self {
            posting: request.posting_cause(),
            id: &request.request_id,
        }
    }
}

/// Ends a locked withdrawal: posts its amount, ends its hold, and stores both with the event.
pub(super) async fn finish(
    tx: &mut Tx,
    cause: Cause<'_>,
    withdrawal: &Withdrawal,
    ending: Ending,
) -> Result<(Withdrawal, Posted)> {
    let hold = hold_of(withdrawal);
    let (transaction_id, posted) = post_by(tx, cause.posting, &hold, ending.transfer()).await?;
    let posted = posted?;
    hold_locks::lock(tx, hold.id).await?;
    let now = posted.posted_at;
    let is_paid = matches!(ending, Ending::Completed(_));
    let status = ending.status();
    let mut ended = Withdrawal {
        status,
        ended_at: Some(now),
        ..withdrawal.clone()
    };
    let event = match ending {
        Ending::Cancelled => WithdrawalEvent::WithdrawalCancelled {},
        Ending::Completed(payout) => {
            let event = WithdrawalEvent::WithdrawalCompleted {
                provider: payout.provider.clone(),
                reference: payout.reference.clone(),
            };
            directory::store(tx, Space::Payout, &payout, withdrawal.id.into());
            ended.payout = Some(payout);
            event
        }
        Ending::Failed(reason) => {
            ended.failure_reason = Some(reason.clone());
            WithdrawalEvent::WithdrawalFailed { reason }
        }
    };
    let mut events = WithdrawalEvents::of(withdrawal, Some(transaction_id));
    events.push(event);
    ended.version = events.enqueue(tx, cause.id)?;
    let (hold_status, release) = if is_paid {
        (HoldStatus::Settled, None)
    } else {
        let operation = VelocityOperation::Withdrawal;
        let at = withdrawal.requested_at;
        velocity::give_back(tx, operation, withdrawal.owner, withdrawal.amount, at);
        let reason = HoldReleaseReason::WithdrawalEnded;
        (HoldStatus::Released, Some(reason.name()))
    };
    let end = (
        holds::status.eq(hold_status.name()),
        holds::release_reason.eq(release),
        holds::ended_at.eq(now),
    );
    let update = diesel::update(hold_locks::held(hold.id)).set(end);
    tx.write_last("holds", 1, update);
    let payout = ended.payout.clone();
    let change = (
        withdrawals::status.eq(status.name()),
        withdrawals::ended_at.eq(now),
        withdrawals::failure_reason.eq(ended.failure_reason.clone()),
        withdrawals::payout_provider.eq(payout.as_ref().map(|payout| payout.provider.clone())),
        withdrawals::payout_reference.eq(payout.map(|payout| payout.reference)),
        withdrawals::next_attempt_at.eq(None::<Timestamp>),
        withdrawals::version.eq(ended.version),
    );
    let row = locks::in_status(withdrawal.id, withdrawal.status);
    tx.write_last("withdrawals", 1, diesel::update(row).set(change));
    Ok((ended, posted))
}

/// The hold of a withdrawal's amount. It does not expire.
pub(super) fn hold_of(withdrawal: &Withdrawal) -> Hold {
    Hold {
        id: withdrawal.hold,
        owner: withdrawal.owner,
        amount: withdrawal.amount,
        issuer: PEOPLE.to_owned(),
        reference_kind: "withdrawal".to_owned(),
        reference_id: withdrawal.id.uuid.to_string(),
        reason: "Withdrawal".to_owned(),
        external_id: None,
        metadata: Metadata::default(),
        status: HoldStatus::Held,
        release_reason: None,
        settlement: None,
        created_at: withdrawal.requested_at,
        expires_at: None,
        ended_at: None,
        version: 0,
    }
}
