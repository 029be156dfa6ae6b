//! Reads of vouchers.

use diesel::NullableExpressionMethods;
use diesel::dsl::not;
use domain::promotions::campaign::CampaignStatus;
use domain::promotions::voucher::{Voucher, VoucherCode, VoucherStatus};

use super::commands::Ticket;
use super::rows::{self, OfferRow, VoucherRow, with_offer};
use super::{locks, till};
use crate::Db;
use crate::clock::ReadAt;
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::{campaign_users, campaigns, user_vouchers, voucher_codes, vouchers};

/// A voucher with the moment it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherSeen {
    /// The voucher.
    pub voucher: Voucher,
    /// Time of the platform's clock when it was read.
    pub at: Timestamp,
}

/// Conditions on vouchers, which all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VoucherFilter {
    /// Campaign.
    pub campaign: Option<CampaignId>,
    /// The voucher with a code; an inner none selects nothing.
    pub voucher: Option<Option<VoucherId>>,
    /// State as of now.
    pub status: Option<VoucherStatus>,
    /// Holder.
    pub user: Option<UserId>,
}

impl VoucherFilter {
    /// The conditions, within a campaign; those on another one select nothing.
    #[must_use]
    pub fn of_campaign(self, id: CampaignId) -> Self {
        let is_other = self.campaign.is_some_and(|campaign| campaign != id);
        Self {
            campaign: Some(id),
            voucher: if is_other { Some(None) } else { self.voucher },
            ..self
        }
    }
}

type Seen = (VoucherRow, OfferRow, Timestamp);

fn read(db: &Db, rows: Vec<Seen>) -> Result<Vec<VoucherSeen>> {
    let times: Vec<Timestamp> = rows.iter().map(|(.., at)| *at).collect();
    let rows = rows.into_iter().map(|(voucher, offer, _)| (voucher, offer));
    let vouchers = rows::read(db.currencies(), rows)?.into_iter().zip(times);
    Ok(vouchers
        .map(|(voucher, at)| VoucherSeen { voucher, at })
        .collect())
}

/// Vouchers by id.
pub async fn by_id(db: &Db, conn: &mut Connection, ids: &[VoucherId]) -> Result<Vec<VoucherSeen>> {
    let rows: Vec<Seen> = with_offer()
        .filter(vouchers::merchant_id.eq_any(ids.iter().map(|id| id.merchant.0)))
        .filter(vouchers::id.eq_any(ids.iter().map(|id| id.uuid)))
        .select((VoucherRow::as_select(), OfferRow::as_select(), ReadAt))
        .load(conn)
        .await?;
    read(db, rows)
}

/// The ids by the uuids alone; a read over all shards.
pub async fn by_uuids(conn: &mut Connection, uuids: &[Uuid]) -> Result<Vec<VoucherId>> {
    let rows: Vec<(Uuid, Uuid)> = vouchers::table
        .filter(vouchers::id.eq_any(uuids))
        .select((vouchers::merchant_id, vouchers::id))
        .load(conn)
        .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|(merchant, id)| [merchant, id].into()).collect())
}

/// The id by the code.
pub async fn by_code(conn: &mut Connection, code: &VoucherCode) -> Result<Option<VoucherId>> {
    let found: Option<(Uuid, Uuid)> = voucher_codes::table
        .find(code.as_str())
        .select((voucher_codes::merchant_id, voucher_codes::voucher_id))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|(merchant, id)| [merchant, id].into()))
}

/// The id of the voucher that a ticket shows.
async fn id_of(conn: &mut Connection, ticket: &Ticket) -> Result<Option<VoucherId>> {
    match ticket {
        Ticket::Voucher(id) => Ok(Some(*id)),
        Ticket::Token(token) => till::read(conn, token).await,
        Ticket::Code(text) => match VoucherCode::parse(text) {
            Some(code) => by_code(conn, &code).await,
            None => Ok(None),
        },
    }
}

/// The voucher that a ticket shows.
pub async fn by_ticket(
    db: &Db,
    conn: &mut Connection,
    ticket: &Ticket,
) -> Result<Option<VoucherSeen>> {
    match id_of(conn, ticket).await? {
        Some(id) => Ok(by_id(db, conn, &[id]).await?.pop()),
        None => Ok(None),
    }
}

/// The voucher that a ticket shows, without a lock.
pub(super) async fn shown(tx: &mut Tx, ticket: &Ticket) -> Result<Option<Voucher>> {
    match id_of(tx.conn(), ticket).await? {
        Some(id) => locks::find(tx, id).await,
        None => Ok(None),
    }
}

/// Whether a holder's wallets are frozen.
pub async fn is_frozen(conn: &mut Connection, holder: UserId) -> Result<bool> {
    locks::any_frozen(conn, &[holder.into()]).await
}

