//! Redeeming a voucher.

use diesel::sql_types::{BigInt, SmallInt, Uuid as SqlUuid};
use domain::access::Principal;
use domain::money::{CurrencyCode, Minor, Money};
use domain::promotions::redemption::{
    self as uses, NewRedemption, Order, Redemption, RedemptionActor, RedemptionStatus, Use,
};
use domain::promotions::voucher::{self as rules, Voucher, VoucherRefusal};
use domain::time::{hours, plus};
use domain::wallets::OwnerKind;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::decisions::change;
use crate::last_writes::Text;
use crate::platform::audit::About;
use crate::prelude::*;
use crate::promotions::configuration;
use crate::promotions::redemption::settling;
use crate::promotions::redemption::{locks as redemptions, writes as redemption_writes};
use crate::promotions::voucher::events::{VoucherEvent, VoucherEvents, amount};
use crate::promotions::voucher::{locks, queries, writes};
use crate::schema::orders;
use crate::wallets::currency_of;

commands! {
    VoucherRefusal;
    VOUCHER_REDEEM = "promotions.voucher_redeem", VoucherRedeem, Required:
        VoucherNotFound, VoucherRevoked, VoucherExpired, VoucherUsed, WalletFrozen, OrderAmountInvalid, CurrencyMismatch,
        OrderRedeemed, PendingLimit, OrderAmountDiffers, OrderCovered;
}

/// What is shown to redeem a voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ticket {
    /// The code, as it was typed.
    Code(String),
    /// The voucher, named by its holder.
    Voucher(VoucherId),
    /// A token for the till.
    Token(String),
}

/// A use of a voucher as it is asked for.
#[derive(Clone, Debug)]
pub struct RedeemDraft {
    /// What is shown.
    pub ticket: Ticket,
    /// Holder of the voucher, named by a service.
    pub user: Option<UserId>,
    /// Key of the order.
    pub order_id: Option<Uuid>,
    /// Amount of the order, and its currency.
    pub order_amount: (Decimal, CurrencyCode),
}

/// Result of `voucher_redeem`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeemed {
    /// Key of the redemption.
    pub redemption: [Uuid; 2],
    /// The posting; none while it is pending.
    pub transaction: Option<Uuid>,
}

/// Uses a voucher for an order: at once at the till of its merchant, pending for its holder and for services.
pub async fn voucher_redeem(
    tx: &mut Tx,
    request: &Request,
    draft: &RedeemDraft,
) -> Result<Answer<Redeemed>> {
    let request = &match (&request.principal, draft.user) {
        (Principal::Service(_), Some(user)) => request.with_subject(user),
        (Principal::Service(_), None) => return Err(DbError::UserRequired),
        (_, Some(_)) => return Err(DbError::UserSuperfluous),
        _ => request.clone(),
    };
    once(tx, request, &VOUCHER_REDEEM, async |tx, key| {
        let found = queries::shown(tx, &draft.ticket).await?;
        let found = found.ok_or(VoucherRefusal::VoucherNotFound)?;
        let of = Concern {
            principal: request.principal.clone(),
            user: draft.user,
        };
        let actor = concern(&of, &draft.ticket, &found).ok_or(VoucherRefusal::VoucherNotFound)?;
        if actor != RedemptionActor::Merchant && draft.order_id.is_none() {
            return Err(DbError::OrderRequired.into());
        }
        let campaign = found.offer.campaign;
        locks::share_campaign(tx, campaign).await?;
        if let Some(order) = draft.order_id {
            locks::lock_order(tx, campaign, order).await?;
        }
        let voucher = locks::lock(tx, found.id).await?;
        let holder = voucher.owner().ok_or(VoucherRefusal::VoucherNotFound)?;
        let is_frozen = locks::is_frozen(tx, holder).await?;
        rules::check_usable(&voucher, is_frozen, tx.now())?;
        let promotion = configuration::in_force(tx.conn()).await?;
        let (pending, is_repeated) =
            redemptions::of_voucher(tx, voucher.id, draft.order_id).await?;
        let wanted = Use {
            order_amount: draft.order_amount,
            order: order_of(tx, campaign.merchant, draft.order_id).await?,
            is_repeated,
            pending,
            is_at_till: actor == RedemptionActor::Merchant,
        };
        let new = uses::redeem(&voucher, &wanted, &promotion)?;
        let now = tx.now();
        let redemption = Redemption {
            id: [campaign.merchant.0, tx.new_id()].into(),
            campaign: campaign.uuid,
            voucher: voucher.id,
            holder,
            order_id: draft.order_id,
            order_amount: new.order_amount,
            used: new.used,
            refunded: new.refunded,
            returned: Minor::ZERO,
            price_share: voucher.offer.price().map(|price| Money {
                amount: new.share,
                currency: price.currency,
            }),
            price_returned: Minor::ZERO,
            status: RedemptionStatus::Pending,
            redeemed_by: actor,
            redeemed_at: now,
            settle_expires_at: Some(plus(now, hours(promotion.settle_hours))),
            ended_at: None,
            transaction: None,
            version: 0,
        };
        let used = store(tx, request, &voucher, &redemption, &new)?;
        cover(tx, &redemption);
        let redemption = match actor {
            RedemptionActor::Merchant => settling::settle(tx, request, &used, &redemption).await?,
            RedemptionActor::Holder | RedemptionActor::Service => redemption,
        };
        redemption_writes::insert(tx, &redemption);
        key.transaction_id = redemption.transaction.map(TransactionId);
        // One that is pending posts nothing, so the audit log is its trace.
        key.about = Some(About::new("voucher", Some(voucher.id.uuid), None));
        key.change = Some(change(&voucher, &used));
        Ok(Redeemed {
            redemption: redemption.id.into(),
            transaction: redemption.transaction,
        })
    })
    .await
}

