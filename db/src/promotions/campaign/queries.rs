//! Reads of campaigns.

use diesel::dsl::sql;
use diesel::sql_types::{Array, Bool, Text as SqlText};
use domain::named::named;
use domain::promotions::campaign::{AcquisitionType, Campaign, CampaignStatus};

use super::rows::CampaignRow;
use crate::Db;
use crate::clock::ReadAt;
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::{campaign_ids, campaigns};
use crate::search::Part;

named! {
    /// Values by which campaigns can be ordered.
    CampaignOrderField;

    /// Time of creation.
    CreatedAt = "CREATED_AT";

    /// Time the campaign ends.
    EndsAt = "ENDS_AT";

    /// Name of the campaign.
    Name = "NAME";
}

/// A campaign with the moment it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignSeen {
    /// The campaign.
    pub campaign: Campaign,
    /// Time of the platform's clock when it was read.
    pub at: Timestamp,
}

/// Position of a campaign in a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CampaignKey {
    /// By time of creation, or of the end.
    Time(Timestamp, Uuid),
    /// By the folded name.
    Name(String, Uuid),
}

impl CampaignKey {
    /// Position of a campaign.
    #[must_use]
    pub fn of(field: CampaignOrderField, campaign: &Campaign) -> Self {
        let id = campaign.id.uuid;
        match field {
            CampaignOrderField::CreatedAt => Self::Time(campaign.created_at, id),
            CampaignOrderField::EndsAt => Self::Time(campaign.ends_at, id),
            CampaignOrderField::Name => Self::Name(domain::text::fold(&campaign.name), id),
        }
    }
}

/// Campaigns that a caller may list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visible {
    /// All.
    All,
    /// Those whose vouchers can be acquired now, and all of a merchant.
    Open(Option<MerchantId>),
}

/// Conditions on campaigns, which all have to hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CampaignFilter {
    /// Campaigns that the caller may list.
    pub visible: Visible,
    /// Way to acquire a voucher.
    pub acquisition_type: Option<AcquisitionType>,
    /// Start of the time of the end, included.
    pub ends_from: Option<Timestamp>,
    /// End of the time of the end, excluded.
    pub ends_until: Option<Timestamp>,
    /// Whether vouchers can be acquired now.
    pub is_open: Option<bool>,
    /// Merchant.
    pub merchant: Option<MerchantId>,
    /// Part of name or description, ignoring case.
    pub search: Option<String>,
    /// Start of the time from which vouchers can be acquired, included.
    pub starts_from: Option<Timestamp>,
    /// End of the time from which vouchers can be acquired, excluded.
    pub starts_until: Option<Timestamp>,
    /// State as of now.
    pub status: Option<CampaignStatus>,
}

/// Names of the states in which a campaign has not ended.
pub(super) fn open_states() -> [&'static str; 3] {
    [
        CampaignStatus::Active,
        CampaignStatus::Draft,
        CampaignStatus::Paused,
    ]
    .map(CampaignStatus::name)
}

/// Campaigns by id.
pub async fn by_id(
    db: &Db,
    conn: &mut Connection,
    ids: &[CampaignId],
) -> Result<Vec<CampaignSeen>> {
    let rows: Vec<(CampaignRow, Timestamp)> = campaigns::table
        .filter(campaigns::merchant_id.eq_any(ids.iter().map(|id| id.merchant.0)))
        .filter(campaigns::id.eq_any(ids.iter().map(|id| id.uuid)))
        .select((CampaignRow::as_select(), ReadAt))
        .load(conn)
        .await?;
    read(db, rows)
}

/// The id of a campaign by its uuid alone.
pub async fn by_uuid(conn: &mut Connection, uuid: Uuid) -> Result<Option<CampaignId>> {
    let merchant: Option<Uuid> = campaign_ids::table
        .find(uuid)
        .select(campaign_ids::merchant_id)
        .first(conn)
        .await
        .optional()?;
    Ok(merchant.map(|merchant| [merchant, uuid].into()))
}

