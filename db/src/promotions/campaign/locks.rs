//! Locks of campaigns. They come before wallets in the order of `docs/LEDGER.md`.

use chrono::NaiveTime;
use diesel::sql_types::{BigInt, Bool, Text, Uuid as SqlUuid};
use domain::promotions::campaign::{Campaign, Made};
use domain::wallets::WalletOwner;

use super::rows::CampaignRow;
use crate::prelude::*;
use crate::schema::campaigns;

/// Prefix of the keys of campaigns' locks.
pub(in crate::promotions) const OF_CAMPAIGNS: i64 = 0x6361_6d70 << 32;
/// Prefix of the keys of merchants' locks.
const OF_MERCHANTS: i64 = 0x6d65_7263 << 32;

/// Locks a campaign for a change; none when there is none. The lock is advisory, so that commands on its vouchers can share
/// it: its queue is fair, and a stream of them can't hold up a change as shared row locks would.
pub(super) async fn lock(tx: &mut Tx, id: CampaignId) -> Result<Option<Campaign>> {
    diesel::sql_query(
        "SELECT pg_advisory_xact_lock($1) FROM campaigns WHERE merchant_id = $2 AND id = $3",
    )
    .bind::<BigInt, _>(key(OF_CAMPAIGNS, id.uuid))
    .bind::<SqlUuid, _>(id.merchant.0)
    .bind::<SqlUuid, _>(id.uuid)
    .execute(tx.conn())
    .await?;
    // A statement of its own: its snapshot has to include what the lock's last holder committed.
    let query = CampaignRow::query().find((id.merchant.0, id.uuid));
    let row: Option<CampaignRow> = query.first(tx.conn()).await.optional()?;
    let Some(row) = row else {
        return Ok(None);
    };
    let currencies = tx.currencies();
    row.into_campaign(currencies).map(Some)
}

#[derive(QueryableByName)]
struct Granted {
    #[diesel(sql_type = Bool)]
    granted: bool,
}

/// Locks what a merchant has made against its other creations, and counts it. It never waits, because a creation takes
/// seconds and a waiting one would keep its connection: [`DbError::OwnerBusy`]. A merchant without a row is
/// [`DbError::UnknownOwners`], after which the command is run again.
pub(super) async fn lock_made(tx: &mut Tx, merchant: MerchantId) -> Result<Made> {
    let midnight = tx.now().date_naive().and_time(NaiveTime::MIN).and_utc();
    let owner = WalletOwner::from(merchant);
    let lock: Option<Granted> = diesel::sql_query(
        "SELECT pg_try_advisory_xact_lock($1) AS granted FROM owners WHERE owner_id = $2 AND owner_kind = $3",
    )
    .bind::<BigInt, _>(key(OF_MERCHANTS, merchant.0))
    .bind::<SqlUuid, _>(owner.id)
    .bind::<Text, _>(owner.kind.name())
    .get_result(tx.conn())
    .await
    .optional()?;
    match lock {
        None => return Err(DbError::UnknownOwners(vec![owner.into()])),
        Some(lock) if !lock.granted => return Err(DbError::OwnerBusy),
        Some(_) => {}
    }
    let now = tx.now();
    let open: i64 = campaigns::table
        .filter(campaigns::merchant_id.eq(merchant.0))
        .filter(campaigns::status.eq_any(super::queries::open_states()))
        .filter(campaigns::ends_at.gt(now))
        .count()
        .get_result(tx.conn())
        .await?;
    let today: Option<i64> = campaigns::table
        .filter(campaigns::merchant_id.eq(merchant.0))
        .filter(campaigns::created_at.ge(midnight))
        .select(diesel::dsl::sum(campaigns::total_vouchers))
        .first(tx.conn())
        .await?;
    Ok(Made {
        open_campaigns: fit("campaigns", "count", open)?,
        vouchers_today: fit("campaigns", "total_vouchers", today.unwrap_or_default())?,
    })
}

/// Key of an advisory lock: a prefix and the id's last four bytes, which are random. Two objects with one key wait for
/// each other without need.
pub(in crate::promotions) fn key(prefix: i64, id: Uuid) -> i64 {
    let [.., a, b, c, d] = *id.as_bytes();
    prefix | i64::from(u32::from_be_bytes([a, b, c, d]))
}
