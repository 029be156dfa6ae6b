//! Commands on deposits, with their events: credit, assign.

use domain::access::Principal;
use domain::money::{Minor, Money};
use domain::reason::Reason;
use domain::wallets::deposit::{self as rules, Deposit, DepositDraft, DepositRefusal};
use domain::wallets::{
    Leg, Posting, PostingRefusal, ProviderPayment, Reference, Side, TransferReason, WalletKind,
    WalletOwner,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::rows::DepositRow;
use super::sums;
use crate::Owner;
use crate::outbox::SubjectEvents;
use crate::platform::approval::{self, Alone, NewApproval, Proposal, may_act_alone};
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::schema::{deposits, users};
use crate::wallets::directory::{self, Space};
use crate::wallets::proposed::{ProposedAmount, ProposedOwner};
use crate::wallets::{configuration, posting};

commands! {
    DepositRefusal;
    DEPOSIT_CREDIT = "wallets.deposit_credit", DepositCredit, Required:
        ReasonInvalid, CurrencyUnknown, CurrencyDisabled, AmountInvalid, OwnAccount, Mismatch, Ceiling, BalanceOverflow;
    DEPOSIT_ASSIGN = "wallets.deposit_assign", DepositAssign, Required:
        ReasonInvalid, NotFound, NotUnmatched, OwnerUnknown, OwnAccount, BalanceOverflow;
}

/// An event of a deposit. `docs/EVENTS.md` documents them. Each has the fields of [`DepositEvents::of`] too.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload")]
#[expect(
    clippy::enum_variant_names,
    reason = "the variants are the events' names"
)]
enum DepositEvent {
    DepositCredited {},
    DepositSuspended {},
    DepositAssigned {},
}

/// Events of one deposit in one command.
type DepositEvents = SubjectEvents<DepositEvent>;

impl DepositEvents {
    /// An empty list for a deposit.
    fn of(deposit: &Deposit, transaction_id: TransactionId) -> Self {
        let mut events = Self::new("deposit", deposit.id.uuid, deposit.version);
        events.audience = deposit.owner.and_then(|owner| owner.user());
        events.transaction_id = Some(transaction_id);
        if let Value::Object(mut fields) = shown(deposit) {
            fields.insert("depositId".to_owned(), json!(deposit.id.uuid));
            fields.insert("transactionId".to_owned(), json!(transaction_id.0));
            events.common = fields;
        }
        events
    }
}

/// A deposit in events and in the audit log.
fn shown(deposit: &Deposit) -> Value {
    json!({
        "amount": deposit.amount.to_decimal(), "currency": deposit.amount.currency.code.as_str(),
        "provider": deposit.payment.provider, "reference": deposit.payment.reference,
        "ownerKind": deposit.owner.map(|owner| owner.kind.name()), "ownerId": deposit.owner.map(|owner| owner.id),
    })
}

/// Result of the commands on deposits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositDone {
    /// Key of the deposit; none while the command waits and there is none.
    pub deposit: Option<[Uuid; 2]>,
    /// The posting; none when nothing was posted.
    pub transaction: Option<Uuid>,
    /// Owners of its entries.
    pub owners: Vec<Uuid>,
    /// Approval that the command waits for.
    pub approval_id: Option<Uuid>,
}

impl DepositDone {
    fn of(deposit: &Deposit, transaction_id: TransactionId, owners: Vec<Uuid>) -> Self {
        Self {
            deposit: Some(deposit.id.into()),
            transaction: Some(transaction_id.0),
            owners,
            approval_id: None,
        }
    }
}

/// A deposit by staff that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DepositCreditProposal {
    /// Amount and currency.
    pub amount: ProposedAmount,
    /// Owner to credit.
    pub owner: Option<ProposedOwner>,
    /// Name of the provider.
    pub provider: String,
    /// Key of the payment at the provider.
    pub reference: String,
}

impl DepositCreditProposal {
    fn draft(&self) -> DepositDraft {
        DepositDraft {
            amount: (self.amount.0, self.amount.1),
            owner: self.owner.map(|owner| owner.0),
            payment: self.payment(),
        }
    }

