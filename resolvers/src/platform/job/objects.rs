//! Types of background jobs.

use async_graphql::Enum;
use async_graphql::resolver_utils::EnumType;
use db::platform::job as rows;

use crate::node::KeyPart;
use crate::prelude::*;

/// Background jobs.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobName {
    /// Completes campaigns past their end.
    CampaignCompletion,
    /// Revokes the vouchers of revoked campaigns.
    CampaignRevocation,
    /// Expires invitations that nobody answered.
    CircleInvitationExpiry,
    /// Counts the balances of the conversion accounts.
    FxCount,
    /// Releases expired holds.
    HoldExpiry,
    /// Counts what was issued today.
    IssuanceCount,
    /// Completes sessions and expires unclaimed ones.
    MiningSessionCompletion,
    /// Creates and drops partitions of tables.
    PartitionMaintenance,
    /// Checks that balances equal the sums of transfers.
    Reconciliation,
    /// Voids redemptions that were not settled in time.
    RedemptionExpiry,
    /// Expires vouchers, and warns their holders three days before.
    VoucherExpiry,
    /// Hands withdrawals to the provider and records its answers.
    WithdrawalPayout,
}

impl JobName {
    /// The job of a stored name, which is that of the schema in lower case.
    fn stored(name: &str) -> Option<Self> {
        let mut items = Self::items().iter();
        let item = items.find(|item| item.name.eq_ignore_ascii_case(name))?;
        Some(item.value)
    }
}

object! {
    /// Background job. Its times are real time, not the platform's clock of `serverInfo`.
    Job(job: rows::Job, name: JobName) -> Result<ApiError> {
        let count = |count: i64| {
            let out_of_range = |_| ApiError::new(Code::InternalServerError, "too many runs");
            i32::try_from(count).map_err(out_of_range)
        };
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&JobKey(job.name)),
        /// Number of failed runs since the last success.
        consecutive_failures: i32 = count(job.failures)?,
        /// Time of the next run.
        due_at: DateTime = job.due_at.into(),
        /// End of the last run; null before the first run ends.
        finished_at: Option<DateTime> = job.finished_at.map(DateTime),
        /// Whether an instance runs the job now.
        is_running: bool = job.is_running,
        /// Error of the last run; null after a success.
        last_error: Option<String> = job.last_error,
        /// Name of the job.
        name: JobName = name,
        /// Number of finished runs.
        runs: i32 = count(job.runs)?,
        /// Start of the last run; null before the first run.
        started_at: Option<DateTime> = job.started_at.map(DateTime),
        /// End of the last successful run; null before the first success.
        succeeded_at: Option<DateTime> = job.succeeded_at.map(DateTime),
    }
}

impl Job {
    /// All jobs that this version of the server knows, by name.
    pub(crate) async fn all(ctx: &Context<'_>) -> Result<Vec<Self>> {
        let jobs = ctx
            .db()
            .read_replicated(async |conn| rows::all(conn).await)
            .await?;
        // A job of an older or newer version of the server has a row, but no name here.
        let jobs = jobs.into_iter().filter_map(|job| {
            let name = JobName::stored(&job.name)?;
            Some(Self::of(job, name))
        });
        jobs.collect()
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
