//! Commands on redemptions: settle, void, return.

use domain::access::{Principal, Role};
use domain::ids::OwnerId;
use domain::money::CurrencyCode;
use domain::promotions::redemption::{
    self as rules, Redemption, RedemptionRefusal, RedemptionStatus,
};
use domain::promotions::voucher::{ComesBack, Destiny, Voucher, destiny};
use domain::wallets::{
    Leg, Origin, OwnerKind, Posting, PostingCause, PostingRefusal, Side, TransferReason, WalletKind,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::events::{RedemptionEvent, RedemptionEvents, price, value};
use super::{locks, queries, settling, writes};
use crate::Db;
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::promotions::{accounts, configuration};
use crate::wallets::posting;

commands! {
    RedemptionRefusal;
    REDEMPTION_SETTLE = "promotions.redemption_settle", RedemptionSettle, Required: NotFound, Settled, Voided;
    REDEMPTION_VOID = "promotions.redemption_void", RedemptionVoid, Required: NotFound, Settled, Voided;
    REDEMPTION_RETURN = "promotions.redemption_return", RedemptionReturn, Required:
        NotFound, Pending, Voided, ReturnTooLate, AmountInvalid, ReturnExceeded, PartialReturnNotAllowed, WalletFrozen,
        InsufficientFunds;
}

/// Redemptions that [`void_overdue`] reads at a time.
const AT_ONCE: i64 = 100;

/// Result of the commands on redemptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedemptionDone {
    /// Key of the redemption.
    pub redemption: [Uuid; 2],
    /// The posting; none when nothing was posted.
    pub transaction: Option<Uuid>,
}

/// Pays value and price share of a pending redemption to the campaign's merchant.
pub async fn redemption_settle(
    tx: &mut Tx,
    request: &Request,
    id: RedemptionId,
) -> Result<Answer<RedemptionDone>> {
    let request = &request.with_subject_of_object(OwnerId(id.merchant.0));
    once(tx, request, &REDEMPTION_SETTLE, async |tx, key| {
        let (voucher, redemption) = locked(tx, id).await?;
        rules::check_pending(&redemption)?;
        let settled = settling::settle(tx, request, &voucher, &redemption).await?;
        writes::store(tx, &settled, RedemptionStatus::Pending);
        key.transaction_id = settled.transaction.map(TransactionId);
        Ok(done(&settled, key.transaction_id))
    })
    .await
}

/// Gives value and price share of a pending redemption back.
pub async fn redemption_void(
    tx: &mut Tx,
    request: &Request,
    id: RedemptionId,
) -> Result<Answer<RedemptionDone>> {
    let request = &request.with_subject_of_object(OwnerId(id.merchant.0));
    once(tx, request, &REDEMPTION_VOID, async |tx, key| {
        let (voucher, redemption) = locked(tx, id).await?;
        rules::check_pending(&redemption)?;
        let cause = request.posting_cause();
        let (voided, transaction) =
            settling::void(tx, cause, &request.request_id, &voucher, &redemption).await?;
        key.transaction_id = transaction;
        note(key, &redemption, &voided);
        Ok(done(&voided, transaction))
    })
    .await
}

/// Returns value of a settled redemption, and its proportion of the price share, from the merchant's wallet.
pub async fn redemption_return(
    tx: &mut Tx,
    request: &Request,
    id: RedemptionId,
    amount: Option<(Decimal, CurrencyCode)>,
) -> Result<Answer<RedemptionDone>> {
    let request = &request.with_subject_of_object(OwnerId(id.merchant.0));
    once(tx, request, &REDEMPTION_RETURN, async |tx, key| {
        if !is_concern(request, id.merchant) {
            return Err(RedemptionRefusal::NotFound.into());
        }
        let (voucher, redemption) = locked(tx, id).await?;
        let promotion = configuration::in_force(tx.conn()).await?;
        let now = tx.now();
        let returned = rules::return_value(&redemption, &voucher, amount, &promotion, now)?;
        let back = returned.back;
        let holding = voucher
            .holding
            .ok_or_else(|| DbError::inconsistent("vouchers", "owner_id", voucher.id))?;
        let destiny = destiny(&voucher, holding, &promotion, now);
        let transaction_id = TransactionId(tx.new_id());
        // The expired rest is paid out first: the merchant may need it to cover the return.
        let mut legs = match destiny {
            Destiny::Voucher(usable_until) => {
                let id = &request.request_id;
                settling::give_back(tx, id, &voucher, back, usable_until, transaction_id)?
            }
            Destiny::Expiry | Destiny::Revocation => Vec::new(),
        };
        legs.extend(legs_back(&voucher, back, holding.owner, destiny));
        let transaction = (!legs.is_empty()).then_some(transaction_id);
        let mut changed = returned.redemption;
        let mut events = RedemptionEvents::of(&redemption, transaction);
        events.push(RedemptionEvent::RedemptionReturned {
            amount: value(&redemption, back.value),
            amount_returned: value(&redemption, changed.returned),
            price_returned: price(&redemption, changed.price_returned),
        });
        changed.version = events.enqueue(tx, &request.request_id)?;
        if !matches!(destiny, Destiny::Voucher(_)) {
            let (id, lost) = (&request.request_id, (back, destiny));
            settling::lose(tx, id, &voucher, &changed, lost, transaction).await?;
        }
        writes::store(tx, &changed, RedemptionStatus::Settled);
        writes::count_returned(tx, &redemption, back.value.0);
        if let Some(transaction_id) = transaction {
            let posting = Posting {
                transaction_id,
                reference: settling::reference(&redemption),
                cause: request.posting_cause(),
                legs,
            };
            let posted = posting::post(tx, std::slice::from_ref(&posting)).await?;
            for posted in posted {
                posted.map_err(|refusal| refused(&redemption, &voucher, refusal))?;
            }
        }
        key.transaction_id = transaction;
        note(key, &redemption, &changed);
        Ok(done(&changed, transaction))
    })
    .await
}

