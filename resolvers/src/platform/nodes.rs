//! Root fields of Query that load objects by global id.

use async_graphql::{Context, Object};

use crate::errors::ApiError;
use crate::node::{self, AnyId, Node};

/// Most ids of one `nodes`.
const MOST_NODES: usize = 100;

/// Objects by global id.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Object with a global id; null when it does not exist or the caller may not see it.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id.")] id: AnyId,
    ) -> Option<Result<Node, ApiError>> {
        node::load(ctx, &id).await.transpose()
    }

    /// Objects with these global ids in the same order; null in place of those that do not exist or the caller may not
    /// see.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids, at most 100.")] ids: Vec<AnyId>,
    ) -> Option<Result<Vec<Option<Node>>, ApiError>> {
        if ids.len() > MOST_NODES {
            return Some(Err(ApiError::bad_input("give at most 100 ids")));
        }
        // Concurrently, so that loaders batch their keys.
        let loads = ids.iter().map(|id| node::load(ctx, id));
        Some(futures_util::future::try_join_all(loads).await)
    }
}
