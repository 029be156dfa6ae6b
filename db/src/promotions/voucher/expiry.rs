//! Books vouchers whose time is over: what they had left goes to the merchant. Also warns holders before. Run by a job;
//! reads and commands decide by time.

use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use domain::money::Minor;
use domain::promotions::voucher::{Voucher, VoucherStatus};
use domain::wallets::{Leg, Origin, Posting, PostingCause, Reference, TransferReason};

use super::events::{VoucherEvent, VoucherEvents};
use super::rows::{self, OfferRow, VoucherRow, with_offer};
use crate::Db;
use crate::prelude::*;
use crate::promotions::accounts;
use crate::schema::{user_vouchers, vouchers};
use crate::wallets::posting;

/// Vouchers of one campaign in one transaction.
const BATCH: i64 = 500;
/// Vouchers that are looked for at a time.
const AT_ONCE: i64 = 2_000;
/// Request id of the job's events.
const REQUEST: &str = "job voucher_expiry";

/// Work of a batch on its vouchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Books the expiry.
    Expire,
    /// Tells the holders that it is near.
    Warn,
}

/// Warns the holders of vouchers that expire within three days, and books those that have expired. A batch that fails does
/// not keep the others: the first fault is returned at the end.
pub async fn expire(db: &Db) -> Result<()> {
    let mut failed = None;
    for step in [Step::Warn, Step::Expire] {
        // Campaigns left to the next run: their vouchers are locked by other transactions, or their batch failed.
        let mut left: Vec<Uuid> = Vec::new();
        loop {
            let skipped = left.clone();
            let due = async move |conn: &mut Connection| due(conn, step, &skipped).await;
            let due = db.read(due).await?;
            if due.is_empty() {
                break;
            }
            for campaign in due {
                let book = async move |tx: &mut Tx| batch(tx, campaign, step).await;
                match db.write("promotions.voucher_expiry", book).await {
                    Ok(0) => left.push(campaign.uuid),
                    Ok(_) => {}
                    Err(fault) => {
                        tracing::error!(campaign = %campaign.uuid, error = %fault, "Expired vouchers are not booked");
                        failed.get_or_insert(fault);
                        left.push(campaign.uuid);
                    }
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

impl Step {
    /// Vouchers of the step at a time, which is the first parameter.
    fn condition(self) -> &'static str {
        match self {
            Self::Expire => "status IN ('CLAIMED', 'PARTIALLY_REDEEMED') AND usable_until <= $1",
            Self::Warn => {
                "status IN ('CLAIMED', 'PARTIALLY_REDEEMED') AND NOT is_warned AND usable_until > $1
                 AND usable_until <= $1 + interval '3 days'"
            }
        }
    }
}

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    merchant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    campaign_id: Uuid,
}

/// Campaigns with vouchers of a step, without those left to the next run and those whose revocation takes the vouchers.
async fn due(conn: &mut Connection, step: Step, left: &[Uuid]) -> Result<Vec<CampaignId>> {
    let now = crate::clock::now(conn).await?;
    let query = format!(
        "SELECT DISTINCT merchant_id, campaign_id FROM (
             SELECT merchant_id, campaign_id FROM vouchers
             WHERE {} AND campaign_id <> ALL ($3) AND NOT EXISTS (
                 SELECT 1 FROM campaigns
                 WHERE campaigns.merchant_id = vouchers.merchant_id AND campaigns.id = vouchers.campaign_id
                   AND campaigns.revoked_at < vouchers.usable_until
             )
             ORDER BY usable_until LIMIT $2
         ) AS due",
        step.condition()
    );
    let rows: Vec<Due> = diesel::sql_query(query)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(AT_ONCE)
        .bind::<Array<SqlUuid>, _>(left)
        .load(conn)
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| [row.merchant_id, row.campaign_id].into())
        .collect())
}

