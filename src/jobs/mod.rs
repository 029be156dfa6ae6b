//! Background jobs: one file each. [`runner`] runs each of them on one instance at a time, whichever comes first.

mod circle_invitations;
mod ledger_check;
mod mining_sessions;
mod partitions;
pub mod runner;

use std::time::Duration;

use db::{Db, DbError};
use futures_util::future::BoxFuture;

/// A job. It may be stopped at any moment and begun anew by another instance.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Its name, in the table of jobs and in metrics.
    pub name: &'static str,
    /// How long after its end it is due again.
    pub every: Duration,
    /// Does it once.
    pub run: fn(Db) -> BoxFuture<'static, Result<(), DbError>>,
}

/// All of them.
pub const ALL: [Job; 4] = [
    circle_invitations::JOB,
    ledger_check::JOB,
    mining_sessions::JOB,
    partitions::JOB,
];
