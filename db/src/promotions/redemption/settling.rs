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
    if destiny == Destiny::Revocation {
        refund_late(tx, request_id, voucher, &voided, back.price, transaction).await?;
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

/// Notes what an unearned price does that goes to the holder of a revoked voucher, in a posting of the caller: it raises
/// an event, and a voucher of which nothing else was used counts no more for the limit per person.
pub(super) async fn refund_late(
    tx: &mut Tx,
    request_id: &str,
    voucher: &Voucher,
    after: &Redemption,
    refunded: Minor,
    transaction: Option<TransactionId>,
) -> Result<()> {
    let price = voucher.offer.price().filter(|_| refunded > Minor::ZERO);
    if let (Some(price), Some(transaction)) = (price, transaction) {
        let mut events = VoucherEvents::of(voucher);
        events.transaction_id = Some(transaction);
        events.push(VoucherEvent::refunded(price, refunded, transaction));
        let version = events.enqueue(tx, request_id)?;
        let updated_at = tx.now().max(voucher.updated_at);
        let voucher = Voucher {
            version,
            updated_at,
            ..voucher.clone()
        };
        store_held(tx, &voucher, voucher.stored_status);
    }
    if let Some(holder) = voucher.owner().filter(|_| after.is_undone())
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
