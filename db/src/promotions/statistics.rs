//! Numbers of campaigns, vouchers and redemptions.

use diesel::sql_types::{Array, BigInt, SmallInt, Timestamptz, Uuid as SqlUuid};
use domain::money::{Currency, Minor, Money};

use crate::Db;
use crate::prelude::*;
use crate::wallets::currency_of;

/// Starts of the present day, week and month in a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Starts {
    /// Start of the day.
    pub day: Timestamp,
    /// Start of the ISO week.
    pub week: Timestamp,
    /// Start of the month.
    pub month: Timestamp,
}

/// Numbers of redemptions that are not voided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RedemptionCounts {
    /// All.
    pub total: i64,
    /// Since the start of the day.
    pub today: i64,
    /// Since the start of the week.
    pub this_week: i64,
    /// Since the start of the month.
    pub this_month: i64,
}

/// Values of redemptions that are not voided, of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedemptionSums {
    /// Currency.
    pub currency: Currency,
    /// Number of redemptions.
    pub total: i64,
    /// Value used.
    pub used: Minor,
    /// Surplus that went to merchants.
    pub refunded: Minor,
    /// Value returned.
    pub returned: Minor,
}

/// Numbers of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignFigures {
    /// Value of a voucher.
    pub face_value: Money,
    /// Vouchers that can be acquired.
    pub available: i64,
    /// Unused ones that are not over.
    pub claimed: i64,
    /// Used in part and not over.
    pub partially_redeemed: i64,
    /// Without value left.
    pub fully_redeemed: i64,
    /// Over with value left.
    pub expired: i64,
    /// Revoked.
    pub revoked: i64,
    /// Never acquired, once the campaign has ended.
    pub unissued: i64,
    /// Ever acquired.
    pub issued: i64,
    /// Value of pending redemptions.
    pub pending: Minor,
    /// Numbers of redemptions.
    pub redemptions: RedemptionCounts,
    /// Values of redemptions.
    pub sums: RedemptionSums,
}

#[derive(QueryableByName)]
struct CampaignRow {
    #[diesel(sql_type = SqlUuid)]
    merchant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SmallInt)]
    currency: i16,
    #[diesel(sql_type = BigInt)]
    face_value: i64,
    #[diesel(sql_type = BigInt)]
    available: i64,
    #[diesel(sql_type = BigInt)]
    claimed: i64,
    #[diesel(sql_type = BigInt)]
    partially_redeemed: i64,
    #[diesel(sql_type = BigInt)]
    fully_redeemed: i64,
    #[diesel(sql_type = BigInt)]
    expired: i64,
    #[diesel(sql_type = BigInt)]
    revoked: i64,
    #[diesel(sql_type = BigInt)]
    unissued: i64,
    #[diesel(sql_type = BigInt)]
    issued: i64,
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    today: i64,
    #[diesel(sql_type = BigInt)]
    this_week: i64,
    #[diesel(sql_type = BigInt)]
    this_month: i64,
    #[diesel(sql_type = BigInt)]
    used: i64,
    #[diesel(sql_type = BigInt)]
    refunded: i64,
    #[diesel(sql_type = BigInt)]
    returned: i64,
}

