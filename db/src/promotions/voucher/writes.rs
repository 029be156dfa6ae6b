//! Writes of vouchers: the row, the holder's directory, and the figures of the campaign.

use chrono::{DurationRound, TimeDelta};
use diesel::dsl::sql;
use diesel::sql_types::{
    Bool, Integer, Nullable, SmallInt, Text as SqlText, Timestamptz, Uuid as SqlUuid,
};
use domain::promotions::voucher::{Holding, Voucher, VoucherStatus};

use crate::last_writes::Text;
use crate::prelude::*;
use crate::schema::{user_vouchers, vouchers};

/// Stripes of a campaign's figures, which keep its commands apart.
const STRIPES: u8 = 16;

/// The row of a campaign's figures at a time to which an object of this id counts: start of the quarter of an hour, and
/// stripe.
pub(in crate::promotions) fn quarter(at: Timestamp, id: Uuid) -> (Timestamp, i16) {
    let start = at.duration_trunc(TimeDelta::minutes(15)).unwrap_or(at);
    let [.., last] = *id.as_bytes();
    (start, i16::from(last & (STRIPES - 1)))
}

/// Counts an acquired voucher in the figures of its campaign.
pub(super) fn count_issued(tx: &mut Tx, voucher: &Voucher) {
    let (quarter, stripe) = quarter(tx.now(), voucher.id.uuid);
    let count = Text::new(
        "INSERT INTO promotion_rollups (merchant_id, campaign_id, quarter, stripe, issued) VALUES (?, ?, ?, ?, 1)
         ON CONFLICT (merchant_id, campaign_id, quarter, stripe) DO UPDATE SET issued = promotion_rollups.issued + 1",
    )
    .bind::<SqlUuid, _>(voucher.merchant().0)
    .bind::<SqlUuid, _>(voucher.offer.campaign.uuid)
    .bind::<Timestamptz, _>(quarter)
    .bind::<SmallInt, _>(stripe);
    tx.write_last("promotion_rollups", 1, count);
}

/// Changes the number of vouchers of a campaign that a person acquired.
pub(in crate::promotions) fn count_acquired(
    tx: &mut Tx,
    voucher: &Voucher,
    holder: UserId,
    change: i32,
) {
    let count = Text::new(
        "INSERT INTO campaign_users (merchant_id, campaign_id, user_id, acquired) VALUES (?, ?, ?, greatest(?, 0))
         ON CONFLICT (merchant_id, campaign_id, user_id) DO UPDATE SET acquired = campaign_users.acquired + ?",
    )
    .bind::<SqlUuid, _>(voucher.merchant().0)
    .bind::<SqlUuid, _>(voucher.offer.campaign.uuid)
    .bind::<SqlUuid, _>(holder.0)
    .bind::<Integer, _>(change)
    .bind::<Integer, _>(change);
    tx.write_last("campaign_users", 1, count);
}

/// Inserts a voucher into the directory of its holder.
pub(super) fn list(tx: &mut Tx, voucher: &Voucher, holding: Holding) {
    let insert = Text::new(
        "INSERT INTO user_vouchers (user_id, voucher_id, merchant_id, claimed_at, expires_at, status)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind::<SqlUuid, _>(holding.owner.0)
    .bind::<SqlUuid, _>(voucher.id.uuid)
    .bind::<SqlUuid, _>(voucher.merchant().0)
    .bind::<Timestamptz, _>(holding.claimed_at)
    .bind::<Timestamptz, _>(holding.usable_until)
    .bind::<SqlText, _>(voucher.stored_status.name());
    tx.write_last("user_vouchers", 1, insert);
}

/// Stores what changed of a locked voucher; `was` is the state it had.
pub(in crate::promotions) fn store(tx: &mut Tx, voucher: &Voucher, was: VoucherStatus) {
    let holding = voucher.holding;
    let revocation = voucher.revocation.clone();
    let row = vouchers::table
        .find((voucher.id.merchant.0, voucher.id.uuid))
        .filter(vouchers::status.eq(was.name()));
    let update = diesel::update(row).set((
        vouchers::status.eq(voucher.stored_status.name()),
        vouchers::remaining.eq(voucher.remaining.0),
        vouchers::unearned.eq(voucher.unearned.0),
        vouchers::owner_id.eq(holding.map(|holding| holding.owner.0)),
        vouchers::claimed_at.eq(holding.map(|holding| holding.claimed_at)),
        vouchers::expires_at.eq(holding.map(|holding| holding.expires_at)),
        vouchers::usable_until.eq(holding.map(|holding| holding.usable_until)),
        // A later end is warned of again.
        vouchers::is_warned.eq(sql::<Bool>("is_warned AND coalesce(usable_until >= ")
            .bind::<Nullable<Timestamptz>, _>(holding.map(|holding| holding.usable_until))
            .sql(", false)")),
        vouchers::redeemed_at.eq(voucher.redeemed_at),
        vouchers::revoked_at.eq(revocation.as_ref().map(|revocation| revocation.at)),
        vouchers::revocation_reason.eq(revocation.map(|revocation| revocation.reason)),
        vouchers::updated_at.eq(voucher.updated_at),
        vouchers::version.eq(voucher.version),
    ));
    tx.write_last("vouchers", 1, update);
}

/// Stores a change of a held voucher, and its state in the directory of its holder.
pub(in crate::promotions) fn store_held(tx: &mut Tx, voucher: &Voucher, was: VoucherStatus) {
    store(tx, voucher, was);
    let Some(holding) = voucher.holding else {
        return;
    };
    let row = user_vouchers::table.find((holding.owner.0, voucher.id.uuid));
    let update = diesel::update(row).set((
        user_vouchers::expires_at.eq(holding.usable_until),
        user_vouchers::status.eq(voucher.stored_status.name()),
    ));
    tx.write_last("user_vouchers", 1, update);
}
