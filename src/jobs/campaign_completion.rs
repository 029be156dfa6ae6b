//! Stores the ends of campaigns whose time is over, and releases the escrow of their unissued vouchers. Reads decide by time.

use std::time::Duration;

use db::promotions::campaign::commands::end_over;
use futures_util::FutureExt;

use super::Job;

/// Reads and commands decide by time, so half a minute is soon enough for the escrow.
pub const JOB: Job = Job {
    name: "campaign_completion",
    every: Duration::from_secs(30),
    run: |db| async move { end_over(&db).await }.boxed(),
};
