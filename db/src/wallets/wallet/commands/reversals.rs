//! Reversing a transaction: every leg the other way round, once. It always needs a second person.

use std::collections::BTreeSet;

use domain::money::CurrencyCode;
use domain::reason::Reason;
use domain::wallets::wallet::{self as rules, StoredTransfer, WalletRefusal};
use domain::wallets::{
    Leg, Posted, Posting, PostingRefusal, Reference, Side, WalletKey, WalletKind, WalletOwner,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fundings::name_as_before;
use super::{not_own, short_or_overflow};
use crate::outbox::SubjectEvents;
use crate::platform::approval::{self, NewApproval, Proposal};
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::schema::{reversals, transfers, wallets};
use crate::wallets::deposit::commands::unassign;
use crate::wallets::locks::number_of;
use crate::wallets::posting;
use crate::wallets::settlement::update_clearing;
use crate::wallets::wallet::rows::currency_of;

commands! {
    WalletRefusal;
    TRANSACTION_REVERSE = "wallets.transaction_reverse", TransactionReverse, Required:
        ReasonInvalid, TransactionNotFound, OwnAccount, TransactionNotReversible, TransactionReversed,
        InsufficientFunds, BalanceOverflow;
}

/// Kind of a transaction in the audit log, in events and in references.
const ENTITY: &str = "transaction";

/// An event of a reversed transaction. `docs/EVENTS.md` documents it.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
enum ReversalEvent {
    TransactionReversed {
        reversed_transaction_id: Uuid,
        owner_kind: &'static str,
        owner_id: Uuid,
        amount: Decimal,
        currency: String,
        transaction_id: Uuid,
    },
}

/// A reversal that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReversalProposal {
    /// Transaction to reverse.
    pub transaction_id: Uuid,
    /// Owners whose wallets it moved.
    pub owners: Vec<Uuid>,
    /// Reason.
    pub reason: String,
}

/// A checked reversal.
struct Reversal {
    original: TransactionId,
    /// Home of the original's first transfer.
    home: Uuid,
    legs: Vec<Leg>,
    owners: Vec<WalletOwner>,
    reason: Reason,
    transaction_id: TransactionId,
}

/// Requests a reversal; returns the approval that it waits for.
pub async fn transaction_reverse(
    tx: &mut Tx,
    request: &Request,
    original: TransactionId,
    reason: &str,
) -> Result<Answer<Uuid>> {
    once(tx, request, &TRANSACTION_REVERSE, async |tx, key| {
        let reason = Reason::parse(reason);
        key.about = Some(About::new(ENTITY, Some(original.0), reason.clone()));
        let reason = reason.ok_or(WalletRefusal::ReasonInvalid)?;
        let reversal = check(tx, request, original, reason).await?;
        let judged = posting::judge(tx, &reversal.posting(request)).await?;
        behind_locks(tx, &reversal, judged).await?;
        let proposal = ReversalProposal {
            transaction_id: original.0,
            owners: reversal.owners.iter().map(|owner| owner.id).collect(),
            reason: reversal.reason.as_str().to_owned(),
        };
        let new = NewApproval {
            subjects: reversal.owners.clone(),
            reason: &reversal.reason,
            proposal: &proposal,
            change: Change {
                before: json!({"reversal": null}),
                after: json!({}),
            },
        };
        Ok(approval::request(tx, key, request, new).await?)
    })
    .await
}

impl Proposal for ReversalProposal {
    type Refusal = WalletRefusal;
    const COMMAND: &'static crate::command::Command<WalletRefusal> = &TRANSACTION_REVERSE;

    async fn carry_out(
        self,
        tx: &mut Tx,
        key: &mut Key,
        request: &Request,
        _: UserId,
    ) -> Result<approval::Effect, Stop<WalletRefusal>> {
        let reason = Reason::parse(&self.reason);
        let reason =
            reason.ok_or_else(|| DbError::inconsistent("approvals", "proposal", &self.reason))?;
        let original = TransactionId(self.transaction_id);
        let reversal = check(tx, request, original, reason).await?;
        let posted = posting::post_one(tx, &reversal.posting(request)).await?;
        let posted = behind_locks(tx, &reversal, posted).await?;
        key.transaction_id = Some(reversal.transaction_id);
        store(tx, &reversal, &posted)?;
        unassign_deposit(tx, &reversal).await?;
        rename_treasury(tx, &reversal).await?;
        publish(tx, request, &reversal)?;
        Ok(approval::Effect {
            entity: (ENTITY, original.0),
            change: Change {
                before: json!({"reversal": null}),
                after: json!({"reversal": reversal.transaction_id.0}),
            },
        })
    }
}

