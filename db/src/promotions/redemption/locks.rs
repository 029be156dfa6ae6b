//! Redemptions inside a transaction. The lock of its voucher is that of a redemption.

use diesel::dsl::exists;
use domain::promotions::redemption::{Redemption, RedemptionStatus};
use domain::promotions::voucher::Voucher;

use super::rows::{self, RedemptionRow, with_offer};
use crate::prelude::*;
use crate::promotions::voucher::{OfferRow, locks as vouchers};
use crate::schema::redemptions;

/// A redemption, without a lock: voucher, order and amounts taken never change.
pub(super) async fn find(tx: &mut Tx, id: RedemptionId) -> Result<Option<Redemption>> {
    let found: Option<(RedemptionRow, OfferRow)> = with_offer()
        .filter(redemptions::merchant_id.eq(id.merchant.0))
        .filter(redemptions::id.eq(id.uuid))
        .select((RedemptionRow::as_select(), OfferRow::as_select()))
        .first(tx.conn())
        .await
        .optional()?;
    Ok(rows::read(tx.currencies(), found)?.pop())
}

/// Locks campaign, order and voucher of a redemption; returns voucher and redemption as they are then.
pub(super) async fn lock(tx: &mut Tx, found: &Redemption) -> Result<(Voucher, Redemption)> {
    let campaign = [found.id.merchant.0, found.campaign].into();
    vouchers::share_campaign(tx, campaign).await?;
    if let Some(order) = found.order_id {
        vouchers::lock_order(tx, campaign, order).await?;
    }
    let voucher = vouchers::lock(tx, found.voucher).await?;
    let redemption = find(tx, found.id).await?;
    let missing = || DbError::inconsistent("redemptions", "id", found.id);
    Ok((voucher, redemption.ok_or_else(missing)?))
}

/// Number of a voucher's pending redemptions, and whether one for this order is not voided.
pub(in crate::promotions) async fn of_voucher(
    tx: &mut Tx,
    id: VoucherId,
    order: Option<Uuid>,
) -> Result<(u32, bool)> {
    let is_pending = redemptions::status.eq(RedemptionStatus::Pending.name());
    // A voucher can have any number of settled redemptions: only those that matter are read.
    let rows: Vec<(String, Option<Uuid>)> = redemptions::table
        .filter(redemptions::merchant_id.eq(id.merchant.0))
        .filter(redemptions::voucher_id.eq(id.uuid))
        .filter(redemptions::status.ne(RedemptionStatus::Voided.name()))
        .filter(is_pending.or(redemptions::order_id.eq(order)))
        .select((redemptions::status, redemptions::order_id))
        .load(tx.conn())
        .await?;
    let pending = rows
        .iter()
        .filter(|(status, _)| status == RedemptionStatus::Pending.name());
    let is_repeated = order.is_some() && rows.iter().any(|(_, of)| *of == order);
    Ok((fit("redemptions", "count", pending.count())?, is_repeated))
}

/// Whether the voucher of a redemption has another one that is not undone.
pub(super) async fn is_used_beside(tx: &mut Tx, redemption: &Redemption) -> Result<bool> {
    let others = redemptions::table
        .filter(redemptions::merchant_id.eq(redemption.id.merchant.0))
        .filter(redemptions::voucher_id.eq(redemption.voucher.uuid))
        .filter(redemptions::id.ne(redemption.id.uuid))
        .filter(redemptions::status.ne(RedemptionStatus::Voided.name()))
        .filter(redemptions::returned.lt(redemptions::used + redemptions::refunded));
    let query = diesel::select(exists(others));
    Ok(query.get_result(tx.conn()).await?)
}