    /// The payment.
    #[must_use]
    pub fn payment(&self) -> ProviderPayment {
        ProviderPayment {
            provider: self.provider.clone(),
            reference: self.reference.clone(),
        }
    }
}

/// An assignment that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DepositAssignProposal {
    /// Key of the deposit.
    pub deposit: [Uuid; 2],
    /// Owner to credit.
    pub owner: ProposedOwner,
}

/// Credits a payment to its owner's wallet, or keeps it unmatched. A payment that was recorded before is answered with
/// its deposit. Staff give a reason; beyond what they may do alone, the command waits for a second person.
pub async fn deposit_credit(
    tx: &mut Tx,
    request: &Request,
    draft: &DepositDraft,
    reason: Option<&str>,
) -> Result<Answer<DepositDone>> {
    once(tx, request, &DEPOSIT_CREDIT, async |tx, key| {
        let person = request.principal.person();
        let reason = match person {
            Some(_) => Reason::parse(reason.unwrap_or_default()).map(Some),
            None => Some(None),
        };
        key.about = Some(About::new("deposit", None, reason.clone().flatten()));
        let reason = reason.ok_or(DepositRefusal::ReasonInvalid)?;
        let first = recorded(tx, draft).await?;
        let amount = match &first {
            Some(first) if rules::is_first(first, draft).is_ok() => first.amount,
            _ => check(tx, draft).await?,
        };
        if let Some(person) = person {
            rules::check_own(person, draft.owner)?;
        }
        if let Some(first) = first {
            return repeat(key, &first, draft, reason);
        }
        match (person, &reason) {
            (Some(person), Some(reason)) => {
                let owner = draft.owner.unwrap_or(WalletOwner::SYSTEM);
                if !alone(tx, person.id, owner, amount).await? {
                    if let Some(first) = recorded(tx, draft).await? {
                        return repeat(key, &first, draft, Some(reason.clone()));
                    }
                    let proposal = DepositCreditProposal {
                        amount: amount.into(),
                        owner: draft.owner.map(ProposedOwner),
                        provider: draft.payment.provider.clone(),
                        reference: draft.payment.reference.clone(),
                    };
                    return wait(tx, key, request, reason, draft.owner, &proposal).await;
                }
            }
            _ => match check_ceiling(tx, request, amount).await {
                Err(Stop::Refused(refusal)) => {
                    // Another command may have recorded the payment while this one waited for the sum.
                    return match recorded(tx, draft).await? {
                        Some(first) => repeat(key, &first, draft, reason),
                        None => Err(refusal.into()),
                    };
                }
                checked => checked?,
            },
        }
        let (deposit, change) = credit(tx, key, request, draft, amount).await?;
        key.change = Some(change);
        key.about = Some(About::new("deposit", Some(deposit.id.uuid), reason));
        let owners = vec![deposit.id.owner.0];
        Ok(DepositDone::of(&deposit, deposit.transaction_id, owners))
    })
    .await
}

/// The answer to a payment that was recorded before: its deposit, or a refusal.
fn repeat(
    key: &mut Key,
    first: &Deposit,
    draft: &DepositDraft,
    reason: Option<Reason>,
) -> Result<DepositDone, Stop<DepositRefusal>> {
    rules::is_first(first, draft)?;
    key.about = Some(About::new("deposit", Some(first.id.uuid), reason));
    key.change = Some(Change {
        before: shown(first),
        after: shown(first),
    });
    let owners = vec![first.id.owner.0];
    Ok(DepositDone::of(first, first.transaction_id, owners))
}

