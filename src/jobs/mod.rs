//! Background jobs, one file each. [`runner`] runs each job on one instance at a time.

mod circle_invitations;
mod ledger_check;
mod mining_sessions;
mod partitions;
pub mod runner;

use std::time::Duration;

use db::{Db, DbError};
use futures_util::future::BoxFuture;

/// A job. It may be cancelled at any time and restarted by another instance.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// The name, in the table of jobs and in metrics.
    pub name: &'static str,
    /// Time from its end until it is due again.
    pub every: Duration,
    /// Runs it once.
    pub run: fn(Db) -> BoxFuture<'static, Result<(), DbError>>,
}

/// The registered jobs.
pub const ALL: [Job; 4] = [
    circle_invitations::JOB,
    ledger_check::JOB,
    mining_sessions::JOB,
    partitions::JOB,
];