/// States as of now ($6), as [`domain::promotions::voucher::Voucher::status`] decides them.
const OF_CAMPAIGNS: &str = "
    WITH states AS (
        SELECT v.merchant_id, v.campaign_id,
               count(*) FILTER (WHERE v.status = 'AVAILABLE') AS unissued,
               count(*) FILTER (WHERE v.status = 'CLAIMED' AND v.usable_until > $6 AND c.revoked_at IS NULL) AS claimed,
               count(*) FILTER (WHERE v.status = 'PARTIALLY_REDEEMED' AND v.usable_until > $6 AND c.revoked_at IS NULL)
                   AS partially_redeemed,
               count(*) FILTER (WHERE v.status = 'FULLY_REDEEMED') AS fully_redeemed,
               count(*) FILTER (WHERE v.revoked_at IS NOT NULL
                   OR (v.status IN ('CLAIMED', 'PARTIALLY_REDEEMED') AND v.usable_until > c.revoked_at)) AS revoked
        FROM campaigns c JOIN vouchers v ON v.merchant_id = c.merchant_id AND v.campaign_id = c.id
        WHERE c.merchant_id = ANY($1) AND c.id = ANY($2) GROUP BY 1, 2
    ), figures AS (
        SELECT merchant_id, campaign_id, sum(issued) AS issued, sum(redeemed) AS total,
               sum(redeemed) FILTER (WHERE quarter >= $3) AS today, sum(redeemed) FILTER (WHERE quarter >= $4) AS this_week,
               sum(redeemed) FILTER (WHERE quarter >= $5) AS this_month,
               sum(used) AS used, sum(refunded) AS refunded, sum(returned) AS returned
        FROM promotion_rollups WHERE merchant_id = ANY($1) AND campaign_id = ANY($2) GROUP BY 1, 2
    ), pending AS (
        SELECT merchant_id, campaign_id, sum(used + refunded) AS pending FROM redemptions
        WHERE merchant_id = ANY($1) AND campaign_id = ANY($2) AND status = 'PENDING' GROUP BY 1, 2
    )
    SELECT c.merchant_id, c.id, c.currency, c.face_value, s.claimed, s.partially_redeemed, s.fully_redeemed, s.revoked,
           CASE WHEN e.ended THEN 0 ELSE s.unissued END AS available, CASE WHEN e.ended THEN s.unissued ELSE 0 END AS unissued,
           (coalesce(f.issued, 0) - s.claimed - s.partially_redeemed - s.fully_redeemed - s.revoked)::bigint AS expired,
           coalesce(f.issued, 0)::bigint AS issued, coalesce(p.pending, 0)::bigint AS pending, coalesce(f.total, 0)::bigint AS total,
           coalesce(f.today, 0)::bigint AS today, coalesce(f.this_week, 0)::bigint AS this_week,
           coalesce(f.this_month, 0)::bigint AS this_month, coalesce(f.used, 0)::bigint AS used,
           coalesce(f.refunded, 0)::bigint AS refunded, coalesce(f.returned, 0)::bigint AS returned
    FROM campaigns c
    JOIN states s ON s.merchant_id = c.merchant_id AND s.campaign_id = c.id
    LEFT JOIN figures f ON f.merchant_id = c.merchant_id AND f.campaign_id = c.id
    LEFT JOIN pending p ON p.merchant_id = c.merchant_id AND p.campaign_id = c.id
    CROSS JOIN LATERAL (SELECT c.ends_at <= $6 OR c.status IN ('CANCELLED', 'COMPLETED') AS ended) e
    WHERE c.merchant_id = ANY($1) AND c.id = ANY($2)";

/// Numbers of campaigns at a time.
pub async fn of_campaigns(
    db: &Db,
    conn: &mut Connection,
    ids: &[CampaignId],
    starts: Starts,
    now: Timestamp,
) -> Result<Vec<(CampaignId, CampaignFigures)>> {
    let rows: Vec<CampaignRow> = diesel::sql_query(OF_CAMPAIGNS)
        .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.merchant.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.uuid).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(starts.day)
        .bind::<Timestamptz, _>(starts.week)
        .bind::<Timestamptz, _>(starts.month)
        .bind::<Timestamptz, _>(now)
        .load(conn)
        .await?;
    let figures = rows.into_iter().map(|row| {
        let currency = currency_of(db.currencies(), row.currency)?;
        let id = CampaignId::from([row.merchant_id, row.id]);
        let figures = CampaignFigures {
            face_value: Money {
                amount: Minor(row.face_value),
                currency,
            },
            available: row.available,
            claimed: row.claimed,
            partially_redeemed: row.partially_redeemed,
            fully_redeemed: row.fully_redeemed,
            expired: row.expired,
            revoked: row.revoked,
            unissued: row.unissued,
            issued: row.issued,
            pending: Minor(row.pending),
            redemptions: RedemptionCounts {
                total: row.total,
                today: row.today,
                this_week: row.this_week,
                this_month: row.this_month,
            },
            sums: RedemptionSums {
                currency,
                total: row.total,
                used: Minor(row.used),
                refunded: Minor(row.refunded),
                returned: Minor(row.returned),
            },
        };
        Ok((id, figures))
    });
    figures.collect()
}

/// Numbers of all campaigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllFigures {
    /// Campaigns.
    pub campaigns: i64,
    /// Active ones.
    pub active: i64,
    /// Vouchers.
    pub vouchers: i64,
    /// Vouchers that were acquired.
    pub issued: i64,
    /// Escrow, by currency.
    pub escrow: Vec<Money>,
    /// Numbers of redemptions.
    pub redemptions: RedemptionCounts,
    /// Values of redemptions, by currency.
    pub sums: Vec<RedemptionSums>,
}

