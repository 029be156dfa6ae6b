//! Counts the balances of the conversion accounts, by which the exposure limit is judged.

use std::time::Duration;

use db::wallets::conversion::exposure::count;
use futures_util::FutureExt;

use super::Job;

/// A count older than a minute is not used.
pub const JOB: Job = Job {
    name: "fx_count",
    every: Duration::from_secs(1),
    run: |db| {
        async move {
            db.write("wallets.fx_count", async |tx| count(tx).await)
                .await
        }
        .boxed()
    },
};