/// Who asks about a voucher.
#[derive(Clone, Debug)]
pub struct Concern {
    /// The caller.
    pub principal: Principal,
    /// Holder of the voucher, named by a service.
    pub user: Option<UserId>,
}

/// The capacity in which the caller may redeem a voucher that is shown; none when it is not their concern. A merchant needs
/// its code or a token, a holder its code or its id, a service its code.
#[must_use]
pub fn concern(of: &Concern, ticket: &Ticket, voucher: &Voucher) -> Option<RedemptionActor> {
    let is_token = matches!(ticket, Ticket::Token(_));
    match &of.principal {
        Principal::Anonymous => None,
        Principal::Service(_) => {
            let is_holder = of.user.is_some() && voucher.owner() == of.user;
            let is_code = matches!(ticket, Ticket::Code(_));
            (is_holder && is_code).then_some(RedemptionActor::Service)
        }
        Principal::Person(person) => {
            let merchant = person.wallet_owner(OwnerKind::Merchant);
            let is_at_till = merchant == Some(voucher.merchant().into());
            if is_at_till && !matches!(ticket, Ticket::Voucher(_)) {
                return Some(RedemptionActor::Merchant);
            }
            let is_holder = voucher.owner() == Some(person.id);
            (is_holder && !is_token).then_some(RedemptionActor::Holder)
        }
    }
}

/// The order as earlier vouchers left it; none without one. The caller has locked it.
async fn order_of(tx: &mut Tx, merchant: MerchantId, order: Option<Uuid>) -> Result<Option<Order>> {
    let Some(order) = order else {
        return Ok(None);
    };
    let found: Option<(i16, i64, i64)> = orders::table
        .find((merchant.0, order))
        .select((orders::currency, orders::amount, orders::covered))
        .first(tx.conn())
        .await
        .optional()?;
    let Some((number, whole, covered)) = found else {
        return Ok(None);
    };
    Ok(Some(Order {
        amount: Money {
            amount: Minor(whole),
            currency: currency_of(tx.currencies(), number)?,
        },
        covered: Minor(covered),
    }))
}

/// Stores the part of an order that vouchers pay.
fn cover(tx: &mut Tx, redemption: &Redemption) {
    let Some(order) = redemption.order_id else {
        return;
    };
    let amount = redemption.order_amount;
    let cover = Text::new(
        "INSERT INTO orders (merchant_id, id, currency, amount, covered) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (merchant_id, id) DO UPDATE
             SET currency = excluded.currency, amount = excluded.amount, covered = orders.covered + excluded.covered",
    )
    .bind::<SqlUuid, _>(redemption.id.merchant.0)
    .bind::<SqlUuid, _>(order)
    .bind::<SmallInt, _>(amount.currency.number)
    .bind::<BigInt, _>(amount.amount.0)
    .bind::<BigInt, _>(redemption.used.0);
    tx.write_last("orders", 1, cover);
}

/// Stores the voucher without what the redemption takes.
fn store(
    tx: &mut Tx,
    request: &Request,
    voucher: &Voucher,
    redemption: &Redemption,
    new: &NewRedemption,
) -> Result<Voucher> {
    let now = tx.now();
    let mut used = Voucher {
        stored_status: voucher.status_of(new.remaining),
        remaining: new.remaining,
        unearned: voucher.unearned.minus(new.share).map_err(DbError::from)?,
        redeemed_at: Some(now),
        updated_at: now.max(voucher.updated_at),
        ..voucher.clone()
    };
    let face_value = voucher.offer.face_value;
    let mut events = VoucherEvents::of(&used);
    events.push(VoucherEvent::VoucherRedeemed {
        redemption_id: redemption.id.uuid,
        order_id: redemption.order_id,
        amount_used: amount(face_value, redemption.used),
        amount_refunded: amount(face_value, redemption.refunded),
        redeemed_by: redemption.redeemed_by,
    });
    used.version = events.enqueue(tx, &request.request_id)?;
    writes::store_held(tx, &used, voucher.stored_status);
    Ok(used)
}
