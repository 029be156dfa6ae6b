//! Commands on withdrawals, with their events: request, cancel, process, complete, fail.

use domain::access::Principal;
use domain::money::CurrencyCode;
use domain::reason::Reason;
use domain::wallets::withdrawal::{
    self as rules, PEOPLE, Withdrawal, WithdrawalRefusal, WithdrawalStatus,
};
use domain::wallets::{
    Metadata, PostingRefusal, ProviderPayment, TransferReason, VelocityOperation, WalletOwner,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ending::{Cause, Ending, WithdrawalEvent, WithdrawalEvents, finish, hold_of};
use super::locks;
use super::rows::WithdrawalRow;
use crate::platform::approval::{self, NewApproval, Proposal};
use crate::platform::audit::{About, Change};
use crate::platform::users;
use crate::prelude::*;
use crate::schema::{holds, owners, withdrawals};
use crate::wallets::directory::{self, Space};
use crate::wallets::hold::commands::post_by;
use crate::wallets::hold::rows::HoldRow;
use crate::wallets::{configuration, issuer, velocity};

commands! {
    WithdrawalRefusal;
    WITHDRAWAL_REQUEST = "wallets.withdrawal_request", WithdrawalRequest, Required:
        CurrencyUnknown, AmountInvalid, DestinationInvalid, KycRequired, DuplicateExternalId, WalletFrozen, VelocityLimit,
        InsufficientFunds;
    WITHDRAWAL_CANCEL = "wallets.withdrawal_cancel", WithdrawalCancel, Required: NotFound, StatusInvalid;
    WITHDRAWAL_PROCESS = "wallets.withdrawal_process", WithdrawalProcess, Optional:
        NotFound, OwnAccount, StatusInvalid, WalletFrozen;
    WITHDRAWAL_COMPLETE = "wallets.withdrawal_complete", WithdrawalComplete, Required:
        NotFound, OwnAccount, StatusInvalid, PayoutReferenceUsed;
    WITHDRAWAL_FAIL = "wallets.withdrawal_fail", WithdrawalFail, Required:
        ReasonInvalid, NotFound, OwnAccount, StatusInvalid;
}

/// A withdrawal as it is requested.
#[derive(Clone, Debug)]
pub struct WithdrawalDraft {
    /// Owner of the wallet; none for the calling person.
    pub owner: Option<WalletOwner>,
    /// Amount and currency.
    pub amount: (Decimal, CurrencyCode),
    /// Account or address to pay to.
    pub destination: String,
    /// Key given by the caller.
    pub external_id: Option<String>,
    /// Notes.
    pub metadata: Metadata,
}

/// Result of the commands on withdrawals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalDone {
    /// Owner of the wallet, and the withdrawal.
    pub withdrawal: [Uuid; 2],
    /// The posting; none when nothing was posted.
    pub transaction: Option<Uuid>,
    /// Approval that the command waits for.
    pub approval_id: Option<Uuid>,
}

/// A failure that waits for a second person: the provider may have paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalFailProposal {
    /// Owner of the wallet, and the withdrawal.
    pub withdrawal: [Uuid; 2],
    /// Reason of the failure.
    pub reason: String,
}