#[derive(QueryableByName)]
struct AllRow {
    #[diesel(sql_type = SmallInt)]
    currency: i16,
    #[diesel(sql_type = BigInt)]
    campaigns: i64,
    #[diesel(sql_type = BigInt)]
    active: i64,
    #[diesel(sql_type = BigInt)]
    vouchers: i64,
    #[diesel(sql_type = BigInt)]
    issued: i64,
    #[diesel(sql_type = BigInt)]
    escrow: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    today: i64,
    #[diesel(sql_type = BigInt)]
    this_week: i64,
    #[diesel(sql_type = BigInt)]
    this_month: i64,
    #[diesel(sql_type = BigInt)]
    used: i64,
    #[diesel(sql_type = BigInt)]
    refunded: i64,
    #[diesel(sql_type = BigInt)]
    returned: i64,
}

/// Escrow is what unissued vouchers of open campaigns, live vouchers and pending redemptions need.
const OF_ALL: &str = "
    WITH figures AS (
        SELECT merchant_id, campaign_id, sum(issued) AS issued, sum(redeemed) AS total,
               sum(redeemed) FILTER (WHERE quarter >= $1) AS today, sum(redeemed) FILTER (WHERE quarter >= $2) AS this_week,
               sum(redeemed) FILTER (WHERE quarter >= $3) AS this_month,
               sum(used) AS used, sum(refunded) AS refunded, sum(returned) AS returned
        FROM promotion_rollups GROUP BY 1, 2
    ), live AS (
        SELECT merchant_id, campaign_id, sum(remaining) AS value FROM vouchers
        WHERE status IN ('CLAIMED', 'PARTIALLY_REDEEMED') GROUP BY 1, 2
    ), pending AS (
        SELECT merchant_id, campaign_id, sum(used + refunded) AS value FROM redemptions WHERE status = 'PENDING' GROUP BY 1, 2
    )
    SELECT c.currency, count(*) AS campaigns, count(*) FILTER (WHERE c.status = 'ACTIVE' AND c.ends_at > $4) AS active,
           sum(c.total_vouchers)::bigint AS vouchers, coalesce(sum(f.issued), 0)::bigint AS issued,
           (coalesce(sum(c.face_value * (c.total_vouchers - coalesce(f.issued, 0)))
                FILTER (WHERE c.status IN ('ACTIVE', 'DRAFT', 'PAUSED')), 0)
            + coalesce(sum(l.value), 0) + coalesce(sum(p.value), 0))::bigint AS escrow,
           coalesce(sum(f.total), 0)::bigint AS total, coalesce(sum(f.today), 0)::bigint AS today,
           coalesce(sum(f.this_week), 0)::bigint AS this_week, coalesce(sum(f.this_month), 0)::bigint AS this_month,
           coalesce(sum(f.used), 0)::bigint AS used, coalesce(sum(f.refunded), 0)::bigint AS refunded,
           coalesce(sum(f.returned), 0)::bigint AS returned
    FROM campaigns c
    LEFT JOIN figures f ON f.merchant_id = c.merchant_id AND f.campaign_id = c.id
    LEFT JOIN live l ON l.merchant_id = c.merchant_id AND l.campaign_id = c.id
    LEFT JOIN pending p ON p.merchant_id = c.merchant_id AND p.campaign_id = c.id
    GROUP BY c.currency ORDER BY c.currency";

/// Numbers of all campaigns at a time; a read over all shards.
pub async fn of_all(
    db: &Db,
    conn: &mut Connection,
    starts: Starts,
    now: Timestamp,
) -> Result<AllFigures> {
    let rows: Vec<AllRow> = diesel::sql_query(OF_ALL)
        .bind::<Timestamptz, _>(starts.day)
        .bind::<Timestamptz, _>(starts.week)
        .bind::<Timestamptz, _>(starts.month)
        .bind::<Timestamptz, _>(now)
        .load(conn)
        .await?;
    let mut all = AllFigures {
        campaigns: 0,
        active: 0,
        vouchers: 0,
        issued: 0,
        escrow: Vec::new(),
        redemptions: RedemptionCounts::default(),
        sums: Vec::new(),
    };
    for row in rows {
        let currency = currency_of(db.currencies(), row.currency)?;
        all.campaigns += row.campaigns;
        all.active += row.active;
        all.vouchers += row.vouchers;
        all.issued += row.issued;
        all.redemptions.total += row.total;
        all.redemptions.today += row.today;
        all.redemptions.this_week += row.this_week;
        all.redemptions.this_month += row.this_month;
        all.escrow.push(Money {
            amount: Minor(row.escrow),
            currency,
        });
        all.sums.push(RedemptionSums {
            currency,
            total: row.total,
            used: Minor(row.used),
            refunded: Minor(row.refunded),
            returned: Minor(row.returned),
        });
    }
    Ok(all)
}
