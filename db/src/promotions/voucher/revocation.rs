//! Revokes the vouchers of revoked campaigns in batches. Run by a job; commands and reads count them as revoked already.

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};
use domain::money::Minor;
use domain::promotions::voucher::{Revocation, Voucher, VoucherStatus};
use domain::wallets::{Origin, PostingCause};

use super::commands::revoked;
use super::rows::{self, OfferRow, VoucherRow, with_offer};
use crate::Db;
use crate::prelude::*;
use crate::schema::{campaigns, user_vouchers, vouchers};
use crate::wallets::posting;

/// Vouchers in one transaction.
const BATCH: i64 = 100;
/// States of vouchers that have value.
const LIVE: [VoucherStatus; 2] = [VoucherStatus::Claimed, VoucherStatus::PartiallyRedeemed];
/// Request id of the job's events.
const REQUEST: &str = "job campaign_revocation";

/// What the vouchers of a campaign that can be redeemed have left.
pub(in crate::promotions) struct Revocable {
    /// Their number.
    pub vouchers: u32,
    /// Value.
    pub value: Minor,
    /// Unearned prices.
    pub price: Minor,
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = BigInt)]
    vouchers: i64,
    #[diesel(sql_type = BigInt)]
    value: i64,
    #[diesel(sql_type = BigInt)]
    price: i64,
}

/// What the vouchers of a campaign have left that can be redeemed after a time.
const LEFT: &str = "SELECT count(*) AS vouchers, coalesce(sum(remaining), 0)::bigint AS value,
                           coalesce(sum(unearned), 0)::bigint AS price
                    FROM vouchers WHERE merchant_id = $1 AND campaign_id = $2
                      AND status IN ('CLAIMED', 'PARTIALLY_REDEEMED') AND usable_until > $3";

/// What the pending redemptions of a campaign hold. Voided after a revocation, it goes where the vouchers' value goes.
const PENDING: &str =
    "SELECT count(*) AS vouchers, coalesce(sum(used + refunded), 0)::bigint AS value,
                              coalesce(sum(price_share), 0)::bigint AS price
                       FROM redemptions
                       WHERE merchant_id = $1 AND campaign_id = $2 AND status = 'PENDING'";

/// Amounts that a revocation now would take, with those of pending redemptions, which it may take later. The caller has
/// locked the campaign.
pub(in crate::promotions) async fn revocable(tx: &mut Tx, id: CampaignId) -> Result<Revocable> {
    let now = tx.now();
    let left: Left = diesel::sql_query(LEFT)
        .bind::<SqlUuid, _>(id.merchant.0)
        .bind::<SqlUuid, _>(id.uuid)
        .bind::<Timestamptz, _>(now)
        .get_result(tx.conn())
        .await?;
    let pending: Left = diesel::sql_query(PENDING)
        .bind::<SqlUuid, _>(id.merchant.0)
        .bind::<SqlUuid, _>(id.uuid)
        .get_result(tx.conn())
        .await?;
    Ok(Revocable {
        vouchers: fit("vouchers", "count", left.vouchers)?,
        value: Minor(left.value).plus(Minor(pending.value))?,
        price: Minor(left.price).plus(Minor(pending.price))?,
    })
}

/// Vouchers that are still to be revoked, of each revoked campaign that has some.
pub async fn left(conn: &mut Connection, ids: &[CampaignId]) -> Result<Vec<(CampaignId, u32)>> {
    let rows: Vec<(Uuid, Uuid, i64)> = with_offer()
        .filter(campaigns::merchant_id.eq_any(ids.iter().map(|id| id.merchant.0)))
        .filter(campaigns::id.eq_any(ids.iter().map(|id| id.uuid)))
        .filter(vouchers::status.eq_any(LIVE.map(VoucherStatus::name)))
        .filter(vouchers::usable_until.gt(campaigns::revoked_at))
        .group_by((campaigns::merchant_id, campaigns::id))
        .select((campaigns::merchant_id, campaigns::id, count_star()))
        .load(conn)
        .await?;
    let rows = rows.into_iter();
    rows.map(|(merchant, id, count)| Ok(([merchant, id].into(), fit("vouchers", "count", count)?)))
        .collect()
}

