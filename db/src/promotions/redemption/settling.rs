//! Ends of a redemption: settling and voiding.

use domain::money::Minor;
use domain::promotions::redemption::{Redemption, RedemptionStatus};
use domain::promotions::voucher::{ComesBack, Destiny, Voucher, destiny, overdue};
use domain::wallets::{Leg, Posting, PostingCause, Reference, TransferReason};

use super::events::{RedemptionEvent, RedemptionEvents, price, value};
use super::{locks, writes};
use crate::prelude::*;
use crate::promotions::voucher::{VoucherEvent, VoucherEvents, count_acquired, refund, store_held};
use crate::promotions::{accounts, configuration};
use crate::wallets::posting;

/// Object of the postings of a redemption: its order, or itself.
pub(super) fn reference(redemption: &Redemption) -> Reference {
    match redemption.order_id {
        Some(order) => Reference::to("order", order),
        None => Reference::to("redemption", redemption.id.uuid),
    }
}

/// Settles a pending redemption whose voucher is locked: posts value and price share to the merchant. The caller stores the
/// returned redemption.
pub(in crate::promotions) async fn settle(
    tx: &mut Tx,
    request: &Request,
    voucher: &Voucher,
    redemption: &Redemption,
) -> Result<Redemption> {
    let transaction = TransactionId(tx.new_id());
    let campaign = voucher.offer.campaign;
    let face_value = voucher.offer.face_value;
    let mut legs: Vec<Leg> = Vec::new();
    legs.extend(accounts::leg(
        accounts::escrow(campaign, face_value),
        accounts::wallet(campaign.merchant, face_value),
        redemption.taken(),
        TransferReason::RedemptionSettled,
    ));
    if let Some(share) = redemption.price_share {
        legs.extend(accounts::leg(
            accounts::proceeds(campaign, share),
            accounts::wallet(campaign.merchant, share),
            share.amount,
            TransferReason::VoucherPriceEarned,
        ));
    }
    let mut events = RedemptionEvents::of(redemption, Some(transaction));
    events.push(RedemptionEvent::RedemptionSettled {
        amount_used: value(redemption, redemption.used),
        amount_refunded: value(redemption, redemption.refunded),
        price_share: price(redemption, redemption.share()),
    });
    let version = events.enqueue(tx, &request.request_id)?;
    let posting = Posting {
        transaction_id: transaction,
        reference: reference(redemption),
        cause: request.posting_cause(),
        legs,
    };
    post(tx, &posting).await?;
    Ok(Redemption {
        status: RedemptionStatus::Settled,
        settle_expires_at: None,
        ended_at: Some(tx.now()),
        transaction: Some(transaction.0),
        version,
        ..redemption.clone()
    })
}

/// Voids a pending redemption whose voucher is locked: gives value and price share back to the voucher, or to merchant and
/// holder once it has expired or was revoked. Returns the posting of the latter.
pub(super) async fn void(
    tx: &mut Tx,
    cause: PostingCause,
    request_id: &str,
    voucher: &Voucher,
    redemption: &Redemption,
) -> Result<(Redemption, Option<TransactionId>)> {
    let promotion = configuration::in_force(tx.conn()).await?;
    let now = tx.now();
    let back = ComesBack {
        value: redemption.taken(),
        price: redemption.share(),
    };
    let holding = voucher
        .holding
        .ok_or_else(|| DbError::inconsistent("vouchers", "owner_id", voucher.id))?;
    let destiny = destiny(voucher, holding, &promotion, now);
    let transaction = TransactionId(tx.new_id());
    let legs = match destiny {
        Destiny::Voucher(usable_until) => {
            give_back(tx, request_id, voucher, back, usable_until, transaction)?
        }
        Destiny::Expiry | Destiny::Revocation => legs_away(voucher, back, holding.owner, destiny),
    };
    let transaction = (!legs.is_empty()).then_some(transaction);
    let mut events = RedemptionEvents::of(redemption, transaction);
    events.push(RedemptionEvent::RedemptionVoided {
        amount_used: value(redemption, redemption.used),
    });
    let voided = Redemption {
        status: RedemptionStatus::Voided,
        settle_expires_at: None,
        ended_at: Some(now),
        version: events.enqueue(tx, request_id)?,
        ..redemption.clone()
    };
    if !matches!(destiny, Destiny::Voucher(_)) {
        lose(
            tx,
            request_id,
            voucher,
            &voided,
            (back, destiny),
            transaction,
        )
        .await?;
    }
    writes::store(tx, &voided, RedemptionStatus::Pending);
    writes::discount(tx, redemption);
    if let Some(transaction_id) = transaction {
        let posting = Posting {
            transaction_id,
            reference: reference(redemption),
            cause,
            legs,
        };
        post(tx, &posting).await?;
    }
    Ok((voided, transaction))
}

