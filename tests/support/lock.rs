//! Something in the way: a lock on a table, and who waits for it.

use std::time::Duration;

use tokio_postgres::{Client, NoTls};

use super::TestApp;

/// A lock that nobody gets past.
pub struct Lock(Client);

impl Lock {
    /// Locks a table.
    pub async fn on(app: &TestApp, table: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(&app.database_url, NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        client.batch_execute(&lock).await.unwrap();
        Self(client)
    }

    /// Lets everybody go on.
    pub async fn release(self) {
        self.0.batch_execute("COMMIT").await.unwrap();
    }
}

/// Waits until SQL answers a number.
pub async fn until(app: &TestApp, sql: &str, number: i64) {
    let reached = async { while app.number(sql).await != number {} };
    tokio::time::timeout(Duration::from_secs(20), reached)
        .await
        .unwrap_or_else(|_| panic!("{number} of {sql} in time"));
}

/// How many wait for a lock.
pub const WAITING: &str = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE d.datname = current_database() AND NOT l.granted";
