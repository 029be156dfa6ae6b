//! The platform's edges, loaded for all parents of a level at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use db::approvals::{self, ApprovalSeen};
use db::audit_log::{self, Entity, Entry, Place};
use db::{Count, Db, DbError, Page, Slice};
use domain::ids::ApprovalId;

/// Loads the platform's edges.
pub(crate) struct PlatformLoader {
    db: Db,
}

impl PlatformLoader {
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

/// A page of what was done or tried about a thing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct AuditLogOf(pub Entity, pub Page<Place>);

/// How much was done or tried about a thing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AuditLogCountOf(pub Entity);

impl Loader<ApprovalId> for PlatformLoader {
    type Value = ApprovalSeen;
    type Error = Arc<DbError>;

    async fn load(
        &self,
        keys: &[ApprovalId],
    ) -> Result<HashMap<ApprovalId, ApprovalSeen>, Arc<DbError>> {
        let ids = keys.to_vec();
        let found = self
            .db
            .read(async move |conn| approvals::by_id(conn, &ids).await)
            .await?;
        Ok(found
            .into_iter()
            .map(|seen| (seen.approval.id, seen))
            .collect())
    }
}

impl Loader<AuditLogOf> for PlatformLoader {
    type Value = Slice<Entry>;
    type Error = Arc<DbError>;

    async fn load(
        &self,
        keys: &[AuditLogOf],
    ) -> Result<HashMap<AuditLogOf, Slice<Entry>>, Arc<DbError>> {
        let mut of_page: HashMap<&Page<Place>, Vec<Entity>> = HashMap::new();
        for AuditLogOf(entity, page) in keys {
            of_page.entry(page).or_default().push(*entity);
        }
        let mut loaded = HashMap::new();
        // One statement for each distinct page asked for, whatever the number of things.
        for (page, entities) in of_page {
            let asked = page.clone();
            let slices = self
                .db
                .read(async move |conn| audit_log::pages(conn, &entities, &asked).await)
                .await?;
            loaded.extend(
                slices
                    .into_iter()
                    .map(|(entity, slice)| (AuditLogOf(entity, page.clone()), slice)),
            );
        }
        Ok(loaded)
    }
}

impl Loader<AuditLogCountOf> for PlatformLoader {
    type Value = Count;
    type Error = Arc<DbError>;

    async fn load(
        &self,
        keys: &[AuditLogCountOf],
    ) -> Result<HashMap<AuditLogCountOf, Count>, Arc<DbError>> {
        let entities: Vec<Entity> = keys.iter().map(|key| key.0).collect();
        let counts = self
            .db
            .read(async move |conn| audit_log::counts(conn, &entities).await)
            .await?;
        Ok(counts
            .into_iter()
            .map(|(entity, count)| (AuditLogCountOf(entity), count))
            .collect())
    }
}
