//! Background jobs, one file each. [`runner`] runs each job on one instance at a time.

mod campaign_completion;
mod campaign_revocation;
mod circle_invitation_expiry;
mod fx_count;
mod hold_expiry;
mod issuance_count;
mod mining_session_completion;
mod partition_maintenance;
mod reconciliation;
mod redemption_expiry;
pub mod runner;
mod voucher_expiry;
pub mod withdrawal_payout;

use std::time::Duration;

use db::{Db, DbError};
use futures_util::future::BoxFuture;

/// A job. It may be cancelled at any time and restarted by another instance.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// The name, in the table of jobs and in metrics: that of the schema (`JobName`) in lower case.
    pub name: &'static str,
    /// Time from its end until it is due again.
    pub every: Duration,
    /// Runs it once.
    pub run: fn(Db) -> BoxFuture<'static, Result<(), DbError>>,
}

/// The registered jobs.
pub const ALL: [Job; 12] = [
    campaign_completion::JOB,
    campaign_revocation::JOB,
    circle_invitation_expiry::JOB,
    fx_count::JOB,
    hold_expiry::JOB,
    issuance_count::JOB,
    mining_session_completion::JOB,
    partition_maintenance::JOB,
    reconciliation::JOB,
    redemption_expiry::JOB,
    voucher_expiry::JOB,
    withdrawal_payout::JOB,
];
