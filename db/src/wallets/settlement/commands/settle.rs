//! Settling holds: one, or up to 500 together.

use std::collections::BTreeMap;

use domain::money::{Currency, Minor};
use domain::wallets::hold::{Hold, HoldStatus, settleable};
use domain::wallets::settlement::{
    self as rules, Settlement, SettlementDraft, SettlementRefusal, Settling,
};
use domain::wallets::{
    Leg, Posted, Posting, PostingRefusal, Reference, ServiceReference, Side, TransferReason,
    WalletConfiguration, WalletKey, WalletKind,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::super::rows::{SettlementRow, store_clearing};
use crate::command::Refusal as _;
use crate::operation_trace;
use crate::outbox::SubjectEvents;
use crate::prelude::*;
use crate::schema::{holds, settlements};
use crate::wallets::hold::commands::{HoldEvent, HoldEvents, reference_type};
use crate::wallets::hold::locks;
use crate::wallets::issuer;

commands! {
    SettlementRefusal;
    HOLD_SETTLE = "wallets.hold_settle", HoldSettle, Required:
        NotFound, AlreadyReleased, AlreadySettled, Expired, AmountCurrencyMismatch, AmountInvalid, PayoutsInvalid,
        PayoutOwnerTwice, PayoutCurrencyMismatch, PayoutAmountInvalid, ClearingShort, BalanceOverflow;
    HOLD_BATCH_SETTLE = "wallets.hold_batch_settle", HoldSettle, Required: BatchRefused;
}

/// An event of the wallet that a payout credits.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
enum PayoutEvent {
    PayoutReceived {
        settlement_id: Uuid,
        owner_kind: &'static str,
        owner_id: Uuid,
        amount: Decimal,
        currency: String,
        issuer: String,
        reference_type: String,
        reference_id: String,
        transaction_id: Uuid,
    },
}

/// Result of a settlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldSettled {
    /// Owner of the hold, and the settlement.
    pub settlement: [Uuid; 2],
    /// The posting.
    pub transaction: Uuid,
    /// Owners whose wallets it moved: that of the hold, and those of the payouts.
    pub owners: Vec<Uuid>,
}

/// Settles one hold.
pub async fn hold_settle(
    tx: &mut Tx,
    request: &Request,
    draft: &SettlementDraft,
) -> Result<Answer<HoldSettled>> {
    let request = &request.with_subject_of_object(draft.hold.owner);
    once_reading(
        tx,
        request,
        &HOLD_SETTLE,
        |conn| locks::find_in_force(conn, vec![draft.hold]),
        async |tx, key, (rows, configuration)| {
            let drafts = std::slice::from_ref(draft);
            operation_trace::identify("goodgo.hold_id", draft.hold.uuid);
            let holds = locks::read(tx, rows, &[draft.hold])?;
            match settle_all(tx, request, &configuration, drafts, &holds).await? {
                Ok(settled) => {
                    let only = settled.into_iter().next();
                    let only =
                        only.ok_or_else(|| DbError::inconsistent("settlements", "id", "none"))?;
                    key.transaction_id = Some(TransactionId(only.transaction));
                    operation_trace::identify("goodgo.settlement_id", only.settlement[1]);
                    Ok(only)
                }
                Err(refused) => match refused.into_iter().flatten().next() {
                    Some(refusal) => Err(Stop::Refused(refusal)),
                    None => Err(DbError::inconsistent("settlements", "refusal", "none").into()),
                },
            }
        },
    )
    .await
}

/// Settles several holds together, all or none: first every hold goes to its clearing account, then every payout leaves.
/// A refusal has the refusals of the items.
pub async fn hold_batch_settle(
    tx: &mut Tx,
    request: &Request,
    drafts: &[SettlementDraft],
) -> Result<Answer<Vec<HoldSettled>>> {
    let ids: Vec<_> = drafts.iter().map(|draft| draft.hold).collect();
    once_reading(
        tx,
        request,
        &HOLD_BATCH_SETTLE,
        |conn| locks::find_in_force(conn, ids.clone()),
        async |tx, key, (rows, configuration)| {
            let holds = locks::read(tx, rows, &ids)?;
            match settle_all(tx, request, &configuration, drafts, &holds).await? {
                Ok(settled) => {
                    let first = settled.as_slice().first();
                    key.transaction_id = first.map(|first| TransactionId(first.transaction));
                    Ok(settled)
                }
                Err(refused) => {
                    let items = refused.into_iter().enumerate().map(|(index, refusal)| {
                        let mut item = refusal.unwrap_or(SettlementRefusal::NotApplied).stored();
                        // The path starts at `settlement`, which is a list here.
                        let rest = item.field.split_off(item.field.len().min(1));
                        if !item.field.is_empty() {
                            item.field = vec!["settlements".to_owned(), index.to_string()];
                            item.field.extend(rest);
                        }
                        item
                    });
                    Err(Stop::Each(SettlementRefusal::BatchRefused, items.collect()))
                }
            }
        },
    )
    .await
}

