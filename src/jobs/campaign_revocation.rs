//! Revokes the vouchers of revoked campaigns. Reads and commands count them as revoked already.

use std::time::Duration;

use db::promotions::voucher::revocation::revoke_all;
use futures_util::FutureExt;

use super::Job;

/// Holders wait for the prices that they paid.
pub const JOB: Job = Job {
    name: "campaign_revocation",
    every: Duration::from_secs(10),
    run: |db| async move { revoke_all(&db).await }.boxed(),
};
