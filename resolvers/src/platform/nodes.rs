//! Root fields of Query that load objects by global id.

use crate::inputs::Parsed;
use crate::node::{self, AnyId};
use crate::prelude::*;

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
        #[graphql(desc = "Global id.")] id: Parsed<AnyId>,
    ) -> Loaded<Node> {
        load(ctx, id).await.transpose()
    }

    /// Objects with these global ids in the same order; an item is null if the object does not exist or the caller may not
    /// see it.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids, at most 100.")] ids: Parsed<Vec<AnyId>>,
    ) -> Loaded<Vec<Option<Node>>> {
        Some(load_all(ctx, ids).await)
    }
}

async fn load(ctx: &Context<'_>, id: Parsed<AnyId>) -> Result<Option<Node>> {
    node::load(ctx, &id.get()?).await
}

async fn load_all(ctx: &Context<'_>, ids: Parsed<Vec<AnyId>>) -> Result<Vec<Option<Node>>> {
    let ids = ids.get()?;
    if ids.len() > MOST_NODES {
        return Err(ApiError::bad_input("give at most 100 ids"));
    }
    // Concurrently, so that loaders batch their keys.
    futures_util::future::try_join_all(ids.iter().map(|id| node::load(ctx, id))).await
}
