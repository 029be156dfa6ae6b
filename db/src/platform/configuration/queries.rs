//! Versions of sections, with author and reason.

use serde_json::Value;

use super::Section;
use crate::prelude::*;
use crate::schema::configurations as rows;

/// A version of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version<S> {
    /// Number, from 1 without gaps.
    pub number: i32,
    /// The settings.
    pub settings: S,
    /// Time it came into force.
    pub updated_at: Timestamp,
    /// Subject of the author's token, or `system`.
    pub updated_by: String,
    /// Reason of the change.
    pub reason: String,
}

/// A version of any section, as stored.
#[derive(Clone, Debug, PartialEq, HasQuery)]
#[diesel(table_name = rows, check_for_backend(Pg))]
pub struct StoredVersion {
    /// Name of the section.
    pub section: String,
    /// Number, from 1 without gaps.
    #[diesel(column_name = version)]
    pub number: i32,
    /// The stored settings.
    pub body: Value,
    /// Time it came into force.
    pub updated_at: Timestamp,
    /// Subject of the author's token, or `system`.
    pub updated_by: String,
    /// Reason of the change.
    pub reason: String,
}

impl StoredVersion {
    /// Reads the settings.
    pub fn read<S: Section>(self) -> Result<Version<S>> {
        Ok(Version {
            settings: S::read(self.number, &self.body)?,
            number: self.number,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
            reason: self.reason,
        })
    }
}

/// The newest version of each section, in one statement.
pub async fn in_force(conn: &mut Connection) -> Result<Vec<StoredVersion>> {
    Ok(StoredVersion::query()
        .distinct_on(rows::section)
        .order((rows::section, rows::version.desc()))
        .load(conn)
        .await?)
}

/// A section in force, behind the statements that were sent before on this connection, without waiting for them.
pub(crate) async fn section<S: Section>(mut conn: &Connection) -> Result<S> {
    let (version, body): (i32, Value) = rows::table
        .filter(rows::section.eq(S::INFO.name))
        .order(rows::version.desc())
        .select((rows::version, rows::body))
        .first(&mut conn)
        .await?;
    S::read(version, &body)
}

/// The newest version of a section.
pub(super) async fn newest(conn: &mut Connection, section: &'static str) -> Result<StoredVersion> {
    Ok(StoredVersion::query()
        .filter(rows::section.eq(section))
        .order(rows::version.desc())
        .first(conn)
        .await?)
}

/// Versions by section and number.
pub async fn by_key(conn: &mut Connection, keys: &[(String, i32)]) -> Result<Vec<StoredVersion>> {
    let (sections, numbers): (Vec<_>, Vec<_>) = keys.iter().cloned().unzip();
    let found: Vec<StoredVersion> = StoredVersion::query()
        .filter(
            rows::section
                .eq_any(sections)
                .and(rows::version.eq_any(numbers)),
        )
        .load(conn)
        .await?;
    // The filter selects all combinations of the keys' parts.
    let is_key = |version: &StoredVersion| {
        keys.iter()
            .any(|(section, number)| *section == version.section && *number == version.number)
    };
    Ok(found.into_iter().filter(is_key).collect())
}

/// A page of a section's versions, newest first.
pub async fn history(
    conn: &mut Connection,
    section: &str,
    page: &Page<i64>,
) -> Result<Slice<StoredVersion>> {
    let mut query = StoredVersion::query()
        .filter(rows::section.eq(section))
        .into_boxed::<Pg>();
    // A cursor beyond 32 bits is before or after all versions.
    let number = |key: i64| i32::try_from(key).unwrap_or(if key > 0 { i32::MAX } else { 0 });
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
    let loaded: Vec<StoredVersion> = page.cut(query).load(conn).await?;
    Ok(page.slice(loaded))
}
