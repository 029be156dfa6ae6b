//! Connections outside the pool that receive notifications.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, SimpleQueryMessage};
use tokio_util::task::AbortOnDropHandle;

use crate::outbox::{Announcement, CHANNEL};
use crate::wire::{Endpoint, describe};
use crate::{Db, DbError, Result, Tls};

/// Interval at which a connection is tested. It may be dead, or its server may have become a standby that no longer
/// notifies.
const TEST_EVERY: Duration = Duration::from_secs(5);
/// Longest time of a test.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Payloads of the notifications of one channel.
pub(crate) struct Notifications {
    payloads: mpsc::Receiver<String>,
    _tests: AbortOnDropHandle<()>,
}

impl Notifications {
    /// Connects and starts listening.
    pub async fn listen(url: &str, tls: &Tls, channel: &str) -> Result<Self> {
        let unavailable = |error: tokio_postgres::Error| DbError::Unavailable(describe(&error));
        let endpoint = Endpoint::new(url, tls)
            .map_err(unavailable)?
            .application_name("goodgo events");
        let (client, mut next) = endpoint.connect_raw().await?;
        let (sender, payloads) = mpsc::channel(1_024);
        // Polling drives the connection.
        let driver = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Some(Ok(message)) = std::future::poll_fn(|context| next(context)).await {
                if let AsyncMessage::Notification(notification) = message
                    && sender
                        .send(notification.payload().to_owned())
                        .await
                        .is_err()
                {
                    return;
                }
            }
        }));
        let listen = format!("LISTEN {channel}");
        match tokio::time::timeout(TEST_TIMEOUT, client.batch_execute(&listen)).await {
            Ok(listening) => listening.map_err(unavailable)?,
            Err(_) => return Err(DbError::Unavailable("LISTEN has no answer".to_owned())),
        }
        // This task owns the connection, which ends with it.
        let tests = tokio::spawn(async move {
            let _driver = driver;
            loop {
                tokio::time::sleep(TEST_EVERY).await;
                let test = client.simple_query("SHOW transaction_read_only");
                match tokio::time::timeout(TEST_TIMEOUT, test).await {
                    Ok(Ok(rows)) if !rows.iter().any(is_on) => {}
                    _ => return,
                }
            }
        });
        Ok(Self {
            payloads,
            _tests: AbortOnDropHandle::new(tests),
        })
    }

    /// Waits for the next payload; none after a disconnect.
    pub async fn next(&mut self) -> Option<String> {
        self.payloads.recv().await
    }
}

fn is_on(message: &SimpleQueryMessage) -> bool {
    matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("on"))
}

/// A connection that receives announcements.
pub struct Listener {
    notifications: Notifications,
    db: Db,
}

impl Listener {
    /// Connects and starts listening.
    pub async fn connect(db: &Db) -> Result<Self> {
        let url = &db.settings().direct_url;
        let notifications = Notifications::listen(url, db.tls(), CHANNEL).await?;
        let db = db.clone();
        Ok(Self { notifications, db })
    }

    /// Waits for the next announcement; none after a disconnect. Constants of the ledger are read again after their
    /// section of the configuration changed.
    pub async fn next(&mut self) -> Option<Announcement> {
        loop {
            let text = self.notifications.next().await?;
            let announcement = Announcement::read(&text);
            if let Some(announcement) = announcement {
                if announcement.is_about(crate::wallets::constants_subject())
                    && let Err(error) = reload_constants(&self.db).await
                {
                    tracing::warn!(%error, "The currencies can't be read again: {error}");
                }
                return Some(announcement);
            }
            tracing::warn!(text, "Ignored an unreadable notification");
        }
    }
}

async fn reload_constants(db: &Db) -> Result<()> {
    let reloading = db.clone();
    db.read(async move |conn| reloading.reload_constants(conn).await)
        .await
}
