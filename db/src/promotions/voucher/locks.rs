//! Locks of commands on vouchers: the campaign's shared, the person's count, the order's, then the voucher.

use diesel::dsl::exists;
use diesel::sql_types::{BigInt, Bool, Integer, Text, Uuid as SqlUuid};
use domain::promotions::voucher::{Offer, Voucher};
use domain::wallets::{OwnerKind, WalletOwner};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join, try_join5};

use super::rows::{self, OfferRow, VoucherRow, with_offer};
use crate::prelude::*;
use crate::promotions::campaign::locks::{OF_CAMPAIGNS, key};
use crate::schema::{campaign_users, users, vouchers};
use crate::stock::Next;

/// Prefix of the keys of the locks of a person's vouchers in a campaign.
const OF_HOLDERS: i64 = 0x686f_6c64 << 32;
/// Prefix of the keys of orders' locks.
pub(in crate::promotions) const OF_ORDERS: i64 = 0x6f72_6465 << 32;

/// Takes an advisory lock at the row of a campaign, in one shared or exclusive mode.
macro_rules! lock_at_campaign {
    ($conn:expr, $function:literal, $key:expr, $id:expr) => {
        diesel::sql_query(concat!(
            "SELECT ",
            $function,
            "($1) FROM campaigns WHERE merchant_id = $2 AND id = $3"
        ))
        .bind::<BigInt, _>($key)
        .bind::<SqlUuid, _>($id.merchant.0)
        .bind::<SqlUuid, _>($id.uuid)
        .execute(&mut $conn)
    };
}

/// What an acquisition begins with: the campaign behind its shared lock, and the count behind the person's.
pub(super) struct Prospect {
    offer: Option<OfferRow>,
    acquired: Option<i32>,
    is_frozen: bool,
    /// Whether the person has a row, from an earlier command.
    pub is_known: bool,
}

#[derive(QueryableByName)]
struct Frozen {
    #[diesel(sql_type = Bool)]
    is_frozen: bool,
}

/// Whether one of these owners is frozen.
pub(super) async fn any_frozen(mut conn: &Connection, owners: &[WalletOwner]) -> Result<bool> {
    let ids: Vec<Uuid> = owners.iter().map(|owner| owner.id).collect();
    let kinds: Vec<&str> = owners.iter().map(|owner| owner.kind.name()).collect();
    let query = "SELECT coalesce(bool_or(o.is_frozen), false) AS is_frozen
                 FROM unnest($1, $2) AS k (owner_id, owner_kind) JOIN owners o USING (owner_id, owner_kind)
                 WHERE o.owner_id = ANY($1)";
    let found: Frozen = diesel::sql_query(query)
        .bind::<diesel::sql_types::Array<SqlUuid>, _>(ids)
        .bind::<diesel::sql_types::Array<Text>, _>(kinds)
        .get_result(&mut conn)
        .await?;
    Ok(found.is_frozen)
}

fn both(user: UserId, merchant: MerchantId) -> [WalletOwner; 2] {
    let merchant = WalletOwner {
        kind: OwnerKind::Merchant,
        id: merchant.0,
    };
    [user.into(), merchant]
}

/// Locks a campaign against changes of its state, and what a person has of it; reads both in the same round trip.
pub(super) fn prospect(
    conn: &Connection,
    id: CampaignId,
    user: UserId,
) -> BoxFuture<'_, Result<Prospect>> {
    async move {
        let (mut shared, mut alone, mut reading, mut counting) = (conn, conn, conn, conn);
        let of_holder = key(OF_HOLDERS, id.uuid) ^ key(0, user.0);
        let lock = lock_at_campaign!(
            shared,
            "pg_advisory_xact_lock_shared",
            key(OF_CAMPAIGNS, id.uuid),
            id
        );
        let lock_count = lock_at_campaign!(alone, "pg_advisory_xact_lock", of_holder, id);
        let offer = OfferRow::query()
            .find((id.merchant.0, id.uuid))
            .first(&mut reading);
        let acquired = campaign_users::table
            .find((id.merchant.0, id.uuid, user.0))
            .select(campaign_users::acquired)
            .first(&mut counting);
        let faults = |fault: diesel::result::Error| DbError::from(fault);
        let mut looking = conn;
        let owners = both(user, id.merchant);
        let is_known = diesel::select(exists(users::table.find(user.0))).get_result(&mut looking);
        let locked = try_join5(
            lock.map(|done| done.map_err(faults)),
            lock_count.map(|done| done.map_err(faults)),
            offer.map(|found| found.optional().map_err(faults)),
            acquired.map(|found| found.optional().map_err(faults)),
            any_frozen(conn, &owners),
        );
        let is_known = is_known.map(|found| found.map_err(faults));
        let ((_, _, offer, acquired, is_frozen), is_known) = try_join(locked, is_known).await?;
        Ok(Prospect {
            offer,
            acquired,
            is_frozen,
            is_known,
        })
    }
    .boxed()
}

impl Prospect {
    /// The campaign, the number of the person's vouchers, and whether the person or the merchant is frozen; none when there
    /// is no such campaign.
    pub(super) fn read(self, tx: &Tx) -> Result<Option<(Offer, u32, bool)>> {
        let Some(offer) = self.offer else {
            return Ok(None);
        };
        let acquired = fit(
            "campaign_users",
            "acquired",
            self.acquired.unwrap_or_default(),
        )?;
        Ok(Some((
            offer.into_offer(tx.currencies())?,
            acquired,
            self.is_frozen,
        )))
    }
}