#[derive(QueryableByName)]
struct Free {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Does a step for vouchers of one campaign; returns their number.
async fn batch(tx: &mut Tx, campaign: CampaignId, step: Step) -> Result<usize> {
    let free = format!(
        "SELECT id FROM vouchers WHERE merchant_id = $2 AND campaign_id = $3 AND {}
         ORDER BY id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED",
        step.condition()
    );
    let free: Vec<Free> = diesel::sql_query(free)
        .bind::<Timestamptz, _>(tx.now())
        .bind::<SqlUuid, _>(campaign.merchant.0)
        .bind::<SqlUuid, _>(campaign.uuid)
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
        .select((VoucherRow::as_select(), OfferRow::as_select()))
        .load(tx.conn())
        .await?;
    // Vouchers that a revocation takes are not booked as expired.
    let mut vouchers = rows::read(tx.currencies(), rows)?;
    vouchers.retain(|voucher| voucher.pending_revocation().is_none());
    let ids: Vec<Uuid> = vouchers.iter().map(|voucher| voucher.id.uuid).collect();
    match step {
        Step::Warn => warn(tx, &vouchers, &ids).await?,
        Step::Expire => book(tx, campaign, &vouchers, ids).await?,
    }
    Ok(vouchers.len())
}

async fn warn(tx: &mut Tx, expiring: &[Voucher], ids: &[Uuid]) -> Result<()> {
    for voucher in expiring {
        let Some(holding) = voucher.holding else {
            continue;
        };
        let mut events = VoucherEvents::of(voucher);
        let expires_at = holding.usable_until;
        events.push(VoucherEvent::VoucherExpiring { expires_at });
        events.enqueue(tx, REQUEST)?;
    }
    let merchants = expiring.iter().map(|voucher| voucher.merchant().0);
    let rows = vouchers::table
        .filter(vouchers::merchant_id.eq_any(merchants))
        .filter(vouchers::id.eq_any(ids.to_vec()));
    diesel::update(rows)
        .set((
            vouchers::is_warned.eq(true),
            vouchers::version.eq(vouchers::version + 1),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Books expired vouchers: one leg of escrow and one of proceeds for all of them.
async fn book(
    tx: &mut Tx,
    campaign: CampaignId,
    expired: &[Voucher],
    ids: Vec<Uuid>,
) -> Result<()> {
    let Some(first) = expired.first() else {
        return Ok(());
    };
    let transaction_id = TransactionId(tx.new_id());
    let (mut value, mut price) = (Minor::ZERO, Minor::ZERO);
    for voucher in expired {
        value = value.plus(voucher.remaining)?;
        price = price.plus(voucher.unearned)?;
        let mut events = VoucherEvents::of(voucher);
        events.transaction_id = Some(transaction_id);
        events.push(VoucherEvent::VoucherExpired {});
        events.enqueue(tx, REQUEST)?;
    }
    let offer = &first.offer;
    let mut legs: Vec<Leg> = Vec::new();
    legs.extend(accounts::leg(
        accounts::escrow(campaign, offer.face_value),
        accounts::wallet(campaign.merchant, offer.face_value),
        value,
        TransferReason::EscrowRelease,
    ));
    legs.extend(offer.price().and_then(|money| {
        accounts::leg(
            accounts::proceeds(campaign, money),
            accounts::wallet(campaign.merchant, money),
            price,
            TransferReason::VoucherPriceEarned,
        )
    }));
    store(tx, campaign, expired, ids).await?;
    let posting = Posting {
        transaction_id,
        reference: Reference::to("campaign", campaign.uuid),
        cause: PostingCause::without_caller(Origin::Job),
        legs,
    };
    let posted = posting::post(tx, std::slice::from_ref(&posting)).await?;
    posted.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(())
}

async fn store(
    tx: &mut Tx,
    campaign: CampaignId,
    expired: &[Voucher],
    ids: Vec<Uuid>,
) -> Result<()> {
    let now = tx.now();
    diesel::sql_query(
        "UPDATE vouchers SET status = 'EXPIRED', updated_at = greatest(updated_at, $3), version = version + 1
         WHERE merchant_id = $1 AND id = ANY($2)",
    )
    .bind::<SqlUuid, _>(campaign.merchant.0)
    .bind::<Array<SqlUuid>, _>(&ids)
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn())
    .await?;
    let holders = expired.iter().filter_map(Voucher::owner);
    let rows = user_vouchers::table
        .filter(user_vouchers::user_id.eq_any(holders.map(|holder| holder.0).collect::<Vec<_>>()))
        .filter(user_vouchers::voucher_id.eq_any(ids));
    diesel::update(rows)
        .set(user_vouchers::status.eq(VoucherStatus::Expired.name()))
        .execute(tx.conn())
        .await?;
    Ok(())
}