/// Voids redemptions that were not settled in time. One that fails does not keep the others: the first fault is returned at
/// the end.
pub async fn void_overdue(db: &Db) -> Result<()> {
    let mut failed = None;
    let mut after: Option<(Timestamp, Uuid)> = None;
    loop {
        let overdue = db.read(async move |conn| queries::overdue(conn, after, AT_ONCE).await);
        let overdue = overdue.await?;
        let Some((last, at)) = overdue.last() else {
            return failed.map_or(Ok(()), Err);
        };
        after = Some((*at, last.uuid));
        for (id, _) in overdue {
            let void = async move |tx: &mut Tx| void_one(tx, id).await;
            if let Err(fault) = db.write("promotions.redemption_expiry", void).await {
                tracing::error!(redemption = %id.uuid, error = %fault, "A redemption is not voided");
                failed.get_or_insert(fault);
            }
        }
    }
}

async fn void_one(tx: &mut Tx, id: RedemptionId) -> Result<()> {
    let Some(found) = locks::find(tx, id).await? else {
        return Ok(());
    };
    let (voucher, redemption) = locks::lock(tx, &found).await?;
    let is_overdue = redemption
        .settle_expires_at
        .is_some_and(|at| at <= tx.now());
    // It may have been settled meanwhile.
    if is_overdue {
        let cause = PostingCause::without_caller(Origin::Job);
        let job = "job redemption_expiry";
        settling::void(tx, cause, job, &voucher, &redemption).await?;
    }
    Ok(())
}

/// Notes a change for the audit log, under the names of the API: a command that posts nothing leaves no other trace.
fn note(key: &mut Key, before: &Redemption, after: &Redemption) {
    key.about = Some(About::new("voucher", Some(after.voucher.uuid), None));
    let shown = |redemption: &Redemption| {
        json!({
            "redemptionId": redemption.id.uuid, "status": redemption.status.name(),
            "amountReturned": value(redemption, redemption.returned),
        })
    };
    key.change = Some(Change {
        before: shown(before),
        after: shown(after),
    });
}

/// The redemption of a command with its voucher, locked.
async fn locked(
    tx: &mut Tx,
    id: RedemptionId,
) -> Result<(Voucher, Redemption), Stop<RedemptionRefusal>> {
    let found = locks::find(tx, id).await?;
    let found = found.ok_or(RedemptionRefusal::NotFound)?;
    Ok(locks::lock(tx, &found).await?)
}

/// Whether a merchant's redemptions are the caller's concern: services see all, people those of their merchant.
fn is_concern(request: &Request, merchant: MerchantId) -> bool {
    match &request.principal {
        Principal::Service(_) => true,
        Principal::Person(person) => {
            person.has(Role::Merchant)
                && person.wallet_owner(OwnerKind::Merchant) == Some(merchant.into())
        }
        Principal::Anonymous => false,
    }
}

/// Legs of a return. Of a voucher that has expired everything would come straight back to the merchant, so nothing is
/// posted; of a revoked one only the price goes to the holder.
fn legs_back(voucher: &Voucher, back: ComesBack, holder: UserId, destiny: Destiny) -> Vec<Leg> {
    let campaign = voucher.offer.campaign;
    let face_value = voucher.offer.face_value;
    let price = voucher.offer.price();
    let mut legs: Vec<Leg> = Vec::new();
    match destiny {
        Destiny::Voucher(_) => {
            legs.extend(accounts::leg(
                accounts::wallet(campaign.merchant, face_value),
                accounts::escrow(campaign, face_value),
                back.value,
                TransferReason::RedemptionReturned,
            ));
            legs.extend(price.and_then(|price| {
                accounts::leg(
                    accounts::wallet(campaign.merchant, price),
                    accounts::proceeds(campaign, price),
                    back.price,
                    TransferReason::RedemptionReturned,
                )
            }));
        }
        Destiny::Revocation => legs.extend(price.and_then(|price| {
            accounts::leg(
                accounts::wallet(campaign.merchant, price),
                Side::available(holder, WalletKind::Main, price.currency.code),
                back.price,
                TransferReason::VoucherRefund,
            )
        })),
        Destiny::Expiry => {}
    }
    legs
}

fn done(redemption: &Redemption, transaction: Option<TransactionId>) -> RedemptionDone {
    RedemptionDone {
        redemption: redemption.id.into(),
        transaction: transaction.map(|id| id.0),
    }
}

fn refused(
    redemption: &Redemption,
    voucher: &Voucher,
    refusal: PostingRefusal,
) -> Stop<RedemptionRefusal> {
    let (merchant_id, id) = (redemption.id.merchant.0, redemption.id.uuid);
    match refusal {
        PostingRefusal::WalletFrozen { .. } => RedemptionRefusal::WalletFrozen {
            merchant_id,
            redemption: id,
        }
        .into(),
        PostingRefusal::InsufficientFunds {
            wallet, available, ..
        } => {
            let face_value = voucher.offer.face_value.currency;
            let price = voucher.offer.price().map(|price| price.currency);
            let known = [Some(face_value), price].into_iter().flatten();
            let mut known = known.filter(|currency| currency.code == wallet.currency);
            let currency = known.next().unwrap_or(face_value);
            RedemptionRefusal::InsufficientFunds {
                merchant_id,
                redemption: id,
                available: available.to_decimal(currency.scale),
                currency: currency.code,
            }
            .into()
        }
        fault @ (PostingRefusal::Malformed | PostingRefusal::Overflow) => {
            DbError::from(fault).into()
        }
    }
}