/// Puts value back onto its voucher. Returns the legs that book the rest of one whose time was over, for the caller to post.
pub(super) fn give_back(
    tx: &mut Tx,
    request_id: &str,
    voucher: &Voucher,
    back: ComesBack,
    usable_until: Timestamp,
    transaction: TransactionId,
) -> Result<Vec<Leg>> {
    let now = tx.now();
    let mut kept = back.onto(voucher, usable_until, now)?;
    kept.updated_at = now.max(kept.updated_at);
    kept.version += 1;
    let rest = overdue(voucher, now).zip(voucher.owner());
    let legs = rest.map(|(rest, holder)| legs_away(voucher, rest, holder, Destiny::Expiry));
    if legs.is_some() {
        let mut events = VoucherEvents::of(voucher);
        events.transaction_id = Some(transaction);
        events.push(VoucherEvent::VoucherExpired {});
        kept.version = events.enqueue(tx, request_id)?;
    }
    store_held(tx, &kept, voucher.stored_status);
    Ok(legs.unwrap_or_default())
}

/// Ends a voucher whose value goes to the merchant or the holder instead, by a posting of the caller: stores the end, raises
/// an event about a refund, and takes a revoked voucher of which nothing else was used off the limit per person.
pub(super) async fn lose(
    tx: &mut Tx,
    request_id: &str,
    voucher: &Voucher,
    after: &Redemption,
    (back, destiny): (ComesBack, Destiny),
    transaction: Option<TransactionId>,
) -> Result<()> {
    let is_revoked = destiny == Destiny::Revocation;
    let ended = back.lost(voucher, destiny)?;
    let price = voucher.offer.price();
    let refunded = price.filter(|_| is_revoked && back.price > Minor::ZERO);
    let mut changed = ended.clone().unwrap_or_else(|| voucher.clone());
    changed.updated_at = tx.now().max(voucher.updated_at);
    if let (Some(price), Some(transaction)) = (refunded, transaction) {
        let mut events = VoucherEvents::of(&changed);
        events.transaction_id = Some(transaction);
        events.push(VoucherEvent::refunded(price, back.price, transaction));
        changed.version = events.enqueue(tx, request_id)?;
    } else if ended.is_some() {
        changed.version += 1;
    }
    if changed.version > voucher.version {
        store_held(tx, &changed, voucher.stored_status);
    }
    if let Some(holder) = voucher.owner().filter(|_| is_revoked && after.is_undone())
        && !locks::is_used_beside(tx, after).await?
    {
        count_acquired(tx, voucher, holder, -1);
    }
    Ok(())
}

/// Legs of value that does not go back onto its voucher: value to the merchant, price to the merchant or to the holder.
fn legs_away(voucher: &Voucher, back: ComesBack, holder: UserId, destiny: Destiny) -> Vec<Leg> {
    let campaign = voucher.offer.campaign;
    let face_value = voucher.offer.face_value;
    let mut legs: Vec<Leg> = Vec::new();
    legs.extend(accounts::leg(
        accounts::escrow(campaign, face_value),
        accounts::wallet(campaign.merchant, face_value),
        back.value,
        TransferReason::EscrowRelease,
    ));
    match voucher.offer.price().filter(|_| back.price.0 > 0) {
        Some(price) if destiny == Destiny::Revocation => {
            legs.push(refund(holder, campaign, price, back.price));
        }
        Some(price) => legs.extend(accounts::leg(
            accounts::proceeds(campaign, price),
            accounts::wallet(campaign.merchant, price),
            back.price,
            TransferReason::VoucherPriceEarned,
        )),
        None => {}
    }
    legs
}

/// Posts what always covers itself.
async fn post(tx: &mut Tx, posting: &Posting) -> Result<()> {
    let posted = posting::post(tx, std::slice::from_ref(posting)).await?;
    posted.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(())
}
