//! Versions of sections, with who made them and why.

use diesel::pg::Pg;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::mining::{MiningConfiguration, ReferralConfiguration, StreakConfiguration};
use domain::time::Timestamp;
use serde_json::Value;

use super::body::Stored;
use crate::schema::configurations as rows;
use crate::{Connection, DbError, Page, Slice};

/// One version of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version<S> {
    /// Its number, from 1 without a gap.
    pub number: i32,
    /// What it says.
    pub settings: S,
    /// When it came into force.
    pub updated_at: Timestamp,
    /// Who set it: the subject of their token, or `system`.
    pub updated_by: String,
    /// Why.
    pub reason: String,
}

/// The versions in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Sessions and the base rate.
    pub mining: Version<MiningConfiguration>,
    /// Streaks.
    pub streak: Version<StreakConfiguration>,
    /// Referrals.
    pub referral: Version<ReferralConfiguration>,
}

/// Number, body, when, by whom, why.
type Loaded = (i32, Value, Timestamp, String, String);

macro_rules! columns {
    () => {
        (
            rows::version,
            rows::body,
            rows::updated_at,
            rows::updated_by,
            rows::reason,
        )
    };
}

fn read<S: Stored>(loaded: Loaded) -> Result<Version<S>, DbError> {
    let (number, body, updated_at, updated_by, reason) = loaded;
    Ok(Version {
        number,
        settings: S::read(number, &body)?,
        updated_at,
        updated_by,
        reason,
    })
}

/// The newest version of each section, in one statement.
pub async fn in_force(conn: &mut Connection) -> Result<InForce, DbError> {
    let mut all: Vec<(String, Loaded)> = rows::table
        .distinct_on(rows::section)
        .order((rows::section, rows::version.desc()))
        .select((rows::section, columns!()))
        .load(conn)
        .await?;
    let mut take = |section: &'static str| {
        let place = all.iter().position(|(known, _)| known == section);
        place
            .map(|place| all.swap_remove(place).1)
            .ok_or_else(|| DbError::inconsistent("configurations", "section", section))
    };
    Ok(InForce {
        mining: read(take(MiningConfiguration::SECTION)?)?,
        streak: read(take(StreakConfiguration::SECTION)?)?,
        referral: read(take(ReferralConfiguration::SECTION)?)?,
    })
}

/// The newest version of a section.
pub(super) async fn newest<S: Stored>(conn: &mut Connection) -> Result<Version<S>, DbError> {
    let loaded: Loaded = rows::table
        .filter(rows::section.eq(S::SECTION))
        .order(rows::version.desc())
        .select(columns!())
        .first(conn)
        .await?;
    read(loaded)
}

/// A version of a section, if there is one of this number.
pub async fn version<S: Stored>(
    conn: &mut Connection,
    number: i32,
) -> Result<Option<Version<S>>, DbError> {
    let loaded: Option<Loaded> = rows::table
        .find((S::SECTION, number))
        .select(columns!())
        .first(conn)
        .await
        .optional()?;
    loaded.map(read).transpose()
}

/// A page of a section's versions, newest first.
pub async fn history<S: Stored>(
    conn: &mut Connection,
    page: &Page<i64>,
) -> Result<Slice<Version<S>>, DbError> {
    let mut query = rows::table
        .filter(rows::section.eq(S::SECTION))
        .select(columns!())
        .into_boxed::<Pg>();
    // Numbers beyond 32 bits are on no cursor of ours: they cut like the largest there are.
    let number = |key: i64| i32::try_from(key).unwrap_or(i32::MAX);
    if let Some(after) = page.after {
        query = query.filter(rows::version.lt(number(after)));
    }
    if let Some(before) = page.before {
        query = query.filter(rows::version.gt(number(before)));
    }
    query = if page.from_end {
        query.order(rows::version.asc())
    } else {
        query.order(rows::version.desc())
    };
    let loaded: Vec<Loaded> = page.cut(query).load(conn).await?;
    page.slice(loaded).try_map(read)
}
