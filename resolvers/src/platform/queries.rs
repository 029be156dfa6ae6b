//! The platform's root fields of Query.

use async_graphql::{Context, ID, Object};
use domain::access::{Action, Relation};

use super::approvals::{self, ApprovalConnection, ApprovalFilter};
use super::audit::{self, AuditLogConnection, AuditLogFilter};
use super::configuration::SystemConfiguration;
use super::jobs::Job;
use super::objects::{ServerInfo, Viewer};
use crate::errors::ApiError;
use crate::node::{GlobalId, Node};
use crate::paging::PageArgs;
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

    /// What the system is configured by, and was. Requires role: SUPPORT, FINANCE or ADMIN.
    async fn system_configuration(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<SystemConfiguration, ApiError>> {
        Some(system_configuration(ctx).await)
    }

    /// What staff and services did or tried, newest first. Requires role: SUPPORT, FINANCE or ADMIN.
    #[expect(clippy::too_many_arguments, reason = "a connection's arguments")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which entries; all without it.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Items to skip, 0 to 10000; slower than a cursor, and not beside one.")]
        offset: Option<i32>,
    ) -> Option<Result<AuditLogConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset,
        };
        Some(audit::list(ctx, filter.unwrap_or_default(), args).await)
    }

    /// Commands that wait, or waited, for a second person, newest first. Requires role: SUPPORT, FINANCE or ADMIN.
    #[expect(clippy::too_many_arguments, reason = "a connection's arguments")]
    async fn approvals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all without it.")] filter: Option<ApprovalFilter>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Items to skip, 0 to 10000; slower than a cursor, and not beside one.")]
        offset: Option<i32>,
    ) -> Option<Result<ApprovalConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset,
        };
        Some(approvals::list(ctx, filter.unwrap_or_default(), args).await)
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

async fn system_configuration(ctx: &Context<'_>) -> Result<SystemConfiguration, ApiError> {
    ctx.principal()
        .check(Action::ConfigurationRead, Relation::Others)?;
    let in_force = ctx
        .db()
        .read(async |conn| db::configuration::in_force(conn).await)
        .await?;
    Ok(in_force.into())
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