/// Credits an unmatched deposit to an owner. Beyond what the caller may do alone, it waits for a second person.
pub async fn deposit_assign(
    tx: &mut Tx,
    request: &Request,
    id: DepositId,
    owner: WalletOwner,
    reason: &str,
) -> Result<Answer<DepositDone>> {
    once(tx, request, &DEPOSIT_ASSIGN, async |tx, key| {
        let person = request.person()?;
        let reason = Reason::parse(reason);
        key.about = Some(About::new("deposit", Some(id.uuid), reason.clone()));
        let reason = reason.ok_or(DepositRefusal::ReasonInvalid)?;
        let deposit = assignable(tx, id, owner).await?;
        rules::check_own(person, Some(owner))?;
        if !alone(tx, person.id, owner, deposit.amount).await? {
            let proposal = DepositAssignProposal {
                deposit: id.into(),
                owner: ProposedOwner(owner),
            };
            let waiting = wait(tx, key, request, &reason, Some(owner), &proposal).await?;
            return Ok(DepositDone {
                deposit: Some(id.into()),
                ..waiting
            });
        }
        let (assigned, transaction_id, change) = assign(tx, key, request, &deposit, owner).await?;
        key.change = Some(change);
        // SUSPENSE is at nil.
        let owners = vec![Uuid::nil(), owner.id];
        Ok(DepositDone::of(&assigned, transaction_id, owners))
    })
    .await
}

impl Proposal for DepositCreditProposal {
    type Refusal = DepositRefusal;
    const COMMAND: &'static crate::command::Command<DepositRefusal> = &DEPOSIT_CREDIT;

    async fn carry_out(
        self,
        tx: &mut Tx,
        key: &mut Key,
        request: &Request,
        _: UserId,
    ) -> Result<approval::Effect, Stop<DepositRefusal>> {
        let draft = self.draft();
        let amount = check(tx, &draft).await?;
        rules::check_own(request.person()?, draft.owner)?;
        let (deposit, change) = match recorded(tx, &draft).await? {
            Some(first) => {
                rules::is_first(&first, &draft)?;
                let as_it_is = shown(&first);
                let change = Change {
                    before: as_it_is.clone(),
                    after: as_it_is,
                };
                (first, change)
            }
            None => credit(tx, key, request, &draft, amount).await?,
        };
        Ok(approval::Effect {
            entity: ("deposit", deposit.id.uuid),
            change,
        })
    }
}

impl Proposal for DepositAssignProposal {
    type Refusal = DepositRefusal;
    const COMMAND: &'static crate::command::Command<DepositRefusal> = &DEPOSIT_ASSIGN;

    async fn carry_out(
        self,
        tx: &mut Tx,
        key: &mut Key,
        request: &Request,
        _: UserId,
    ) -> Result<approval::Effect, Stop<DepositRefusal>> {
        let owner = self.owner.0;
        let deposit = assignable(tx, self.deposit.into(), owner).await?;
        rules::check_own(request.person()?, Some(owner))?;
        let (assigned, _, change) = assign(tx, key, request, &deposit, owner).await?;
        Ok(approval::Effect {
            entity: ("deposit", assigned.id.uuid),
            change,
        })
    }
}

/// Checks a payment's amount by the configuration in force.
async fn check(tx: &mut Tx, draft: &DepositDraft) -> Result<Money, Stop<DepositRefusal>> {
    let configuration = configuration::in_force(tx.conn()).await?;
    tx.know_currencies([draft.amount.1]).await?;
    let amount = rules::check_amount(&configuration, tx.currencies(), draft.amount)?;
    Ok(amount)
}

/// The deposit of a payment that was recorded before. A payment that became something else is refused.
async fn recorded(
    tx: &mut Tx,
    draft: &DepositDraft,
) -> Result<Option<Deposit>, Stop<DepositRefusal>> {
    let Some(id) = directory::find(tx.conn(), Space::Payment, &draft.payment).await? else {
        return Ok(None);
    };
    let query = DepositRow::query().find((id[0], id[1]));
    let row: Option<DepositRow> = query.first(tx.conn()).await.optional()?;
    let row = row.ok_or(DepositRefusal::Mismatch {
        owner_id: None,
        deposit: None,
    })?;
    Ok(Some(row.into_deposit(tx.currencies())?))
}