/// Finds a transaction and its legs the other way round.
///
/// Refusals, in this order: [`WalletRefusal::TransactionNotFound`], [`WalletRefusal::OwnAccount`],
/// [`WalletRefusal::TransactionNotReversible`], [`WalletRefusal::TransactionReversed`].
async fn check(
    tx: &mut Tx,
    request: &Request,
    original: TransactionId,
    reason: Reason,
) -> Result<Reversal, Stop<WalletRefusal>> {
    let (home, transfers) = find(tx, original)
        .await?
        .ok_or(WalletRefusal::TransactionNotFound)?;
    let sides = transfers.iter().flat_map(|row| [row.debit, row.credit]);
    let owners = rules::owners_of(sides);
    for owner in &owners {
        not_own(request, *owner)?;
    }
    let legs = rules::reverse(&transfers)?;
    let reversal = Reversal {
        original,
        home,
        legs,
        owners,
        reason,
        transaction_id: TransactionId(tx.new_id()),
    };
    not_reversed(tx, &reversal).await?;
    Ok(reversal)
}

/// Checks under the locks of the wallets that no other reversal was posted, then the result of the posting.
///
/// Refusals, in this order: [`WalletRefusal::TransactionReversed`], [`WalletRefusal::InsufficientFunds`],
/// [`WalletRefusal::BalanceOverflow`].
async fn behind_locks(
    tx: &mut Tx,
    reversal: &Reversal,
    posted: Result<Posted, PostingRefusal>,
) -> Result<Posted, Stop<WalletRefusal>> {
    not_reversed(tx, reversal).await?;
    let refusal = match posted {
        Ok(posted) => return Ok(posted),
        Err(refusal) => refusal,
    };
    let first = reversal.legs.as_slice().first();
    let code = first.map_or(CurrencyCode::MP, |leg| leg.debit.wallet.currency);
    let currency = tx.currency(code).await?;
    let currency = currency.ok_or_else(|| DbError::inconsistent("currencies", "code", code))?;
    Err(short_or_overflow(refusal, currency, |available| {
        WalletRefusal::InsufficientFunds {
            available,
            currency: code,
        }
    }))
}

async fn not_reversed(tx: &mut Tx, reversal: &Reversal) -> Result<(), Stop<WalletRefusal>> {
    let found: Option<Uuid> = reversals::table
        .find((reversal.home, reversal.original.0))
        .select(reversals::reversal_id)
        .first(tx.conn())
        .await
        .optional()?;
    match found {
        Some(_) => Err(WalletRefusal::TransactionReversed.into()),
        None => Ok(()),
    }
}

/// Stores a reversal, and since when clearing accounts that it credits are not at zero.
fn store(tx: &mut Tx, reversal: &Reversal, posted: &Posted) -> Result<()> {
    let insert = diesel::insert_into(reversals::table).values((
        reversals::owner_id.eq(reversal.home),
        reversals::transaction_id.eq(reversal.original.0),
        reversals::reversal_id.eq(reversal.transaction_id.0),
        reversals::reason.eq(reversal.reason.as_str().to_owned()),
        reversals::created_at.eq(posted.posted_at),
    ));
    // Another approval may have reversed the transaction meanwhile.
    tx.write_last_racing("reversals", 1, insert.on_conflict_do_nothing());
    for (wallet, balance) in posted.balances() {
        if wallet.kind == WalletKind::Clearing {
            let number = number_of(tx, wallet.currency)?;
            update_clearing(tx, wallet.owner.id, number, balance);
        }
    }
    Ok(())
}

/// Makes a deposit wait for an owner again whose assignment is reversed: one that goes back to SUSPENSE.
async fn unassign_deposit(tx: &mut Tx, reversal: &Reversal) -> Result<()> {
    let mut credits = reversal.legs.iter().map(|leg| leg.credit.wallet.kind);
    if !credits.any(|kind| kind == WalletKind::Suspense) {
        return Ok(());
    }
    let deposit: String = transfers::table
        .filter(transfers::owner_id.eq(reversal.home))
        .filter(transfers::transaction_id.eq(reversal.original.0))
        .select(transfers::reference_id)
        .first(tx.conn())
        .await?;
    let deposit = Uuid::try_parse(&deposit)
        .map_err(|error| DbError::inconsistent("transfers", "reference_id", error))?;
    unassign(tx, deposit);
    Ok(())
}

/// Takes the treasury of a reversed funding from the service that the funding named.
async fn rename_treasury(tx: &mut Tx, reversal: &Reversal) -> Result<()> {
    let mut debits = reversal.legs.iter().map(|leg| leg.debit.wallet);
    match debits.find(|wallet| wallet.kind == WalletKind::CampaignTreasury) {
        Some(treasury) => {
            let number = number_of(tx, treasury.currency)?;
            name_as_before(tx, treasury.owner.id, number, reversal.original).await
        }
        None => Ok(()),
    }
}

