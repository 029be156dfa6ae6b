//! Events: written with what they tell of, announced to every instance after the commit.

use std::time::Duration;

use chrono::NaiveDate;
use diesel::sql_types::{BigInt, Bool, Double, Text, Timestamptz};
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, QueryableByName,
    Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use domain::ids::{TransactionId, UserId};
use domain::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_postgres::AsyncMessage;
use uuid::Uuid;

use crate::schema::outbox;
use crate::{Connection, Db, DbError, Tx};

/// The channel instances listen on.
const CHANNEL: &str = "goodgo_events";
/// Events announced at once: their ids must fit the 8,000 bytes of a notification.
const ANNOUNCED_AT_ONCE: i64 = 400;

/// An event to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent<P> {
    /// What happened, under the name the platform knows.
    pub name: &'static str,
    /// What kind of thing it happened to.
    pub subject_kind: &'static str,
    /// To which one.
    pub subject_id: Uuid,
    /// The user whose subscriptions hear of it.
    pub audience: Option<UserId>,
    /// The subject's version right after.
    pub sequence: i64,
    /// The event's fields.
    pub payload: P,
    /// The ledger's transaction, if points or money moved.
    pub transaction_id: Option<TransactionId>,
}

/// An event as it was written.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = outbox, check_for_backend(diesel::pg::Pg))]
pub struct Event {
    /// Order of writing.
    pub id: i64,
    /// What happened.
    pub name: String,
    /// What kind of thing it happened to.
    pub subject_kind: String,
    /// To which one.
    pub subject_id: Uuid,
    /// The user whose subscriptions hear of it.
    pub audience_id: Option<Uuid>,
    /// The subject's version right after.
    pub sequence: i64,
    /// The event's fields.
    pub payload: Value,
    /// The ledger's transaction, if points or money moved.
    pub transaction_id: Option<Uuid>,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// An event as it is written.
#[derive(Insertable)]
#[diesel(table_name = outbox)]
struct NewRow<'a> {
    day: NaiveDate,
    event_id: Uuid,
    name: &'static str,
    subject_kind: &'static str,
    subject_id: Uuid,
    audience_id: Option<Uuid>,
    sequence: i64,
    payload: Value,
    transaction_id: Option<Uuid>,
    request_id: &'a str,
    occurred_at: Timestamp,
}

impl<'a> NewRow<'a> {
    fn of<P: Serialize>(
        tx: &Tx,
        request_id: &'a str,
        event: &NewEvent<P>,
    ) -> Result<Self, DbError> {
        let payload = serde_json::to_value(&event.payload)
            .map_err(|error| DbError::inconsistent("outbox", "payload", error))?;
        Ok(Self {
            day: tx.now().date_naive(),
            event_id: tx.new_id(),
            name: event.name,
            subject_kind: event.subject_kind,
            subject_id: event.subject_id,
            audience_id: event.audience.map(|user| user.0),
            sequence: event.sequence,
            payload,
            transaction_id: event.transaction_id.map(|id| id.0),
            request_id,
            occurred_at: tx.now(),
        })
    }
}

/// Writes an event in the transaction of what it tells.
pub(crate) async fn append<P: Serialize>(
    tx: &mut Tx,
    request_id: &str,
    event: NewEvent<P>,
) -> Result<(), DbError> {
    let row = NewRow::of(tx, request_id, &event)?;
    diesel::insert_into(outbox::table)
        .values(row)
        .execute(tx.conn())
        .await?;
    tx.note_event();
    Ok(())
}

