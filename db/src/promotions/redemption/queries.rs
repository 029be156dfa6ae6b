//! Reads of redemptions.

use diesel::NullableExpressionMethods;
use domain::promotions::redemption::{Redemption, RedemptionStatus};

use super::rows::{self, RedemptionRow, with_offer};
use crate::Db;
use crate::clock::ReadAt;
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::promotions::voucher::OfferRow;
use crate::schema::{redemptions, user_redemptions};

/// Conditions on redemptions, which all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RedemptionFilter {
    /// Campaign of the voucher.
    pub campaign: Option<CampaignId>,
    /// Merchant.
    pub merchant: Option<MerchantId>,
    /// Order.
    pub order: Option<Uuid>,
    /// Start of the time of the redemption, included.
    pub redeemed_from: Option<Timestamp>,
    /// End of the time of the redemption, excluded.
    pub redeemed_until: Option<Timestamp>,
    /// State.
    pub status: Option<RedemptionStatus>,
    /// Holder.
    pub user: Option<UserId>,
    /// Voucher.
    pub voucher: Option<VoucherId>,
}

impl RedemptionFilter {
    /// The conditions, within a campaign; those on another one select nothing.
    #[must_use]
    pub fn of_campaign(self, id: CampaignId) -> Self {
        let is_other = self.campaign.is_some_and(|campaign| campaign != id);
        let nothing: VoucherId = [Uuid::nil(); 2].into();
        Self {
            campaign: Some(id),
            voucher: if is_other {
                Some(nothing)
            } else {
                self.voucher
            },
            ..self
        }
    }
}

/// Redemptions by id.
pub async fn by_id(
    db: &Db,
    conn: &mut Connection,
    ids: &[RedemptionId],
) -> Result<Vec<Redemption>> {
    let rows: Vec<(RedemptionRow, OfferRow)> = with_offer()
        .filter(redemptions::merchant_id.eq_any(ids.iter().map(|id| id.merchant.0)))
        .filter(redemptions::id.eq_any(ids.iter().map(|id| id.uuid)))
        .select((RedemptionRow::as_select(), OfferRow::as_select()))
        .load(conn)
        .await?;
    rows::read(db.currencies(), rows)
}

/// The ids by the uuids alone; a read over all shards.
pub async fn by_uuids(conn: &mut Connection, uuids: &[Uuid]) -> Result<Vec<RedemptionId>> {
    let rows: Vec<(Uuid, Uuid)> = redemptions::table
        .filter(redemptions::id.eq_any(uuids))
        .select((redemptions::merchant_id, redemptions::id))
        .load(conn)
        .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|(merchant, id)| [merchant, id].into()).collect())
}

/// Pending redemptions past their time, with the ends of it, in the order of these; those behind a position.
pub(super) async fn overdue(
    conn: &mut Connection,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<(RedemptionId, Timestamp)>> {
    let (at, id) = after.unwrap_or((Timestamp::UNIX_EPOCH, Uuid::nil()));
    let expires_at = redemptions::settle_expires_at.assume_not_null();
    let behind = expires_at
        .gt(at)
        .or(expires_at.eq(at).and(redemptions::id.gt(id)));
    let rows: Vec<(Uuid, Uuid, Timestamp)> = redemptions::table
        .filter(redemptions::status.eq(RedemptionStatus::Pending.name()))
        .filter(expires_at.le(ReadAt))
        .filter(behind)
        .order((expires_at, redemptions::id))
        .limit(limit)
        .select((redemptions::merchant_id, redemptions::id, expires_at))
        .load(conn)
        .await?;
    let rows = rows.into_iter();
    let of_row = |(merchant, id, at): (Uuid, Uuid, _)| ([merchant, id].into(), at);
    Ok(rows.map(of_row).collect())
}

/// Narrows a query to the redemptions that meet the conditions.
macro_rules! filter_redemptions {
    ($query:ident, $filter:expr) => {
        let filter: &RedemptionFilter = $filter;
        narrow!($query,
            campaign = filter.campaign => redemptions::merchant_id.eq(campaign.merchant.0)
                .and(redemptions::campaign_id.eq(campaign.uuid)),
            merchant = filter.merchant => redemptions::merchant_id.eq(merchant.0),
            order = filter.order => redemptions::order_id.eq(order),
            from = filter.redeemed_from => redemptions::redeemed_at.ge(from),
            until = filter.redeemed_until => redemptions::redeemed_at.lt(until),
            status = filter.status => redemptions::status.eq(status.name()),
            voucher = filter.voucher => redemptions::merchant_id.eq(voucher.merchant.0)
                .and(redemptions::voucher_id.eq(voucher.uuid)),
            user = filter.user => redemptions::id.eq_any(
                user_redemptions::table.filter(user_redemptions::user_id.eq(user.0)).select(user_redemptions::redemption_id)),
        );
    };
}

/// One page of the redemptions that meet the conditions, newest first.
pub async fn list(
    db: &Db,
    conn: &mut Connection,
    filter: &RedemptionFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<Redemption>> {
    let mut query = with_offer()
        .select((RedemptionRow::as_select(), OfferRow::as_select()))
        .into_boxed::<Pg>();
    filter_redemptions!(query, filter);
    let query = keyset!(query, page, [redemptions::redeemed_at desc, redemptions::id desc]);
    let rows: Vec<(RedemptionRow, OfferRow)> = query.load(conn).await?;
    Ok(page.slice(rows::read(db.currencies(), rows)?))
}

/// Number of redemptions that meet the conditions.
pub async fn count(conn: &mut Connection, filter: &RedemptionFilter) -> Result<Count> {
    let mut query = redemptions::table
        .select(redemptions::id)
        .into_boxed::<Pg>();
    filter_redemptions!(query, filter);
    count_rows(conn, query).await
}
