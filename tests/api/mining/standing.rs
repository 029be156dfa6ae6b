//! The refusals of callers without an active miner.

use crate::support::{Actor, Run, TestApp};

/// Checks that a user without a miner gets MINER_NOT_FOUND and a banned miner MINER_BANNED. A suspended miner gets
/// MINER_SUSPENDED, or `suspended` from a command that is open to suspended miners.
pub async fn refuses_inactive(app: &TestApp, run: impl Fn(&Actor) -> Run, suspended: Option<&str>) {
    run(&app.user()).await.refused("MINER_NOT_FOUND", None);
    let miner = app.miner().await;
    app.set_status(&miner, "BANNED").await;
    run(&miner).await.refused("MINER_BANNED", None);
    app.set_status(&miner, "SUSPENDED").await;
    let outcome = run(&miner).await;
    let expected = suspended.unwrap_or("MINER_SUSPENDED");
    assert_eq!(outcome.refusal(), Some(expected));
}