/// Requests a payment out of an owner's wallet and holds the amount.
pub async fn withdrawal_request(
    tx: &mut Tx,
    request: &Request,
    draft: &WithdrawalDraft,
) -> Result<Answer<WithdrawalDone>> {
    let owner = owner_of(request, draft.owner)?;
    let request = &request.with_subject(owner);
    once(tx, request, &WITHDRAWAL_REQUEST, async |tx, key| {
        let configuration = configuration::in_force(tx.conn()).await?;
        tx.know_currencies([draft.amount.1]).await?;
        let issuer = match request.principal {
            Principal::Service(_) => issuer::name_of(&configuration, request)?,
            _ => PEOPLE.to_owned(),
        };
        let is_verified = is_verified(tx, request, owner).await?;
        let new = rules::withdraw(
            tx.currencies(),
            draft.amount,
            &draft.destination,
            is_verified,
        )?;
        let mut withdrawal = Withdrawal {
            id: [owner.id, tx.new_id()].into(),
            owner,
            amount: new.amount,
            hold: [owner.id, tx.new_id()].into(),
            destination: new.destination,
            issuer,
            external_id: draft.external_id.clone(),
            metadata: draft.metadata.clone(),
            status: WithdrawalStatus::Requested,
            requested_by: request.principal.person().map(|person| person.id),
            requested_at: tx.now(),
            processed_at: None,
            ended_at: None,
            failure_reason: None,
            payout: None,
            version: 0,
        };
        key.about = Some(about(&withdrawal, None));
        let hold = hold_of(&withdrawal);
        let reason = TransferReason::WithdrawalRequested;
        let (transaction_id, posted) = post_by(tx, request.posting_cause(), &hold, reason).await?;
        // Under the wallet's lock.
        if let Some(duplicate_id) = locks::by_external_id(tx, &withdrawal).await? {
            return Err(Stop::Refused(WithdrawalRefusal::DuplicateExternalId {
                owner_id: owner.id,
                duplicate_id,
            }));
        }
        if let Err(PostingRefusal::WalletFrozen { .. }) = posted {
            return Err(Stop::Refused(WithdrawalRefusal::WalletFrozen));
        }
        let operation = VelocityOperation::Withdrawal;
        let exceeded = velocity::check(tx, &configuration, operation, owner, new.amount).await?;
        if let Some(exceeded) = exceeded {
            return Err(WithdrawalRefusal::from((exceeded, new.amount)).into());
        }
        if let Err(PostingRefusal::InsufficientFunds { available, .. }) = posted {
            return Err(Stop::Refused(WithdrawalRefusal::InsufficientFunds {
                available: available.to_decimal(new.amount.currency.scale),
                currency: new.amount.currency.code,
            }));
        }
        posted.map_err(DbError::from)?;
        velocity::add(tx, operation, owner, new.amount);
        let mut events = WithdrawalEvents::of(&withdrawal, Some(transaction_id));
        events.push(WithdrawalEvent::WithdrawalRequested {});
        withdrawal.version = events.enqueue(tx, &request.request_id)?;
        let insert = diesel::insert_into(holds::table).values(HoldRow::of(&hold));
        tx.write_last("holds", 1, insert);
        // A request with the same external id may have inserted one of another currency meanwhile.
        let insert = diesel::insert_into(withdrawals::table)
            .values(WithdrawalRow::of(&withdrawal))
            .on_conflict((
                withdrawals::owner_id,
                withdrawals::owner_kind,
                withdrawals::issuer,
                withdrawals::external_id,
            ))
            .do_nothing();
        tx.write_last_racing("withdrawals", 1, insert);
        key.transaction_id = Some(transaction_id);
        key.change = Some(Change {
            before: Value::Null,
            after: shown(&withdrawal),
        });
        Ok(done(&withdrawal, Some(transaction_id)))
    })
    .await
}

/// Cancels a requested withdrawal and releases the amount. People cancel their own, services those that they requested.
pub async fn withdrawal_cancel(
    tx: &mut Tx,
    request: &Request,
    id: WithdrawalId,
) -> Result<Answer<WithdrawalDone>> {
    let found = locks::find(tx, id).await?;
    let request = &about_owner(request, found.as_ref());
    once(tx, request, &WITHDRAWAL_CANCEL, async |tx, key| {
        let found = found.as_ref().ok_or(WithdrawalRefusal::NotFound)?;
        let is_own = match &request.principal {
            Principal::Service(_) => {
                let configuration = configuration::in_force(tx.conn()).await?;
                issuer::name_of(&configuration, request)? == found.issuer
            }
            principal => principal.relation_to(found.owner) == domain::access::Relation::Own,
        };
        if !is_own {
            return Err(WithdrawalRefusal::NotFound.into());
        }
        key.about = Some(about(found, None));
        let withdrawal = lock(tx, id).await?;
        rules::check_cancel(&withdrawal)?;
        let cancelled = Ending::Cancelled;
        end(tx, key, request, &withdrawal, cancelled).await
    })
    .await
}

