//! Writes of redemptions: the row, the holder's directory, and the figures of the campaign.

use diesel::sql_types::{BigInt, SmallInt, Timestamptz, Uuid as SqlUuid};
use domain::promotions::redemption::{Redemption, RedemptionStatus};

use super::rows::RedemptionRow;
use crate::last_writes::Text;
use crate::prelude::*;
use crate::promotions::voucher::quarter;
use crate::schema::{orders, promotion_rollups, redemptions, user_redemptions};

/// Inserts a redemption, and counts it.
pub(in crate::promotions) fn insert(tx: &mut Tx, redemption: &Redemption) {
    let row = diesel::insert_into(redemptions::table).values(RedemptionRow::of(redemption));
    tx.write_last("redemptions", 1, row);
    let listed = diesel::insert_into(user_redemptions::table).values((
        user_redemptions::user_id.eq(redemption.holder.0),
        user_redemptions::redemption_id.eq(redemption.id.uuid),
        user_redemptions::merchant_id.eq(redemption.id.merchant.0),
        user_redemptions::redeemed_at.eq(redemption.redeemed_at),
    ));
    tx.write_last("user_redemptions", 1, listed);
    let (quarter, stripe) = quarter(redemption.redeemed_at, redemption.id.uuid);
    let count = Text::new(
        "INSERT INTO promotion_rollups (merchant_id, campaign_id, quarter, stripe, issued, redeemed, used, refunded)
         VALUES (?, ?, ?, ?, 0, 1, ?, ?)
         ON CONFLICT (merchant_id, campaign_id, quarter, stripe) DO UPDATE
             SET redeemed = promotion_rollups.redeemed + 1, used = promotion_rollups.used + excluded.used,
                 refunded = promotion_rollups.refunded + excluded.refunded",
    )
    .bind::<SqlUuid, _>(redemption.id.merchant.0)
    .bind::<SqlUuid, _>(redemption.campaign)
    .bind::<Timestamptz, _>(quarter)
    .bind::<SmallInt, _>(stripe)
    .bind::<BigInt, _>(redemption.used.0)
    .bind::<BigInt, _>(redemption.refunded.0);
    tx.write_last("promotion_rollups", 1, count);
}

/// Stores what changed of a redemption whose voucher is locked; `was` is the state it had.
pub(super) fn store(tx: &mut Tx, redemption: &Redemption, was: RedemptionStatus) {
    let row = redemptions::table
        .find((redemption.id.merchant.0, redemption.id.uuid))
        .filter(redemptions::status.eq(was.name()));
    let update = diesel::update(row).set((
        redemptions::returned.eq(redemption.returned.0),
        redemptions::price_returned.eq(redemption.price_returned.0),
        redemptions::status.eq(redemption.status.name()),
        redemptions::settle_expires_at.eq(redemption.settle_expires_at),
        redemptions::ended_at.eq(redemption.ended_at),
        redemptions::transaction_id.eq(redemption.transaction),
        redemptions::version.eq(redemption.version),
    ));
    tx.write_last("redemptions", 1, update);
}

/// Takes a voided redemption out of the figures, and its value out of its order.
pub(super) fn discount(tx: &mut Tx, redemption: &Redemption) {
    let (quarter, stripe) = quarter(redemption.redeemed_at, redemption.id.uuid);
    let row = promotion_rollups::table.find((
        redemption.id.merchant.0,
        redemption.campaign,
        quarter,
        stripe,
    ));
    let update = diesel::update(row).set((
        promotion_rollups::redeemed.eq(promotion_rollups::redeemed - 1),
        promotion_rollups::used.eq(promotion_rollups::used - redemption.used.0),
        promotion_rollups::refunded.eq(promotion_rollups::refunded - redemption.refunded.0),
    ));
    tx.write_last("promotion_rollups", 1, update);
    if let Some(order) = redemption.order_id {
        let row = orders::table.find((redemption.id.merchant.0, order));
        let update =
            diesel::update(row).set(orders::covered.eq(orders::covered - redemption.used.0));
        tx.write_last("orders", 1, update);
    }
}

/// Counts returned value.
pub(super) fn count_returned(tx: &mut Tx, redemption: &Redemption, value: i64) {
    let (quarter, stripe) = quarter(redemption.redeemed_at, redemption.id.uuid);
    let row = promotion_rollups::table.find((
        redemption.id.merchant.0,
        redemption.campaign,
        quarter,
        stripe,
    ));
    let update = diesel::update(row)
        .set(promotion_rollups::returned.eq(promotion_rollups::returned + value));
    tx.write_last("promotion_rollups", 1, update);
}
