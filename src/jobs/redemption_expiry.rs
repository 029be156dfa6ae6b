//! Voids redemptions that were not settled in time.

use std::time::Duration;

use db::promotions::redemption::commands::void_overdue;
use futures_util::FutureExt;

use super::Job;

/// A redemption can be settled until it is voided: up to half a minute after `settleExpiresAt`, while this job runs.
pub const JOB: Job = Job {
    name: "redemption_expiry",
    every: Duration::from_secs(30),
    run: |db| async move { void_overdue(&db).await }.boxed(),
};
