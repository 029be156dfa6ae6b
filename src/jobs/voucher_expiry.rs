//! Books vouchers whose time is over, and warns their holders before. Reads decide by time.

use std::time::Duration;

use db::promotions::voucher::expire;
use futures_util::FutureExt;

use super::Job;

/// Reads and commands decide by time, so half a minute is soon enough for the books.
pub const JOB: Job = Job {
    name: "voucher_expiry",
    every: Duration::from_secs(30),
    run: |db| async move { expire(&db).await }.boxed(),
};
