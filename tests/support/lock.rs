//! Locks that a test holds, and the statements that wait for them.

use tokio_postgres::Client;

use super::TestApp;

/// A lock that is held until it is released.
pub struct Lock(Client);

impl Lock {
    /// Locks a table for everything.
    pub async fn on(app: &TestApp, table: &str) -> Self {
        let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        Self::by(app, &lock).await
    }

    /// Locks the miners that meet a condition, as a command would.
    pub async fn on_miners(app: &TestApp, condition: &str) -> Self {
        let lock = format!("SELECT FROM miners WHERE {condition} FOR NO KEY UPDATE");
        Self::by(app, &lock).await
    }

    /// Takes locks by a statement.
    pub async fn by(app: &TestApp, sql: &str) -> Self {
        let client = app.connect().await;
        client
            .batch_execute(&format!("BEGIN; {sql}"))
            .await
            .unwrap();
        Self(client)
    }

    /// Releases the lock.
    pub async fn release(self) {
        self.0.batch_execute("COMMIT").await.unwrap();
    }
}

/// Waits until a number of statements wait for a lock.
pub async fn until_waiting(app: &TestApp, expected: i64) {
    // The server's checker reads locked tables, too.
    let waiting = "datname = current_database() AND wait_event_type = 'Lock' AND query NOT LIKE '%FROM public.%'";
    app.until_count("pg_stat_activity", waiting, expected).await;
}
