//! Background jobs, as operators see them.

use async_graphql::SimpleObject;
use db::jobs;

use crate::scalars::DateTime;

/// A background job. Its times are the machine's, also where the system's clock was moved.
#[derive(SimpleObject)]
pub struct Job {
    /// Which one.
    pub name: String,
    /// Whether an instance runs it at the moment.
    pub is_running: bool,
    /// When it is to run next.
    pub due_at: DateTime,
    /// When it last began; null before the first time.
    pub started_at: Option<DateTime>,
    /// When it last came to an end; null before the first time.
    pub finished_at: Option<DateTime>,
    /// When it last came to a good end; null before the first time.
    pub succeeded_at: Option<DateTime>,
    /// How often it came to an end.
    pub runs: i32,
    /// How often in a row that was a bad one.
    pub failures: i32,
    /// What went wrong the last time; null after a good end.
    pub last_error: Option<String>,
}

impl From<jobs::Job> for Job {
    fn from(job: jobs::Job) -> Self {
        Self {
            name: job.name,
            is_running: job.is_running,
            due_at: job.due_at.into(),
            started_at: job.started_at.map(DateTime),
            finished_at: job.finished_at.map(DateTime),
            succeeded_at: job.succeeded_at.map(DateTime),
            runs: i32::try_from(job.runs).unwrap_or(i32::MAX),
            failures: i32::try_from(job.failures).unwrap_or(i32::MAX),
            last_error: job.last_error,
        }
    }
}