/// Hands a requested withdrawal to the provider.
pub async fn withdrawal_process(
    tx: &mut Tx,
    request: &Request,
    id: WithdrawalId,
) -> Result<Answer<WithdrawalDone>> {
    let found = locks::find(tx, id).await?;
    let request = &about_owner(request, found.as_ref());
    once(tx, request, &WITHDRAWAL_PROCESS, async |tx, key| {
        let withdrawal = decidable(tx, key, request, id, None).await?;
        let is_frozen: bool = owners::table
            .find((withdrawal.owner.id, withdrawal.owner.kind.name()))
            .select(owners::is_frozen)
            // A freeze waits until this command has ended.
            .for_share()
            .first(tx.conn())
            .await?;
        rules::check_process(&withdrawal, is_frozen)?;
        let mut processed = Withdrawal {
            status: WithdrawalStatus::Processing,
            processed_at: Some(tx.now()),
            ..withdrawal.clone()
        };
        let mut events = WithdrawalEvents::of(&processed, None);
        events.push(WithdrawalEvent::WithdrawalProcessing {});
        processed.version = events.enqueue(tx, &request.request_id)?;
        let change = (
            withdrawals::status.eq(processed.status.name()),
            withdrawals::processed_at.eq(processed.processed_at),
            withdrawals::next_attempt_at.eq(processed.processed_at),
            withdrawals::version.eq(processed.version),
        );
        let row = locks::in_status(id, withdrawal.status);
        tx.write_last("withdrawals", 1, diesel::update(row).set(change));
        key.change = Some(Change {
            before: shown(&withdrawal),
            after: shown(&processed),
        });
        Ok(done(&processed, None))
    })
    .await
}

/// Records that the provider paid a withdrawal: the amount leaves the platform.
pub async fn withdrawal_complete(
    tx: &mut Tx,
    request: &Request,
    id: WithdrawalId,
    payout: &ProviderPayment,
) -> Result<Answer<WithdrawalDone>> {
    let found = locks::find(tx, id).await?;
    let request = &about_owner(request, found.as_ref());
    once(tx, request, &WITHDRAWAL_COMPLETE, async |tx, key| {
        let withdrawal = decidable(tx, key, request, id, None).await?;
        rules::check_complete(&withdrawal)?;
        check_unused(tx, payout).await?;
        let completed = Ending::Completed(payout.clone());
        end(tx, key, request, &withdrawal, completed).await
    })
    .await
}

/// Records that a withdrawal will not be paid and releases the amount. For one that is processed, staff need a second
/// person.
pub async fn withdrawal_fail(
    tx: &mut Tx,
    request: &Request,
    id: WithdrawalId,
    reason: &str,
) -> Result<Answer<WithdrawalDone>> {
    let found = locks::find(tx, id).await?;
    let request = &about_owner(request, found.as_ref());
    once(tx, request, &WITHDRAWAL_FAIL, async |tx, key| {
        let reason = Reason::parse(reason);
        key.about = found.as_ref().map(|found| about(found, reason.clone()));
        let reason = reason.ok_or(WithdrawalRefusal::ReasonInvalid)?;
        let withdrawal = decidable(tx, key, request, id, Some(&reason)).await?;
        rules::check_fail(&withdrawal)?;
        if let Some(_person) = request.principal.person()
            && rules::waits_for_second_person(&withdrawal)
        {
            let proposal = WithdrawalFailProposal {
                withdrawal: id.into(),
                reason: reason.as_str().to_owned(),
            };
            let new = NewApproval {
                subjects: subjects_of(&withdrawal),
                reason: &reason,
                proposal: &proposal,
                change: Change {
                    before: shown(&withdrawal),
                    after: json!({}),
                },
            };
            return Ok(WithdrawalDone {
                approval_id: Some(approval::request(tx, key, request, new).await?),
                ..done(&withdrawal, None)
            });
        }
        let failed = Ending::Failed(reason.as_str().to_owned());
        end(tx, key, request, &withdrawal, failed).await
    })
    .await
}

impl Proposal for WithdrawalFailProposal {
    type Refusal = WithdrawalRefusal;
    const COMMAND: &'static crate::command::Command<WithdrawalRefusal> = &WITHDRAWAL_FAIL;

    async fn carry_out(
        self,
        tx: &mut Tx,
        key: &mut Key,
        request: &Request,
        _: UserId,
    ) -> Result<approval::Effect, Stop<WithdrawalRefusal>> {
        let withdrawal = lock(tx, self.withdrawal.into()).await?;
        rules::check_own(&withdrawal, request.person()?)?;
        rules::check_fail(&withdrawal)?;
        end(tx, key, request, &withdrawal, Ending::Failed(self.reason)).await?;
        let change = key.change.take();
        Ok(approval::Effect {
            entity: ("withdrawal", withdrawal.id.uuid),
            change: change
                .ok_or_else(|| DbError::inconsistent("withdrawals", "change", withdrawal.id))?,
        })
    }
}