/// Campaigns whose end has passed but is not stored, with their ends, in the order of these; those behind a position.
pub(super) async fn over(
    conn: &mut Connection,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<(CampaignId, Timestamp)>> {
    let (ends_at, id) = after.unwrap_or((Timestamp::UNIX_EPOCH, Uuid::nil()));
    let behind = campaigns::ends_at
        .gt(ends_at)
        .or(campaigns::ends_at.eq(ends_at).and(campaigns::id.gt(id)));
    let rows: Vec<(Uuid, Uuid, Timestamp)> = campaigns::table
        .filter(campaigns::status.eq_any(open_states()))
        .filter(campaigns::ends_at.le(ReadAt))
        .filter(behind)
        .order((campaigns::ends_at, campaigns::id))
        .limit(limit)
        .select((campaigns::merchant_id, campaigns::id, campaigns::ends_at))
        .load(conn)
        .await?;
    let rows = rows.into_iter();
    let of_row = |(merchant, id, ends_at): (Uuid, Uuid, _)| ([merchant, id].into(), ends_at);
    Ok(rows.map(of_row).collect())
}

/// Narrows a query to the campaigns that meet the conditions.
macro_rules! filter_campaigns {
    ($query:ident, $filter:expr) => {
        let filter: &CampaignFilter = $filter;
        let is_open = || {
            campaigns::status
                .eq(CampaignStatus::Active.name())
                .and(campaigns::starts_at.le(ReadAt))
                .and(campaigns::ends_at.gt(ReadAt))
        };
        match filter.visible {
            Visible::All => {}
            Visible::Open(None) => $query = $query.filter(is_open()),
            Visible::Open(Some(merchant)) => {
                $query = $query.filter(is_open().or(campaigns::merchant_id.eq(merchant.0)));
            }
        }
        narrow!($query,
            acquisition = filter.acquisition_type => campaigns::acquisition_type.eq(acquisition.name()),
            from = filter.ends_from => campaigns::ends_at.ge(from),
            until = filter.ends_until => campaigns::ends_at.lt(until),
            merchant = filter.merchant => campaigns::merchant_id.eq(merchant.0),
            from = filter.starts_from => campaigns::starts_at.ge(from),
            until = filter.starts_until => campaigns::starts_at.lt(until),
        );
        match filter.is_open {
            None => {}
            Some(true) => $query = $query.filter(is_open()),
            Some(false) => $query = $query.filter(diesel::dsl::not(is_open())),
        }
        // From its end on a campaign counts as completed and a draft as cancelled, before a job has stored it.
        let is_stored_as = |status: CampaignStatus| campaigns::status.eq(status.name());
        let is_over = || campaigns::ends_at.le(ReadAt);
        match filter.status {
            None => {}
            Some(
                status @ (CampaignStatus::Active | CampaignStatus::Draft | CampaignStatus::Paused),
            ) => {
                $query = $query
                    .filter(is_stored_as(status))
                    .filter(campaigns::ends_at.gt(ReadAt));
            }
            Some(status @ CampaignStatus::Completed) => {
                let running = [CampaignStatus::Active, CampaignStatus::Paused];
                let running = campaigns::status.eq_any(running.map(CampaignStatus::name));
                $query = $query.filter(is_stored_as(status).or(running.and(is_over())));
            }
            Some(status @ CampaignStatus::Cancelled) => {
                let draft = is_stored_as(CampaignStatus::Draft);
                $query = $query.filter(is_stored_as(status).or(draft.and(is_over())));
            }
        }
        if let Some(search) = filter.search.as_deref().map(Part::of) {
            let found = sql::<Bool>("search_grams(campaigns.text_folded) @> ")
                .bind::<Array<SqlText>, _>(search.grams())
                .sql(" AND campaigns.text_folded LIKE ")
                .bind::<SqlText, _>(search.pattern());
            $query = $query.filter(found);
        }
    };
}

/// One page of the campaigns that meet the conditions.
pub async fn list(
    db: &Db,
    conn: &mut Connection,
    filter: &CampaignFilter,
    field: CampaignOrderField,
    descending: bool,
    page: &Page<CampaignKey>,
) -> Result<Slice<CampaignSeen>> {
    let mut query = campaigns::table
        .select((CampaignRow::as_select(), ReadAt))
        .into_boxed::<Pg>();
    filter_campaigns!(query, filter);
    let by_time = page.keyed(|key| match key {
        CampaignKey::Time(at, id) => Some((*at, *id)),
        CampaignKey::Name(..) => None,
    });
    let by_name = page.keyed(|key| match key {
        CampaignKey::Name(name, id) => Some((name.clone(), *id)),
        CampaignKey::Time(..) => None,
    });
    let query = match (field, descending) {
        (CampaignOrderField::CreatedAt, true) => {
            keyset!(query, by_time, [campaigns::created_at desc, campaigns::id desc])
        }
        (CampaignOrderField::CreatedAt, false) => {
            keyset!(query, by_time, [campaigns::created_at asc, campaigns::id asc])
        }
        (CampaignOrderField::EndsAt, true) => {
            keyset!(query, by_time, [campaigns::ends_at desc, campaigns::id desc])
        }
        (CampaignOrderField::EndsAt, false) => {
            keyset!(query, by_time, [campaigns::ends_at asc, campaigns::id asc])
        }
        (CampaignOrderField::Name, true) => {
            keyset!(query, by_name, [campaigns::name_folded desc, campaigns::id desc])
        }
        (CampaignOrderField::Name, false) => {
            keyset!(query, by_name, [campaigns::name_folded asc, campaigns::id asc])
        }
    };
    let rows: Vec<(CampaignRow, Timestamp)> = query.load(conn).await?;
    Ok(page.slice(read(db, rows)?))
}

/// Number of campaigns that meet the conditions.
pub async fn count(conn: &mut Connection, filter: &CampaignFilter) -> Result<Count> {
    let mut query = campaigns::table.select(campaigns::id).into_boxed::<Pg>();
    filter_campaigns!(query, filter);
    count_rows(conn, query).await
}

fn read(db: &Db, rows: Vec<(CampaignRow, Timestamp)>) -> Result<Vec<CampaignSeen>> {
    let currencies = db.currencies();
    rows.into_iter()
        .map(|(row, at)| {
            let campaign = row.into_campaign(currencies)?;
            Ok(CampaignSeen { campaign, at })
        })
        .collect()
}
