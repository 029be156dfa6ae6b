//! Waiting for what must happen.

use std::time::Duration;

/// Longest wait for anything that must happen. It only limits a failing test, and tests share busy machines.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Waits for what must happen.
pub async fn in_time<T>(what: &str, happening: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, happening).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
