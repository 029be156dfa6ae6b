//! The platform's edges, loaded for all parents of a level at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use db::approvals::{self, ApprovalSeen};
use db::{Db, DbError};
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
