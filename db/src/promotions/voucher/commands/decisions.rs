//! Decisions of staff about a voucher: extending and revoking it.

use domain::money::{Minor, Money};
use domain::promotions::voucher::{
    self as rules, Revocation, Voucher, VoucherRefusal, VoucherStatus,
};
use domain::reason::Reason;
use domain::wallets::{Leg, Posting, PostingCause, Reference, Side, TransferReason, WalletKind};
use serde_json::{Value, json};

use super::VoucherDone;
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::promotions::voucher::events::{VoucherEvent, VoucherEvents, amount};
use crate::promotions::voucher::{locks, writes};
use crate::promotions::{accounts, configuration};
use crate::wallets::posting;

commands! {
    VoucherRefusal;
    VOUCHER_REVOKE = "promotions.voucher_revoke", VoucherRevoke, Required:
        ReasonInvalid, VoucherNotFound, OwnAccount, StatusInvalid;
    VOUCHER_EXTEND = "promotions.voucher_extend", VoucherExtend, Optional:
        ReasonInvalid, VoucherNotFound, OwnAccount, StatusInvalid, DaysInvalid;
}

/// Revokes a voucher: the value that is left returns to the merchant, the unearned price to the holder.
pub async fn voucher_revoke(
    tx: &mut Tx,
    request: &Request,
    id: VoucherId,
    reason: &str,
) -> Result<Answer<VoucherDone>> {
    once(tx, request, &VOUCHER_REVOKE, async |tx, key| {
        let (voucher, reason) = decided(tx, key, id, reason).await?;
        let now = tx.now();
        let mut after = rules::revoke(&voucher, request.person()?, &reason, now)?;
        let revocation = Revocation {
            at: now,
            reason: reason.as_str().to_owned(),
        };
        let (request_id, cause) = (&request.request_id, request.posting_cause());
        let (posting, version) = revoked(tx, request_id, cause, &voucher, &revocation)?;
        after.version = version;
        writes::store_held(tx, &after, voucher.stored_status);
        if let (VoucherStatus::Claimed, Some(holder)) = (voucher.stored_status, voucher.owner()) {
            writes::count_acquired(tx, &voucher, holder, -1);
        }
        let posted = posting::post(tx, std::slice::from_ref(&posting)).await?;
        posted
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .map_err(DbError::from)?;
        let transaction = posting.transaction_id;
        key.transaction_id = Some(transaction);
        key.change = Some(change(&voucher, &after));
        Ok(VoucherDone::of(&after, Some(transaction.0)))
    })
    .await
}

/// Extends the validity of a voucher that can be redeemed.
pub async fn voucher_extend(
    tx: &mut Tx,
    request: &Request,
    id: VoucherId,
    additional_days: i32,
    reason: &str,
) -> Result<Answer<VoucherDone>> {
    once(tx, request, &VOUCHER_EXTEND, async |tx, key| {
        let (voucher, _) = decided(tx, key, id, reason).await?;
        let promotion = configuration::in_force(tx.conn()).await?;
        let person = request.person()?;
        let mut extended = rules::extend(&voucher, person, additional_days, &promotion, tx.now())?;
        let mut events = VoucherEvents::of(&extended);
        if let Some(holding) = extended.holding {
            let expires_at = holding.usable_until;
            events.push(VoucherEvent::VoucherExtended { expires_at });
        }
        extended.version = events.enqueue(tx, &request.request_id)?;
        writes::store_held(tx, &extended, voucher.stored_status);
        key.change = Some(change(&voucher, &extended));
        Ok(VoucherDone::of(&extended, None))
    })
    .await
}

/// The locked voucher of a decision, with its reason.
async fn decided(
    tx: &mut Tx,
    key: &mut Key,
    id: VoucherId,
    reason: &str,
) -> Result<(Voucher, Reason), Stop<VoucherRefusal>> {
    let reason = Reason::parse(reason);
    key.about = Some(About::new("voucher", Some(id.uuid), reason.clone()));
    let reason = reason.ok_or(VoucherRefusal::ReasonInvalid)?;
    let found = locks::find(tx, id).await?;
    let found = found.ok_or(VoucherRefusal::VoucherNotFound)?;
    locks::share_campaign(tx, found.offer.campaign).await?;
    Ok((locks::lock(tx, id).await?, reason))
}

/// Posting of a revocation with its events; returns the voucher's version after them. The caller stores the rest.
pub(in crate::promotions) fn revoked(
    tx: &mut Tx,
    request_id: &str,
    cause: PostingCause,
    voucher: &Voucher,
    revocation: &Revocation,
) -> Result<(Posting, i64)> {
    let transaction_id = TransactionId(tx.new_id());
    let holder = voucher
        .owner()
        .ok_or_else(|| DbError::inconsistent("vouchers", "owner_id", voucher.id))?;
    let mut events = VoucherEvents::of(voucher);
    events.transaction_id = Some(transaction_id);
    events.push(VoucherEvent::VoucherRevoked {
        reason: revocation.reason.clone(),
        transaction_id: Some(transaction_id.0),
    });
    let campaign = voucher.offer.campaign;
    let face_value = voucher.offer.face_value;
    let mut legs = Vec::new();
    legs.extend(accounts::leg(
        accounts::escrow(campaign, face_value),
        accounts::wallet(campaign.merchant, face_value),
        voucher.remaining,
        TransferReason::EscrowRelease,
    ));
    if let Some(price) = voucher.offer.price().filter(|_| voucher.unearned.0 > 0) {
        legs.push(refund(holder, campaign, price, voucher.unearned));
        events.push(VoucherEvent::refunded(
            price,
            voucher.unearned,
            transaction_id,
        ));
    }
    let version = events.enqueue(tx, request_id)?;
    let posting = Posting {
        transaction_id,
        reference: Reference::to("voucher", voucher.id.uuid),
        cause,
        legs,
    };
    Ok((posting, version))
}

/// The leg that returns an unearned price to its holder.
pub(in crate::promotions) fn refund(
    holder: UserId,
    campaign: CampaignId,
    price: Money,
    amount: Minor,
) -> Leg {
    Leg {
        debit: accounts::proceeds(campaign, price),
        credit: Side::available(holder, WalletKind::Main, price.currency.code),
        amount,
        reason: TransferReason::VoucherRefund,
    }
}

/// A change of a voucher for the audit log.
pub(super) fn change(before: &Voucher, after: &Voucher) -> Change {
    Change {
        before: shown(before),
        after: shown(after),
    }
}

/// A voucher in the audit log, under the names of the API.
fn shown(voucher: &Voucher) -> Value {
    json!({
        "codeEnding": voucher.code.ending(), "status": voucher.stored_status.name(),
        "remainingValue": amount(voucher.offer.face_value, voucher.remaining),
        "expiresAt": voucher.holding.map(|holding| holding.usable_until),
        "revocationReason": voucher.revocation.as_ref().map(|revocation| revocation.reason.as_str()),
    })
}