/// Narrows a query of vouchers with their campaigns to those that meet the conditions.
macro_rules! filter_vouchers {
    ($query:ident, $filter:expr) => {
        let filter: &VoucherFilter = $filter;
        narrow!($query,
            campaign = filter.campaign => vouchers::merchant_id.eq(campaign.merchant.0)
                .and(vouchers::campaign_id.eq(campaign.uuid)),
            user = filter.user => vouchers::id.eq_any(
                user_vouchers::table.filter(user_vouchers::user_id.eq(user.0)).select(user_vouchers::voucher_id)),
        );
        match filter.voucher {
            None => {}
            Some(Some(id)) => {
                $query = $query
                    .filter(vouchers::merchant_id.eq(id.merchant.0))
                    .filter(vouchers::id.eq(id.uuid));
            }
            Some(None) => $query = $query.filter(vouchers::id.eq(Uuid::nil())),
        }
        // A voucher counts as expired before a job has stored it.
        let stored = |status: VoucherStatus| vouchers::status.eq(status.name());
        let ended = [CampaignStatus::Cancelled, CampaignStatus::Completed].map(CampaignStatus::name);
        let is_over = || campaigns::ends_at.le(ReadAt).or(campaigns::status.eq_any(ended));
        let has_lapsed = || {
            vouchers::usable_until.assume_not_null().le(ReadAt).or(campaigns::revoked_at.is_not_null())
        };
        match filter.status {
            None => {}
            Some(status @ VoucherStatus::Available) => {
                $query = $query.filter(stored(status)).filter(not(is_over()));
            }
            Some(status @ VoucherStatus::FullyRedeemed) => $query = $query.filter(stored(status)),
            Some(status @ (VoucherStatus::Claimed | VoucherStatus::PartiallyRedeemed)) => {
                $query = $query.filter(stored(status)).filter(not(has_lapsed()));
            }
            Some(status @ VoucherStatus::Expired) => {
                let live = [VoucherStatus::Claimed, VoucherStatus::PartiallyRedeemed];
                let live = vouchers::status.eq_any(live.map(VoucherStatus::name));
                let unissued = stored(VoucherStatus::Available).and(is_over());
                $query = $query.filter(stored(status).or(live.and(has_lapsed())).or(unissued));
            }
        }
    };
}

/// One page of the vouchers that meet the conditions, newest first: an id begins with the time of its creation.
pub async fn list(
    db: &Db,
    conn: &mut Connection,
    filter: &VoucherFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<VoucherSeen>> {
    let mut query = with_offer()
        .select((VoucherRow::as_select(), OfferRow::as_select(), ReadAt))
        .into_boxed::<Pg>();
    filter_vouchers!(query, filter);
    let page = page.keyed(|(_, id)| Some(*id));
    let query = keyset!(query, page, [vouchers::id desc]);
    let rows: Vec<Seen> = query.load(conn).await?;
    Ok(page.slice(read(db, rows)?))
}

/// Number of vouchers that meet the conditions.
pub async fn count(conn: &mut Connection, filter: &VoucherFilter) -> Result<Count> {
    let mut query = with_offer().select(vouchers::id).into_boxed::<Pg>();
    filter_vouchers!(query, filter);
    count_rows(conn, query).await
}

/// Narrows a query of a person's directory to a state as of now.
macro_rules! in_status {
    ($query:ident, $status:expr) => {
        let has_lapsed = || user_vouchers::expires_at.le(ReadAt);
        let stored = |status: VoucherStatus| user_vouchers::status.eq(status.name());
        match $status {
            None => {}
            Some(VoucherStatus::Available) => $query = $query.filter(user_vouchers::status.eq("")),
            Some(status @ VoucherStatus::FullyRedeemed) => $query = $query.filter(stored(status)),
            Some(status @ (VoucherStatus::Claimed | VoucherStatus::PartiallyRedeemed)) => {
                $query = $query.filter(stored(status)).filter(not(has_lapsed()));
            }
            Some(status @ VoucherStatus::Expired) => {
                let live = [VoucherStatus::Claimed, VoucherStatus::PartiallyRedeemed];
                let live = user_vouchers::status.eq_any(live.map(VoucherStatus::name));
                $query = $query.filter(stored(status).or(live.and(has_lapsed())));
            }
        }
    };
}

/// Ids of one page of a person's vouchers, most recently acquired first, each with its position.
pub async fn of_user(
    conn: &mut Connection,
    user: UserId,
    status: Option<VoucherStatus>,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<(VoucherId, Timestamp)>> {
    let mut query = user_vouchers::table
        .filter(user_vouchers::user_id.eq(user.0))
        .select((
            user_vouchers::merchant_id,
            user_vouchers::voucher_id,
            user_vouchers::claimed_at,
        ))
        .into_boxed::<Pg>();
    in_status!(query, status);
    let query =
        keyset!(query, page, [user_vouchers::claimed_at desc, user_vouchers::voucher_id desc]);
    let rows: Vec<(Uuid, Uuid, Timestamp)> = query.load(conn).await?;
    let rows = rows.into_iter();
    let rows = rows.map(|(merchant, id, at)| ([merchant, id].into(), at));
    Ok(page.slice(rows.collect()))
}

/// Number of a person's vouchers in a state.
pub async fn count_of_user(
    conn: &mut Connection,
    user: UserId,
    status: Option<VoucherStatus>,
) -> Result<Count> {
    let mut query = user_vouchers::table
        .filter(user_vouchers::user_id.eq(user.0))
        .select(user_vouchers::voucher_id)
        .into_boxed::<Pg>();
    in_status!(query, status);
    count_rows(conn, query).await
}

/// Those of these people who acquired vouchers of these campaigns.
pub async fn holders(
    conn: &mut Connection,
    wanted: &[(CampaignId, UserId)],
) -> Result<Vec<(CampaignId, UserId)>> {
    let rows: Vec<(Uuid, Uuid, Uuid)> = campaign_users::table
        .filter(campaign_users::merchant_id.eq_any(wanted.iter().map(|(id, _)| id.merchant.0)))
        .filter(campaign_users::campaign_id.eq_any(wanted.iter().map(|(id, _)| id.uuid)))
        .filter(campaign_users::user_id.eq_any(wanted.iter().map(|(_, user)| user.0)))
        .select((
            campaign_users::merchant_id,
            campaign_users::campaign_id,
            campaign_users::user_id,
        ))
        .load(conn)
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(merchant, id, user)| ([merchant, id].into(), UserId(user)))
        .collect())
}