/// Locks a deposit that can be assigned to an owner whom the platform knows.
async fn assignable(
    tx: &mut Tx,
    id: DepositId,
    owner: WalletOwner,
) -> Result<Deposit, Stop<DepositRefusal>> {
    let query = DepositRow::query().find((id.owner.0, id.uuid));
    let row: Option<DepositRow> = query
        .for_no_key_update()
        .first(tx.conn())
        .await
        .optional()?;
    let row = row.ok_or(DepositRefusal::NotFound)?;
    let deposit = row.into_deposit(tx.currencies())?;
    rules::check_unmatched(&deposit)?;
    if known(tx, Some(owner)).await?.is_none() {
        return Err(DepositRefusal::OwnerUnknown.into());
    }
    Ok(deposit)
}

/// The owner, if their wallet can be credited: a registered user, or a merchant or advertiser, whom other services register.
async fn known(tx: &mut Tx, owner: Option<WalletOwner>) -> Result<Option<WalletOwner>> {
    let Some(user) = owner.and_then(|owner| owner.user()) else {
        return Ok(owner);
    };
    let known = users::table.find(user.0).select(users::id);
    let known: Option<Uuid> = known.first(tx.conn()).await.optional()?;
    Ok(owner.filter(|_| known.is_some()))
}

/// Whether a person may move an amount to an owner alone.
async fn alone(tx: &mut Tx, by: UserId, owner: WalletOwner, amount: Money) -> Result<bool> {
    let alone = Alone {
        by,
        owner: owner.into(),
        currency: amount.currency.code,
        amount: amount.amount,
    };
    may_act_alone(tx, &alone).await
}

/// Stores a command that waits for a second person.
async fn wait<P: Proposal>(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    reason: &Reason,
    owner: Option<WalletOwner>,
    proposal: &P,
) -> Result<DepositDone, Stop<DepositRefusal>> {
    let new = NewApproval {
        subjects: owner.into_iter().collect(),
        reason,
        proposal,
        change: Change {
            before: Value::Null,
            after: json!({}),
        },
    };
    Ok(DepositDone {
        approval_id: Some(approval::request(tx, key, request, new).await?),
        ..DepositDone::default()
    })
}

/// Judges a service's deposit by its ceiling of the day, and counts it.
async fn check_ceiling(
    tx: &mut Tx,
    request: &Request,
    amount: Money,
) -> Result<(), Stop<DepositRefusal>> {
    let (Principal::Service(service), Some(owner)) =
        (&request.principal, Owner::of(&request.principal))
    else {
        return Err(DbError::inconsistent("policy", "principal", "no service").into());
    };
    let configuration = configuration::in_force(tx.conn()).await?;
    let issuer = configuration.issuer(&service.issuer, &service.subject);
    let issuer = issuer.ok_or(DbError::IssuerUnknown)?;
    let today = sums::lock(tx, owner.id, amount).await?;
    rules::check_ceiling(issuer, amount, today)?;
    sums::add(tx, owner.id, amount);
    Ok(())
}

/// Posts a new deposit and stores it; returns it with its change for the audit log.
async fn credit(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    draft: &DepositDraft,
    amount: Money,
) -> Result<(Deposit, Change), Stop<DepositRefusal>> {
    let owner = known(tx, draft.owner).await?;
    let transaction_id = TransactionId(tx.new_id());
    let home = owner.map_or_else(Uuid::nil, |owner| owner.id);
    let now = tx.now();
    let mut deposit = Deposit {
        id: [home, tx.new_id()].into(),
        amount,
        payment: draft.payment.clone(),
        named: draft.owner,
        owner,
        received_at: now,
        credited_at: owner.map(|_| now),
        transaction_id,
        version: 0,
    };
    let code = amount.currency.code;
    let external = Side::available(WalletOwner::SYSTEM, WalletKind::External, code);
    let (credit, reason) = match owner {
        Some(owner) => {
            let wallet = Side::available(owner, WalletKind::Main, code);
            (wallet, TransferReason::Deposit)
        }
        None => (suspense(amount), TransferReason::DepositUnmatched),
    };
    let leg = (external, credit, amount.amount, reason);
    post(tx, request, &deposit, transaction_id, leg).await?;
    let mut events = DepositEvents::of(&deposit, transaction_id);
    events.push(match owner {
        Some(_) => DepositEvent::DepositCredited {},
        None => DepositEvent::DepositSuspended {},
    });
    deposit.version = events.enqueue(tx, &request.request_id)?;
    let insert = diesel::insert_into(deposits::table).values(DepositRow::of(&deposit));
    tx.write_last("deposits", 1, insert);
    directory::store(tx, Space::Payment, &deposit.payment, deposit.id.into());
    key.transaction_id = Some(transaction_id);
    let change = Change {
        before: Value::Null,
        after: shown(&deposit),
    };
    Ok((deposit, change))
}