/// Revokes the vouchers of all revoked campaigns. A batch that fails does not keep other campaigns: the first fault is
/// returned at the end.
pub async fn revoke_all(db: &Db) -> Result<()> {
    let mut failed = None;
    for (id, revocation) in db.read(async |conn| due(conn).await).await? {
        loop {
            let revocation = revocation.clone();
            let revoke = async move |tx: &mut Tx| batch(tx, id, &revocation).await;
            match db.write("promotions.campaign_revocation", revoke).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(fault) => {
                    tracing::error!(campaign = %id.uuid, error = %fault, "Vouchers are not revoked");
                    failed.get_or_insert(fault);
                    break;
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Revoked campaigns with vouchers that are not.
async fn due(conn: &mut Connection) -> Result<Vec<(CampaignId, Revocation)>> {
    let rows: Vec<(Uuid, Uuid, Option<Timestamp>, Option<String>)> = with_offer()
        .filter(campaigns::revoked_at.is_not_null())
        .filter(vouchers::status.eq_any(LIVE.map(VoucherStatus::name)))
        .filter(vouchers::usable_until.gt(campaigns::revoked_at))
        .select((
            campaigns::merchant_id,
            campaigns::id,
            campaigns::revoked_at,
            campaigns::revocation_reason,
        ))
        .distinct()
        .load(conn)
        .await?;
    let rows = rows.into_iter();
    let of_row = |(merchant, id, at, reason): (Uuid, Uuid, _, _)| {
        let revocation = rows::revocation(at, reason)?;
        Some(([merchant, id].into(), revocation))
    };
    Ok(rows.filter_map(of_row).collect())
}

#[derive(QueryableByName)]
struct Free {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Revokes some vouchers of a campaign; returns their number.
async fn batch(tx: &mut Tx, campaign: CampaignId, revocation: &Revocation) -> Result<usize> {
    let free: Vec<Free> = diesel::sql_query(
        "SELECT id FROM vouchers WHERE merchant_id = $1 AND campaign_id = $2
           AND status IN ('CLAIMED', 'PARTIALLY_REDEEMED') AND usable_until > $3
         ORDER BY id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED",
    )
    .bind::<SqlUuid, _>(campaign.merchant.0)
    .bind::<SqlUuid, _>(campaign.uuid)
    .bind::<Timestamptz, _>(revocation.at)
    .bind::<BigInt, _>(BATCH)
    .load(tx.conn())
    .await?;
    let ids: Vec<Uuid> = free.into_iter().map(|free| free.id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let rows: Vec<(VoucherRow, OfferRow)> = with_offer()
        .filter(vouchers::merchant_id.eq(campaign.merchant.0))
        .filter(vouchers::id.eq_any(ids.clone()))
        .order(vouchers::id)
        .select((VoucherRow::as_select(), OfferRow::as_select()))
        .load(tx.conn())
        .await?;
    let found = rows::read(tx.currencies(), rows)?;
    let mut postings = Vec::with_capacity(found.len());
    for voucher in &found {
        let cause = PostingCause::without_caller(Origin::Job);
        postings.push(revoked(tx, REQUEST, cause, voucher, revocation)?.0);
    }
    store(tx, campaign, revocation, &found, ids).await?;
    let posted = posting::post(tx, &postings).await?;
    posted.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(found.len())
}

/// Stores the revocation of locked vouchers of a campaign.
async fn store(
    tx: &mut Tx,
    campaign: CampaignId,
    revocation: &Revocation,
    found: &[Voucher],
    ids: Vec<Uuid>,
) -> Result<()> {
    diesel::sql_query(
        "UPDATE vouchers SET status = 'EXPIRED', revoked_at = $3, revocation_reason = $4, updated_at = greatest(updated_at, $3),
             version = version + CASE WHEN unearned > 0 THEN 2 ELSE 1 END
         WHERE merchant_id = $1 AND id = ANY($2)",
    )
    .bind::<SqlUuid, _>(campaign.merchant.0)
    .bind::<Array<SqlUuid>, _>(&ids)
    .bind::<Timestamptz, _>(revocation.at)
    .bind::<Text, _>(&revocation.reason)
    .execute(tx.conn())
    .await?;
    let holders: Vec<Uuid> = found
        .iter()
        .filter_map(|voucher| voucher.owner().map(|owner| owner.0))
        .collect();
    let rows = user_vouchers::table
        .filter(user_vouchers::user_id.eq_any(holders))
        .filter(user_vouchers::voucher_id.eq_any(ids));
    diesel::update(rows)
        .set(user_vouchers::status.eq(VoucherStatus::Expired.name()))
        .execute(tx.conn())
        .await?;
    // Unused ones count no more for the limit per person.
    let mut unused: BTreeMap<Uuid, i32> = BTreeMap::new();
    for voucher in found {
        let is_unused = voucher.stored_status == VoucherStatus::Claimed;
        if let Some(owner) = voucher.owner().filter(|_| is_unused) {
            let count = unused.entry(owner.0).or_default();
            *count = count.saturating_add(1);
        }
    }
    let (people, counts): (Vec<Uuid>, Vec<i32>) = unused.into_iter().unzip();
    diesel::sql_query(
        "UPDATE campaign_users c SET acquired = acquired - unused.count
         FROM unnest($3, $4) AS unused (user_id, count)
         WHERE c.merchant_id = $1 AND c.campaign_id = $2 AND c.user_id = unused.user_id",
    )
    .bind::<SqlUuid, _>(campaign.merchant.0)
    .bind::<SqlUuid, _>(campaign.uuid)
    .bind::<Array<SqlUuid>, _>(people)
    .bind::<Array<Integer>, _>(counts)
    .execute(tx.conn())
    .await?;
    Ok(())
}
