//! Root fields of Query about background jobs.

use super::objects::Job;

use crate::prelude::*;

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