/// Enqueues an event for each leg, about the owner who gives the amount back.
fn publish(tx: &mut Tx, request: &Request, reversal: &Reversal) -> Result<()> {
    let mut version = 0;
    for leg in &reversal.legs {
        let owner = leg.debit.wallet.owner;
        let code = leg.debit.wallet.currency;
        let scale = tx.currencies().get(&code).map(|currency| currency.scale);
        let scale = scale.ok_or_else(|| DbError::inconsistent("currencies", "code", code))?;
        let mut events = SubjectEvents::new(ENTITY, reversal.original.0, version);
        events.audience = owner.user();
        events.transaction_id = Some(reversal.transaction_id);
        events.push(ReversalEvent::TransactionReversed {
            reversed_transaction_id: reversal.original.0,
            owner_kind: owner.kind.name(),
            owner_id: owner.id,
            amount: leg.amount.to_decimal(scale),
            currency: code.to_string(),
            transaction_id: reversal.transaction_id.0,
        });
        version = events.enqueue(tx, &request.request_id)?;
    }
    Ok(())
}

impl Reversal {
    fn posting(&self, request: &Request) -> Posting {
        Posting {
            transaction_id: self.transaction_id,
            reference: Reference::to(ENTITY, self.original),
            cause: request.posting_cause(),
            legs: self.legs.clone(),
        }
    }
}

#[derive(HasQuery)]
#[diesel(table_name = transfers, check_for_backend(Pg))]
struct TransferRow {
    owner_id: Uuid,
    amount: i64,
    reason: String,
    debit_wallet: i64,
    debit_bucket: String,
    credit_wallet: i64,
    credit_bucket: String,
}

/// Ids of the accounts of nil are below it.
const HOUSE_IDS: i64 = 65_536;

/// A side as it is stored: a wallet of the transfer's owner, or an account of nil.
type StoredSide = (Uuid, i64);

impl TransferRow {
    fn side(&self, wallet: i64) -> StoredSide {
        let owner = if wallet < HOUSE_IDS {
            Uuid::nil()
        } else {
            self.owner_id
        };
        (owner, wallet)
    }
}

/// The transfers of a transaction with the home of the first; none if there are none.
async fn find(tx: &mut Tx, id: TransactionId) -> Result<Option<(Uuid, Vec<StoredTransfer>)>> {
    let rows: Vec<TransferRow> = TransferRow::query()
        .filter(transfers::transaction_id.eq(id.0))
        .order(transfers::leg)
        .load(tx.conn())
        .await?;
    let Some(first) = rows.as_slice().first() else {
        return Ok(None);
    };
    let home = first.owner_id;
    let sides = rows
        .iter()
        .flat_map(|row| [row.side(row.debit_wallet), row.side(row.credit_wallet)]);
    let sides: BTreeSet<StoredSide> = sides.collect();
    let wallets = wallets_of(tx, &sides).await?;
    let stored = rows.into_iter().map(|row| {
        let side = |wallet, bucket: &str| {
            let key = wallets.iter().find(|(of, _)| *of == row.side(wallet));
            let (_, key) = key.ok_or_else(|| DbError::inconsistent("wallets", "id", wallet))?;
            Ok::<_, DbError>(Side {
                wallet: *key,
                bucket: read_name("transfers", "bucket", bucket)?,
            })
        };
        Ok(StoredTransfer {
            debit: side(row.debit_wallet, &row.debit_bucket)?,
            credit: side(row.credit_wallet, &row.credit_bucket)?,
            amount: domain::money::Minor(row.amount),
            reason: row.reason,
        })
    });
    Ok(Some((home, stored.collect::<Result<_>>()?)))
}

/// Keys of wallets.
async fn wallets_of(
    tx: &mut Tx,
    sides: &BTreeSet<StoredSide>,
) -> Result<Vec<(StoredSide, WalletKey)>> {
    let rows: Vec<(Uuid, i64, String, String, i16, Uuid)> = wallets::table
        .filter(wallets::owner_id.eq_any(sides.iter().map(|(owner, _)| *owner)))
        .filter(wallets::id.eq_any(sides.iter().map(|(_, id)| *id)))
        .select((
            wallets::owner_id,
            wallets::id,
            wallets::owner_kind,
            wallets::kind,
            wallets::currency,
            wallets::for_id,
        ))
        .load(tx.conn())
        .await?;
    if rows
        .iter()
        .any(|(.., number, _)| currency_of(tx.currencies(), *number).is_err())
    {
        tx.reload_currencies().await?;
    }
    let keys = rows
        .into_iter()
        .map(|(owner, id, owner_kind, kind, number, for_id)| {
            let key = WalletKey {
                owner: WalletOwner {
                    kind: read_name("wallets", "owner_kind", &owner_kind)?,
                    id: owner,
                },
                kind: read_name("wallets", "kind", &kind)?,
                currency: currency_of(tx.currencies(), number)?.code,
                for_id,
            };
            Ok(((owner, id), key))
        });
    keys.collect()
}