/// Writes events in the transaction of what they tell, in one statement.
pub(crate) async fn append_all<P: Serialize>(
    tx: &mut Tx,
    request_id: &str,
    events: &[NewEvent<P>],
) -> Result<(), DbError> {
    let rows = events
        .iter()
        .map(|event| NewRow::of(tx, request_id, event))
        .collect::<Result<Vec<_>, _>>()?;
    diesel::insert_into(outbox::table)
        .values(rows)
        .execute(tx.conn())
        .await?;
    tx.note_event();
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Announced {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Announces events nobody announced yet to all instances, in one notification; answers how many.
///
/// Runs in a transaction of its own, never in the one that wrote the events: notifications at commit are serialized
/// across the whole database. Without a broker, announced counts as delivered.
pub async fn announce(conn: &mut Connection, has_broker: bool) -> Result<i64, DbError> {
    // One announcer at a time, or the events of one subject could overtake each other. Waiting doesn't refresh what the
    // statement sees, so the update looks again.
    let announced: Option<Announced> = diesel::sql_query(
        "WITH alone AS MATERIALIZED (
             SELECT 1 AS granted FROM (SELECT pg_advisory_xact_lock(727277)) AS lock
         ), batch AS (
             SELECT id, day FROM outbox WHERE announced_at IS NULL AND (SELECT granted FROM alone) = 1 ORDER BY id LIMIT $1
         ), marked AS (
             UPDATE outbox o SET announced_at = clock_timestamp(),
                                 delivered_at = CASE WHEN $2 THEN NULL ELSE clock_timestamp() END
             FROM batch b WHERE o.id = b.id AND o.day = b.day AND o.announced_at IS NULL
             RETURNING o.id, o.day
         ), said AS (
             SELECT count(*) AS count,
                    pg_notify($3, string_agg(DISTINCT day::text, ',') || ' ' || string_agg(id::text, ',' ORDER BY id))
             FROM marked HAVING count(*) > 0
         )
         SELECT count FROM said",
    )
    .bind::<BigInt, _>(ANNOUNCED_AT_ONCE)
    .bind::<Bool, _>(has_broker)
    .bind::<Text, _>(CHANNEL)
    .get_result(conn)
    .await
    .optional()?;
    Ok(announced.map_or(0, |announced| announced.count))
}

/// How long the oldest events wait.
#[derive(Clone, Copy, Debug, PartialEq, QueryableByName)]
pub struct Ages {
    /// Seconds since the oldest was written that was not announced; 0 without one.
    #[diesel(sql_type = Double)]
    pub unannounced_seconds: f64,
    /// Seconds since the oldest was written that the platform doesn't have; 0 without one.
    #[diesel(sql_type = Double)]
    pub undelivered_seconds: f64,
}

/// Asks how long the oldest events wait, of indexes that hold nothing else.
pub async fn ages(conn: &mut Connection) -> Result<Ages, DbError> {
    let age = |what: &str| {
        format!(
            "coalesce(extract(epoch FROM clock_timestamp() - (
                 SELECT written_at FROM outbox WHERE {what}_at IS NULL ORDER BY id LIMIT 1)), 0)::float8"
        )
    };
    let (unannounced, undelivered) = (age("announced"), age("delivered"));
    Ok(diesel::sql_query(format!(
        "SELECT {unannounced} AS unannounced_seconds, {undelivered} AS undelivered_seconds"
    ))
    .get_result(conn)
    .await?)
}

/// What one notification tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The events' days: only their partitions have to be looked at.
    days: Vec<NaiveDate>,
    ids: Vec<i64>,
}

impl Announcement {
    fn read(text: &str) -> Option<Self> {
        let (days, ids) = text.split_once(' ')?;
        let days = days.split(',').map(str::parse).collect::<Result<_, _>>();
        let ids = ids.split(',').map(str::parse).collect::<Result<_, _>>();
        Some(Self {
            days: days.ok()?,
            ids: ids.ok()?,
        })
    }
}

/// Reads the events of an announcement, in order.
pub async fn events(conn: &mut Connection, told: &Announcement) -> Result<Vec<Event>, DbError> {
    Ok(outbox::table
        .filter(outbox::day.eq_any(&told.days))
        .filter(outbox::id.eq_any(&told.ids))
        .order(outbox::id)
        .select(Event::as_select())
        .load(conn)
        .await?)
}

/// Reads the newest announced events of the last so-and-so long, by the machine's time, that are for these users, in
/// order: what a lost connection missed.
pub async fn events_of_the_last(
    conn: &mut Connection,
    span: Duration,
    audience: &[UserId],
) -> Result<Vec<Event>, DbError> {
    let since = diesel::dsl::sql::<Timestamptz>("clock_timestamp() - ")
        .bind::<Double, _>(span.as_secs_f64())
        .sql(" * interval '1 second'");
    let mut newest: Vec<Event> = outbox::table
        .filter(outbox::written_at.ge(since))
        .filter(outbox::announced_at.is_not_null())
        .filter(outbox::audience_id.eq_any(audience.iter().map(|user| user.0)))
        .order(outbox::id.desc())
        .limit(10_000)
        .select(Event::as_select())
        .load(conn)
        .await?;
    newest.reverse();
    Ok(newest)
}

/// A connection of its own that hears what is announced.
pub struct Listener {
    told: mpsc::Receiver<Announcement>,
    driver: tokio::task::JoinHandle<()>,
    _client: tokio_postgres::Client,
}

impl Listener {
    /// Connects and starts to listen.
    pub async fn connect(db: &Db) -> Result<Self, DbError> {
        let unavailable = |error: tokio_postgres::Error| DbError::Unavailable(error.to_string());
        let mut endpoint = crate::pool::endpoint(&db.settings().url).map_err(unavailable)?;
        let (client, mut connection) = endpoint
            .application_name("goodgo events")
            .connect(db.tls().connector())
            .await
            .map_err(unavailable)?;
        let (said, told) = mpsc::channel(1_024);
        // The connection has to be polled for anything to happen on it; it ends with the client or the socket.
        let driver = tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notification(notification) = message {
                    let Some(announcement) = Announcement::read(notification.payload()) else {
                        let text = notification.payload();
                        tracing::warn!(text, "A notification that makes no sense was left out");
                        continue;
                    };
                    if said.send(announcement).await.is_err() {
                        return;
                    }
                }
            }
        });
        client
            .batch_execute(&format!("LISTEN {CHANNEL}"))
            .await
            .map_err(unavailable)?;
        Ok(Self {
            told,
            driver,
            _client: client,
        })
    }

    /// Waits for the next announcement; none when the connection is lost.
    pub async fn next(&mut self) -> Option<Announcement> {
        self.told.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
