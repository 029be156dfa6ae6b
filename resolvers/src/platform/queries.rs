//! The platform's root fields of Query.

use async_graphql::{Context, ID, Object};
use domain::access::{Action, Relation};

use super::jobs::Job;
use super::objects::{ServerInfo, Viewer};
use crate::errors::ApiError;
use crate::node::{GlobalId, Node};
use crate::request::Asked;

/// Ids asked for at once, at most.
const MOST_NODES: usize = 100;

/// The platform's reads.
#[derive(Default)]
pub struct PlatformQuery;

#[Object]
impl PlatformQuery {
    /// The person who asks; null for anonymous callers and services.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        Viewer::of(ctx)
    }

    /// Whatever has this global id; null when there is nothing, or nothing for this caller.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id, as an `id` field answered it.")] id: ID,
    ) -> Option<Result<Node, ApiError>> {
        let id = match GlobalId::decode(&id) {
            Ok(id) => id,
            Err(error) => return Some(Err(error)),
        };
        Node::load(ctx, id).await.transpose()
    }

    /// Whatever has these global ids, in their order; null for each that names nothing, or nothing for this caller.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids, 100 at most.")] ids: Vec<ID>,
    ) -> Option<Result<Vec<Option<Node>>, ApiError>> {
        Some(load_all(ctx, &ids).await)
    }

    /// The background jobs, by name. Requires role: SUPPORT, FINANCE or ADMIN.
    async fn jobs(&self, ctx: &Context<'_>) -> Option<Result<Vec<Job>, ApiError>> {
        Some(jobs(ctx).await)
    }

    /// What the server is, and which time it has. Public.
    async fn server_info(&self, ctx: &Context<'_>) -> Option<Result<ServerInfo, ApiError>> {
        Some(server_info(ctx).await)
    }
}

async fn load_all(ctx: &Context<'_>, ids: &[ID]) -> Result<Vec<Option<Node>>, ApiError> {
    if ids.len() > MOST_NODES {
        return Err(ApiError::bad_input("ask for at most 100 ids at once"));
    }
    let ids = ids
        .iter()
        .map(GlobalId::decode)
        .collect::<Result<Vec<_>, _>>()?;
    // Together, so that their loaders see them together.
    futures_util::future::try_join_all(ids.into_iter().map(|id| Node::load(ctx, id))).await
}

async fn jobs(ctx: &Context<'_>) -> Result<Vec<Job>, ApiError> {
    ctx.principal().check(Action::JobsRead, Relation::Others)?;
    let jobs = ctx
        .db()
        .read(async |conn| db::jobs::all(conn).await)
        .await?;
    Ok(jobs.into_iter().map(Job::from).collect())
}

async fn server_info(ctx: &Context<'_>) -> Result<ServerInfo, ApiError> {
    ctx.principal()
        .check(Action::ServerInfoRead, Relation::Others)?;
    let now = ctx
        .db()
        .read(async |conn| db::clock::now(conn).await)
        .await?;
    let about = &ctx.operation().services.about;
    Ok(ServerInfo {
        version: about.version.to_owned(),
        environment: about.environment.to_owned(),
        time_at: now.into(),
    })
}