/// Posts a locked deposit to its owner; returns it with the transaction and the change for the audit log.
async fn assign(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    deposit: &Deposit,
    owner: WalletOwner,
) -> Result<(Deposit, TransactionId, Change), Stop<DepositRefusal>> {
    let transaction_id = TransactionId(tx.new_id());
    let code = deposit.amount.currency.code;
    let wallet = Side::available(owner, WalletKind::Main, code);
    let leg = (
        suspense(deposit.amount),
        wallet,
        deposit.amount.amount,
        TransferReason::Deposit,
    );
    post(tx, request, deposit, transaction_id, leg).await?;
    let mut assigned = Deposit {
        owner: Some(owner),
        credited_at: Some(tx.now()),
        ..deposit.clone()
    };
    let mut events = DepositEvents::of(&assigned, transaction_id);
    events.push(DepositEvent::DepositAssigned {});
    assigned.version = events.enqueue(tx, &request.request_id)?;
    let unmatched = deposits::table
        .find((deposit.id.owner.0, deposit.id.uuid))
        .filter(deposits::credited_id.is_null());
    let change = (
        deposits::credited_kind.eq(owner.kind.name()),
        deposits::credited_id.eq(owner.id),
        deposits::credited_at.eq(assigned.credited_at),
        deposits::version.eq(assigned.version),
    );
    tx.write_last("deposits", 1, diesel::update(unmatched).set(change));
    key.transaction_id = Some(transaction_id);
    let change = Change {
        before: shown(deposit),
        after: shown(&assigned),
    };
    Ok((assigned, transaction_id, change))
}

/// Makes an assigned deposit wait for an owner again, at the end of the transaction that reverses its assignment.
pub(in crate::wallets) fn unassign(tx: &mut Tx, id: Uuid) {
    let assigned = deposits::table
        .find((Uuid::nil(), id))
        .filter(deposits::credited_id.is_not_null());
    let change = (
        deposits::credited_kind.eq(None::<String>),
        deposits::credited_id.eq(None::<Uuid>),
        deposits::credited_at.eq(None::<Timestamp>),
    );
    tx.write_last("deposits", 1, diesel::update(assigned).set(change));
}

fn suspense(amount: Money) -> Side {
    let code = amount.currency.code;
    Side::available(WalletOwner::SYSTEM, WalletKind::Suspense, code)
}

/// Posts a leg of a deposit.
async fn post(
    tx: &mut Tx,
    request: &Request,
    deposit: &Deposit,
    transaction_id: TransactionId,
    (debit, credit, amount, reason): (Side, Side, Minor, TransferReason),
) -> Result<(), Stop<DepositRefusal>> {
    let posting = Posting {
        transaction_id,
        reference: Reference::to("deposit", deposit.id.uuid),
        cause: request.posting_cause(),
        legs: vec![Leg {
            debit,
            credit,
            amount,
            reason,
        }],
    };
    let posted = posting::post(tx, std::slice::from_ref(&posting)).await?;
    for result in posted {
        match result {
            Ok(_) => {}
            Err(PostingRefusal::Overflow) => return Err(DepositRefusal::BalanceOverflow.into()),
            Err(refusal) => return Err(DbError::from(refusal).into()),
        }
    }
    Ok(())
}
