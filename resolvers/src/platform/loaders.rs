//! Edges of the platform, loaded for all parents of a level at once.

use db::platform::approval::ApprovalSeen;
use db::platform::audit::queries::Entry;
use db::platform::configuration::StoredVersion;
use db::platform::users::User;
use db::platform::{approval, audit, configuration, users};
use domain::ids::{ApprovalId, UserId};

use crate::loading::{by_key, loader};

loader! {
    /// Loads edges of the platform.
    PlatformLoader
}

/// Key of an audit entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryKey(pub i64);

/// A version of a section: its name and number.
pub(crate) type VersionOf = (String, i32);

/// The version of a section that is in force.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct InForce(pub &'static str);

by_key!(PlatformLoader, UserId => User,
    |conn, ids| users::by_id(conn, &ids),
    |user| (user.id, user));

by_key!(PlatformLoader, ApprovalId => ApprovalSeen,
    |conn, ids| approval::queries::by_id(conn, &ids),
    |seen| (seen.approval.id, seen));

by_key!(PlatformLoader, EntryKey => Entry,
    |conn, keys| async {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        audit::queries::by_id(conn, &ids).await
    },
    |entry| (EntryKey(entry.id), entry));

by_key!(PlatformLoader, VersionOf => StoredVersion,
    |conn, keys| configuration::by_key(conn, &keys),
    |version| ((version.section.clone(), version.number), version));

by_key!(PlatformLoader, InForce => StoredVersion,
    |conn, sections| async {
        let in_force = configuration::in_force(conn).await?.into_iter();
        let of = |version: StoredVersion| {
            let section = sections.iter().find(|section| section.0 == version.section)?;
            Some((*section, version))
        };
        Ok(in_force.filter_map(of).collect::<Vec<_>>())
    },
    |pair| pair);