/// A voucher that was available and is locked now.
#[derive(QueryableByName)]
pub(super) struct Taken {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Integer)]
    pub number: i32,
    #[diesel(sql_type = Text)]
    pub code: String,
}

/// Takes an available voucher of a campaign that no other transaction has taken: the next from where this instance found
/// the last one, at first from a random one. None when none is left. While others hold all that are left it is
/// [`DbError::AllTaken`], after which the command is run again: one may become free.
pub(super) async fn take(tx: &mut Tx, id: CampaignId, total: u32) -> Result<Option<Taken>> {
    let from = match tx.stocks().next(id.uuid) {
        Some(Next::Nowhere) => return Ok(None),
        Some(Next::From(number)) => number,
        None => {
            let [a, b, c, d] = tx.ids().bytes();
            let random = u32::from_be_bytes([a, b, c, d]).checked_rem(total);
            random.unwrap_or_default().cast_signed()
        }
    };
    // From there to the end, then from the start to there.
    for (first, last) in [(from, i32::MAX), (0, from.saturating_sub(1))] {
        if let Some(taken) = take_between(tx, id, first, last).await? {
            let next = Next::From(taken.number.saturating_add(1));
            tx.stocks().note(id.uuid, next);
            return Ok(Some(taken));
        }
    }
    let available = vouchers::table
        .filter(vouchers::merchant_id.eq(id.merchant.0))
        .filter(vouchers::campaign_id.eq(id.uuid))
        .filter(vouchers::status.eq("AVAILABLE"));
    let is_left: bool = diesel::select(exists(available))
        .get_result(tx.conn())
        .await?;
    if is_left {
        return Err(DbError::AllTaken);
    }
    tx.stocks().note(id.uuid, Next::Nowhere);
    Ok(None)
}

async fn take_between(tx: &mut Tx, id: CampaignId, first: i32, last: i32) -> Result<Option<Taken>> {
    let next = "SELECT id, number, code FROM vouchers
                WHERE merchant_id = $1 AND campaign_id = $2 AND status = 'AVAILABLE' AND number BETWEEN $3 AND $4
                ORDER BY number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED";
    let taken = diesel::sql_query(next)
        .bind::<SqlUuid, _>(id.merchant.0)
        .bind::<SqlUuid, _>(id.uuid)
        .bind::<Integer, _>(first)
        .bind::<Integer, _>(last);
    Ok(taken.get_result(tx.conn()).await.optional()?)
}

/// Locks a campaign against changes of its state.
pub(in crate::promotions) async fn share_campaign(tx: &mut Tx, id: CampaignId) -> Result<()> {
    let mut conn: &Connection = tx.conn();
    lock_at_campaign!(
        conn,
        "pg_advisory_xact_lock_shared",
        key(OF_CAMPAIGNS, id.uuid),
        id
    )
    .await?;
    Ok(())
}

/// Locks an order of a merchant, which has no row before its first voucher.
pub(in crate::promotions) async fn lock_order(
    tx: &mut Tx,
    campaign: CampaignId,
    order: Uuid,
) -> Result<()> {
    let mut conn: &Connection = tx.conn();
    lock_at_campaign!(
        conn,
        "pg_advisory_xact_lock",
        key(OF_ORDERS, order),
        campaign
    )
    .await?;
    Ok(())
}

/// A voucher, without a lock: its campaign and code never change.
pub(in crate::promotions) async fn find(tx: &mut Tx, id: VoucherId) -> Result<Option<Voucher>> {
    let found: Option<(VoucherRow, OfferRow)> = with_offer()
        .filter(vouchers::merchant_id.eq(id.merchant.0))
        .filter(vouchers::id.eq(id.uuid))
        .select((VoucherRow::as_select(), OfferRow::as_select()))
        .first(tx.conn())
        .await
        .optional()?;
    Ok(rows::read(tx.currencies(), found)?.pop())
}

/// Locks a voucher, and reads it with its campaign. The caller has locked the campaign.
pub(in crate::promotions) async fn lock(tx: &mut Tx, id: VoucherId) -> Result<Voucher> {
    let conn: &Connection = tx.conn();
    let (mut locking, mut reading) = (conn, conn);
    let lock = vouchers::table
        .find((id.merchant.0, id.uuid))
        .select(vouchers::id)
        .for_no_key_update()
        .execute(&mut locking);
    // A statement of its own: its snapshot has to include what the lock's last holder committed.
    let read = with_offer()
        .filter(vouchers::merchant_id.eq(id.merchant.0))
        .filter(vouchers::id.eq(id.uuid))
        .select((VoucherRow::as_select(), OfferRow::as_select()))
        .first(&mut reading);
    let (_, found): (usize, (VoucherRow, OfferRow)) = try_join(lock, read).await?;
    let found = rows::read(tx.currencies(), [found])?.pop();
    found.ok_or_else(|| DbError::inconsistent("vouchers", "id", id))
}

/// Whether the holder's wallets are frozen.
pub(in crate::promotions) async fn is_frozen(tx: &mut Tx, holder: UserId) -> Result<bool> {
    any_frozen(tx.conn(), &[holder.into()]).await
}