/// Refusals of settlements, one place per draft.
type Refused = Vec<Option<SettlementRefusal>>;

/// One settlement, decided but not posted.
struct Decided<'d> {
    hold: &'d Hold,
    draft: &'d SettlementDraft,
    settling: Settling,
    reference: ServiceReference,
    transaction_id: TransactionId,
}

/// Settles holds that were read without a lock; returns the settlements, or the refusals if there are any.
async fn settle_all(
    tx: &mut Tx,
    request: &Request,
    configuration: &WalletConfiguration,
    drafts: &[SettlementDraft],
    holds: &[Hold],
) -> Result<Result<Vec<HoldSettled>, Refused>> {
    let issuer = issuer::name_of(configuration, request)?;
    let now = tx.now();
    let mut decided = Vec::with_capacity(drafts.len());
    let mut refused: Refused = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let own = holds
            .iter()
            .find(|hold| hold.id == draft.hold && hold.issuer == issuer);
        let judged = own.ok_or(SettlementRefusal::NotFound).and_then(|hold| {
            let settling = rules::settle(hold, draft, now)?;
            let reference = ServiceReference::of(&hold.reference_kind, &hold.reference_id);
            Ok(Decided {
                hold,
                draft,
                settling,
                // Holds of withdrawals have another issuer.
                reference: reference.ok_or(SettlementRefusal::NotFound)?,
                transaction_id: TransactionId(tx.new_id()),
            })
        });
        match judged {
            Ok(one) => {
                refused.push(None);
                decided.push(one);
            }
            Err(refusal) => refused.push(Some(refusal)),
        }
    }
    if refused.iter().any(Option::is_some) {
        return Ok(Err(refused));
    }
    let postings = postings_of(request, &decided);
    let ids: Vec<_> = decided.iter().map(|one| one.hold.id).collect();
    let (posted, locked) = locks::post_and_lock(tx, &postings, &ids).await?;
    // The wallets' locks may have been long in coming.
    let posted_at = posted.iter().flatten().map(|posted| posted.posted_at).max();
    let now = posted_at.unwrap_or(now);
    for (one, refusal) in decided.iter().zip(&mut refused) {
        let hold = locked.iter().find(|hold| hold.id == one.hold.id);
        let hold = hold.ok_or_else(|| DbError::inconsistent("holds", "id", one.hold.id))?;
        if let Err(ended) = settleable(hold, now) {
            *refusal = Some(ended.into());
        }
    }
    if refused.iter().any(Option::is_some) {
        // Refusals of the postings would follow from these.
        return Ok(Err(refused));
    }
    for (index, result) in posted.iter().enumerate() {
        if let Err(refusal) = result {
            let index = index % decided.len();
            refused[index] = Some(refusal_of(refusal, decided[index].currency())?);
        }
    }
    if refused.iter().any(Option::is_some) {
        return Ok(Err(refused));
    }
    store(tx, request, &decided, &locked, &posted, now)
}

/// Postings of settlements: first what every hold gives to its clearing account, then all payouts. Both of a settlement
/// share its transaction.
fn postings_of(request: &Request, decided: &[Decided<'_>]) -> Vec<Posting> {
    let posting = |one: &Decided<'_>, legs| Posting {
        transaction_id: one.transaction_id,
        reference: Reference {
            kind: one.reference.kind().into(),
            id: one.reference.id.clone(),
        },
        cause: request.posting_cause(),
        legs,
    };
    let collect = |one: &Decided<'_>| {
        let wallet = Side::available(one.hold.owner, WalletKind::Main, one.currency().code);
        let (amount, rest) = (one.settling.amount, one.settling.rest);
        let leg = |credit, amount, reason| Leg {
            debit: wallet.held(),
            credit,
            amount,
            reason,
        };
        let mut legs = vec![leg(one.clearing(), amount, TransferReason::HoldSettled)];
        if rest > Minor::ZERO {
            legs.push(leg(wallet, rest, TransferReason::HoldReleased));
        }
        posting(one, legs)
    };
    let pay = |one: &Decided<'_>| {
        let payouts = one.settling.payouts.iter();
        let legs = payouts.map(|payout| Leg {
            debit: one.clearing(),
            credit: Side::available(payout.owner, WalletKind::Main, one.currency().code),
            amount: payout.amount,
            reason: TransferReason::Payout,
        });
        posting(one, legs.collect())
    };
    let collected = decided.iter().map(collect);
    collected.chain(decided.iter().map(pay)).collect()
}

