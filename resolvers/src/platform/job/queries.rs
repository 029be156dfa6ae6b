//! Root fields of Query about background jobs.

use async_graphql::{Context, Object};
use domain::access::Action;

use super::objects::Job;
use crate::errors::Loaded;
use crate::request::OperationContext;

/// Background jobs.
#[derive(Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// Background jobs by name.
    async fn jobs(&self, ctx: &Context<'_>) -> Loaded<Vec<Job>> {
        if let Err(denied) = ctx.check_staff(Action::JobsRead) {
            return Some(Err(denied));
        }
        Some(Job::all(ctx).await)
    }
}
