//! Types of background jobs.

use async_graphql::resolver_utils::EnumType;
use async_graphql::{Context, Enum, SimpleObject};
use db::platform::job as rows;
use domain::access::Action;

use crate::errors::{ApiError, Code, Loaded};
use crate::node::{GlobalId, KeyPart, NodeKey, node};
use crate::request::OperationContext;
use crate::scalars::DateTime;

/// Background jobs.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobName {
    /// Expires invitations that nobody answered.
    CircleInvitationExpiry,
    /// Completes sessions and expires unclaimed ones.
    MiningSessionCompletion,
    /// Creates and drops partitions of tables.
    PartitionMaintenance,
    /// Checks that balances equal the sums of transfers.
    Reconciliation,
}

impl JobName {
    /// The job of a stored name, which is that of the schema in lower case.
    fn stored(name: &str) -> Option<Self> {
        let mut items = Self::items().iter();
        let item = items.find(|item| item.name.eq_ignore_ascii_case(name))?;
        Some(item.value)
    }
}

/// Background job. Its times are real time, not the platform's clock of `serverInfo`.
#[derive(SimpleObject)]
pub struct Job {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Number of failed runs since the last success.
    pub consecutive_failures: i32,
    /// Time of the next run.
    pub due_at: DateTime,
    /// End of the last run; null before the first run ends.
    pub finished_at: Option<DateTime>,
    /// Whether an instance runs the job now.
    pub is_running: bool,
    /// Error of the last run; null after a success.
    pub last_error: Option<String>,
    /// Name of the job.
    pub name: JobName,
    /// Number of finished runs.
    pub runs: i32,
    /// Start of the last run; null before the first run.
    pub started_at: Option<DateTime>,
    /// End of the last successful run; null before the first success.
    pub succeeded_at: Option<DateTime>,
}

impl Job {
    /// All jobs that this version of the server knows, by name.
    pub(crate) async fn all(ctx: &Context<'_>) -> Result<Vec<Self>, ApiError> {
        let jobs = ctx.db().read(async |conn| rows::all(conn).await).await?;
        jobs.into_iter().filter_map(Self::of).collect()
    }

    fn of(job: rows::Job) -> Loaded<Self> {
        // A job of an older or newer version of the server has a row, but no name here.
        let name = JobName::stored(&job.name)?;
        let count = |count: i64| {
            let out_of_range = |_| ApiError::new(Code::InternalServerError, "too many runs");
            i32::try_from(count).map_err(out_of_range)
        };
        Some(count(job.runs).and_then(|runs| {
            Ok(Self {
                id: GlobalId::of::<Self>(&JobKey(job.name)),
                consecutive_failures: count(job.failures)?,
                due_at: job.due_at.into(),
                finished_at: job.finished_at.map(DateTime),
                is_running: job.is_running,
                last_error: job.last_error,
                name,
                runs,
                started_at: job.started_at.map(DateTime),
                succeeded_at: job.succeeded_at.map(DateTime),
            })
        }))
    }
}

/// Stored name of a job.
#[derive(Clone)]
pub struct JobKey(String);

impl NodeKey for JobKey {
    fn part(&self) -> KeyPart {
        KeyPart::Text(self.0.clone())
    }

    fn read(text: &str) -> Option<Self> {
        JobName::stored(text).map(|_| Self(text.to_owned()))
    }
}

node!(Job: JobKey, |ctx, key| {
    if !ctx.may(Action::JobsRead, false) {
        return Ok(None);
    }
    let name = JobName::stored(&key.0);
    let jobs = Self::all(ctx).await?;
    Ok(jobs.into_iter().find(|job| Some(job.name) == name))
});