impl Decided<'_> {
    fn currency(&self) -> Currency {
        self.hold.amount.currency
    }

    /// The clearing account of the hold's reference.
    fn clearing(&self) -> Side {
        let owner = self.reference.clearing_owner();
        Side::available(owner, WalletKind::Clearing, self.currency().code)
    }
}

fn refusal_of(refusal: &PostingRefusal, currency: Currency) -> Result<SettlementRefusal> {
    match refusal {
        PostingRefusal::InsufficientFunds {
            wallet, available, ..
        } if wallet.kind == WalletKind::Clearing => Ok(SettlementRefusal::ClearingShort {
            available: available.to_decimal(currency.scale),
            currency: currency.code,
        }),
        PostingRefusal::Overflow => Ok(SettlementRefusal::BalanceOverflow),
        PostingRefusal::InsufficientFunds { .. }
        | PostingRefusal::Malformed
        | PostingRefusal::WalletFrozen { .. } => Err(refusal.clone().into()),
    }
}

/// Stores settlements, the ends of their holds, their clearing accounts and their events.
fn store(
    tx: &mut Tx,
    request: &Request,
    decided: &[Decided<'_>],
    locked: &[Hold],
    posted: &[Result<Posted, PostingRefusal>],
    now: Timestamp,
) -> Result<Result<Vec<HoldSettled>, Refused>> {
    let mut settled = Vec::with_capacity(decided.len());
    for one in decided {
        let settlement = Settlement {
            id: [one.hold.owner.id, tx.new_id()].into(),
            hold: one.hold.id,
            owner: one.hold.owner,
            issuer: one.hold.issuer.clone(),
            outcome: one.draft.outcome,
            amount: domain::money::Money {
                amount: one.settling.amount,
                currency: one.currency(),
            },
            payouts: one.settling.payouts.clone(),
            created_at: now,
            transaction_id: one.transaction_id,
        };
        let hold = locked.iter().find(|hold| hold.id == one.hold.id);
        let hold = hold.ok_or_else(|| DbError::inconsistent("holds", "id", one.hold.id))?;
        let mut events = HoldEvents::of(hold, Some(one.transaction_id));
        events.push(HoldEvent::HoldSettled {
            settlement_id: settlement.id.uuid,
            outcome: settlement.outcome.name(),
            settled_amount: settlement.amount.to_decimal(),
        });
        let version = events.enqueue(tx, &request.request_id)?;
        let end = (
            holds::status.eq(HoldStatus::Settled.name()),
            holds::ended_at.eq(now),
            holds::version.eq(version),
        );
        let update = diesel::update(locks::held(hold.id)).set(end);
        tx.write_last("holds", 1, update);
        let insert = diesel::insert_into(settlements::table);
        tx.write_last(
            "settlements",
            1,
            insert.values(SettlementRow::of(&settlement)),
        );
        let mut version = 0;
        for payout in &settlement.payouts {
            let mut events = SubjectEvents::new("settlement", settlement.id.uuid, version);
            events.audience = payout.owner.user();
            events.transaction_id = Some(one.transaction_id);
            events.push(PayoutEvent::PayoutReceived {
                settlement_id: settlement.id.uuid,
                owner_kind: payout.owner.kind.name(),
                owner_id: payout.owner.id,
                amount: payout.amount.to_decimal(one.currency().scale),
                currency: one.currency().code.to_string(),
                issuer: settlement.issuer.clone(),
                reference_type: reference_type(hold),
                reference_id: hold.reference_id.clone(),
                transaction_id: one.transaction_id.0,
            });
            version = events.enqueue(tx, &request.request_id)?;
        }
        settled.push(HoldSettled {
            settlement: settlement.id.into(),
            transaction: one.transaction_id.0,
            owners: settlement.owners().map(|owner| owner.0).collect(),
        });
    }
    let balances = clearing_balances(posted);
    let references: BTreeMap<_, _> = decided
        .iter()
        .map(|one| (one.clearing().wallet, (&one.reference, one.currency())))
        .collect();
    for (wallet, (reference, currency)) in references {
        let balance = balances.get(&wallet).copied().unwrap_or(Minor::ZERO);
        store_clearing(tx, reference, currency, balance);
    }
    Ok(Ok(settled))
}

/// Balances of the clearing accounts after their last transfer.
fn clearing_balances(posted: &[Result<Posted, PostingRefusal>]) -> BTreeMap<WalletKey, Minor> {
    let balances = posted.iter().flatten().flat_map(Posted::balances);
    let kept = balances.filter(|(wallet, _)| wallet.kind == WalletKind::Clearing);
    kept.collect()
}
