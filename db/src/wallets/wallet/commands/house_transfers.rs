//! Transfers between accounts of the house. They always need a second person.

use domain::money::{CurrencyCode, Money};
use domain::reason::Reason;
use domain::wallets::wallet::{self as rules, HouseAccount, WalletRefusal};
use domain::wallets::{Leg, Posting, Reference, TransferReason};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::outbox::SubjectEvents;
use crate::platform::approval::{self, NewApproval, Proposal};
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::schema::house_transfers;
use crate::text::{code, named};
use crate::wallets::posting;

// Accounts of the house keep no balance, so none can be too large.
commands! {
    WalletRefusal;
    HOUSE_TRANSFER = "wallets.house_transfer", HouseTransfer, Required:
        ReasonInvalid, AccountsInvalid, CurrencyUnknown, AmountInvalid, ReferenceUsed;
}

/// Kind of a transfer in the audit log; its id is that of the transaction.
const ENTITY: &str = "house_transfer";

/// An event of a transfer. `docs/EVENTS.md` documents it.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
enum HouseEvent {
    HouseTransferred {
        from: &'static str,
        to: &'static str,
        amount: Decimal,
        currency: String,
        reference: String,
        transaction_id: Uuid,
    },
}

/// A transfer as it is requested.
#[derive(Clone, Debug)]
pub struct HouseTransferDraft {
    /// Account to take from.
    pub from: HouseAccount,
    /// Account to give to.
    pub to: HouseAccount,
    /// Amount and currency.
    pub amount: (Decimal, CurrencyCode),
    /// External reference.
    pub reference: String,
    /// Reason.
    pub reason: String,
}

/// A transfer that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HouseTransferProposal {
    /// Account to take from.
    #[serde(with = "named")]
    pub from: HouseAccount,
    /// Account to give to.
    #[serde(with = "named")]
    pub to: HouseAccount,
    /// Amount.
    pub amount: Decimal,
    /// Currency.
    #[serde(with = "code")]
    pub currency: CurrencyCode,
    /// External reference.
    pub reference: String,
    /// Reason.
    pub reason: String,
}

/// Requests a transfer; returns the approval that it waits for.
pub async fn house_transfer(
    tx: &mut Tx,
    request: &Request,
    draft: &HouseTransferDraft,
) -> Result<Answer<Uuid>> {
    once(tx, request, &HOUSE_TRANSFER, async |tx, key| {
        let reason = Reason::parse(&draft.reason);
        key.about = Some(About::new(ENTITY, None, reason));
        let (amount, reason) = check(tx, draft).await?;
        let proposal = HouseTransferProposal {
            from: draft.from,
            to: draft.to,
            amount: amount.to_decimal(),
            currency: amount.currency.code,
            reference: draft.reference.clone(),
            reason: reason.as_str().to_owned(),
        };
        let new = NewApproval {
            subjects: Vec::new(),
            reason: &reason,
            proposal: &proposal,
            change: Change {
                before: json!({}),
                after: shown(draft, amount),
            },
        };
        Ok(approval::request(tx, key, request, new).await?)
    })
    .await
}

impl Proposal for HouseTransferProposal {
    type Refusal = WalletRefusal;
    const COMMAND: &'static crate::command::Command<WalletRefusal> = &HOUSE_TRANSFER;

    async fn carry_out(
        self,
        tx: &mut Tx,
        key: &mut Key,
        request: &Request,
        _: UserId,
    ) -> Result<approval::Effect, Stop<WalletRefusal>> {
        let draft = HouseTransferDraft {
            from: self.from,
            to: self.to,
            amount: (self.amount, self.currency),
            reference: self.reference,
            reason: self.reason,
        };
        let (amount, reason) = check(tx, &draft).await?;
        let transaction_id = TransactionId(tx.new_id());
        let code = amount.currency.code;
        let posting = Posting {
            transaction_id,
            reference: Reference {
                kind: ENTITY.into(),
                id: draft.reference.clone(),
            },
            cause: request.posting_cause(),
            legs: vec![Leg {
                debit: draft.from.side(code),
                credit: draft.to.side(code),
                amount: amount.amount,
                reason: TransferReason::HouseTransfer,
            }],
        };
        let posted = posting::post_one(tx, &posting).await?;
        let posted = posted.map_err(DbError::from)?;
        key.transaction_id = Some(transaction_id);
        let insert = diesel::insert_into(house_transfers::table).values((
            house_transfers::reference.eq(draft.reference.clone()),
            house_transfers::from_kind.eq(draft.from.name()),
            house_transfers::to_kind.eq(draft.to.name()),
            house_transfers::currency.eq(amount.currency.number),
            house_transfers::amount.eq(amount.amount.0),
            house_transfers::reason.eq(reason.as_str().to_owned()),
            house_transfers::transaction_id.eq(transaction_id.0),
            house_transfers::created_at.eq(posted.posted_at),
        ));
        // Another approval may have used the reference meanwhile.
        tx.write_last_racing("house_transfers", 1, insert.on_conflict_do_nothing());
        let mut events = SubjectEvents::new(ENTITY, transaction_id.0, 0);
        events.transaction_id = Some(transaction_id);
        events.push(HouseEvent::HouseTransferred {
            from: draft.from.name(),
            to: draft.to.name(),
            amount: amount.to_decimal(),
            currency: code.to_string(),
            reference: draft.reference.clone(),
            transaction_id: transaction_id.0,
        });
        events.enqueue(tx, &request.request_id)?;
        Ok(approval::Effect {
            entity: (ENTITY, transaction_id.0),
            change: Change {
                before: json!({}),
                after: shown(&draft, amount),
            },
        })
    }
}

/// Checks a transfer; returns its amount and reason.
async fn check(
    tx: &mut Tx,
    draft: &HouseTransferDraft,
) -> Result<(Money, Reason), Stop<WalletRefusal>> {
    tx.know_currencies([draft.amount.1]).await?;
    let accounts = (draft.from, draft.to);
    let new = rules::transfer(tx.currencies(), &draft.reason, accounts, draft.amount)?;
    let used: Option<Uuid> = house_transfers::table
        .find(&draft.reference)
        .select(house_transfers::transaction_id)
        .first(tx.conn())
        .await
        .optional()?;
    match used {
        Some(_) => Err(WalletRefusal::ReferenceUsed.into()),
        None => Ok((new.amount, new.reason)),
    }
}

/// A transfer in the audit log, under the names of the API.
fn shown(draft: &HouseTransferDraft, amount: Money) -> Value {
    json!({
        "from": draft.from.name(), "to": draft.to.name(), "amount": amount.to_decimal(),
        "currency": amount.currency.code.as_str(), "reference": draft.reference,
    })
}