/// Ends a locked withdrawal by a command.
async fn end(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    withdrawal: &Withdrawal,
    ending: Ending,
) -> Result<WithdrawalDone, Stop<WithdrawalRefusal>> {
    let (ended, posted) = finish(tx, Cause::of(request), withdrawal, ending).await?;
    key.transaction_id = Some(posted.transaction_id);
    key.change = Some(Change {
        before: shown(withdrawal),
        after: shown(&ended),
    });
    Ok(done(&ended, Some(posted.transaction_id)))
}

/// Owner of the wallet that a command names: a service has to, a person may name one of their own.
fn owner_of(request: &Request, named: Option<WalletOwner>) -> Result<WalletOwner> {
    match (&request.principal, named) {
        (Principal::Service(_), named) => named.ok_or(DbError::OwnerRequired),
        (_, None) => Ok(request.person()?.id.into()),
        (_, Some(owner)) => {
            let own = request.person()?.wallet_owner(owner.kind);
            own.filter(|own| *own == owner).ok_or(DbError::OwnerForeign)
        }
    }
}

/// Whether the person who acts, or for whom a service acts, is verified; none where a service acts for no person.
async fn is_verified(tx: &mut Tx, request: &Request, owner: WalletOwner) -> Result<Option<bool>> {
    let person = match request.principal.person() {
        Some(person) => Some(person.id),
        None => owner.user(),
    };
    let Some(person) = person else {
        return Ok(None);
    };
    let found = users::by_id(tx.conn(), &[person]).await?;
    Ok(Some(
        found.iter().any(|user| user.kyc_completed_at.is_some()),
    ))
}

/// Locks a withdrawal about which the caller may decide.
async fn decidable(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    id: WithdrawalId,
    reason: Option<&Reason>,
) -> Result<Withdrawal, Stop<WithdrawalRefusal>> {
    let withdrawal = lock(tx, id).await?;
    key.about = Some(about(&withdrawal, reason.cloned()));
    if let Some(person) = request.principal.person() {
        rules::check_own(&withdrawal, person)?;
    }
    Ok(withdrawal)
}

async fn lock(tx: &mut Tx, id: WithdrawalId) -> Result<Withdrawal, Stop<WithdrawalRefusal>> {
    let locked = locks::lock(tx, id).await?;
    locked.ok_or_else(|| WithdrawalRefusal::NotFound.into())
}

/// Refuses a payment that belongs to another withdrawal.
pub(super) async fn check_unused(
    tx: &mut Tx,
    payout: &ProviderPayment,
) -> Result<(), Stop<WithdrawalRefusal>> {
    match directory::find(tx.conn(), Space::Payout, payout).await? {
        Some(_) => Err(WithdrawalRefusal::PayoutReferenceUsed.into()),
        None => Ok(()),
    }
}

/// Owners who may not decide about a withdrawal: its own, and the person who requested it.
fn subjects_of(withdrawal: &Withdrawal) -> Vec<WalletOwner> {
    let mut subjects = vec![withdrawal.owner];
    subjects.extend(withdrawal.requested_by.map(WalletOwner::from));
    subjects.dedup();
    subjects
}

/// The request with the owner of the withdrawal that it names: key and withdrawal are on one shard.
fn about_owner(request: &Request, withdrawal: Option<&Withdrawal>) -> Request {
    let owner = withdrawal.map(|withdrawal| withdrawal.owner);
    owner.map_or_else(|| request.clone(), |owner| request.with_subject(owner))
}

fn about(withdrawal: &Withdrawal, reason: Option<Reason>) -> About {
    About::new("withdrawal", Some(withdrawal.id.uuid), reason)
}

/// A withdrawal in the audit log.
fn shown(withdrawal: &Withdrawal) -> Value {
    json!({
        "status": withdrawal.status.name(), "amount": withdrawal.amount.to_decimal(),
        "currency": withdrawal.amount.currency.code.as_str(), "destination": withdrawal.masked_destination(),
        "failureReason": withdrawal.failure_reason,
        "payoutReference": withdrawal.payout.as_ref().map(|payout| &payout.reference),
    })
}

fn done(withdrawal: &Withdrawal, transaction_id: Option<TransactionId>) -> WithdrawalDone {
    WithdrawalDone {
        withdrawal: withdrawal.id.into(),
        transaction: transaction_id.map(|id| id.0),
        approval_id: None,
    }
}
