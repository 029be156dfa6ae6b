//! Events: inserted in the transaction of their cause, announced to every instance after the commit.

use std::time::Duration;

use chrono::NaiveDate;
use diesel::sql_types::{BigInt, Bool, Double, Text, Timestamptz};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::prelude::*;
use crate::schema::outbox;

/// The channel on which instances listen.
pub(crate) const CHANNEL: &str = "goodgo_events";
/// Largest number of events per announcement: their keys must fit the 8,000 bytes of a notification.
const ANNOUNCED_AT_ONCE: i64 = 115;

/// Events of one subject in one command. Each raises the subject's version by one.
pub(crate) struct SubjectEvents<E> {
    subject_kind: &'static str,
    subject_id: Uuid,
    version: i64,
    /// Fields that the payload of each event has.
    pub common: Map<String, Value>,
    /// Person whose subscriptions receive the events.
    pub audience: Option<UserId>,
    /// The ledger's transaction, if points or money moved.
    pub transaction_id: Option<TransactionId>,
    events: Vec<E>,
}

impl<E: Serialize> SubjectEvents<E> {
    /// An empty list for a subject with this version.
    pub fn new(subject_kind: &'static str, subject_id: Uuid, version: i64) -> Self {
        Self {
            subject_kind,
            subject_id,
            version,
            common: Map::new(),
            audience: None,
            transaction_id: None,
            events: Vec::new(),
        }
    }

    /// Adds an event.
    pub fn push(&mut self, event: E) {
        self.events.push(event);
    }

    /// Enqueues the events for insertion; returns the subject's version after the last.
    pub fn enqueue(self, tx: &mut Tx, request_id: &str) -> Result<i64> {
        let mut sequence = self.version;
        for event in &self.events {
            sequence += 1;
            let event = serde_json::to_value(event);
            let event = event.and_then(serde_json::from_value::<Tagged<Map<String, Value>>>);
            let Tagged { name, mut payload } =
                event.map_err(|error| DbError::inconsistent("outbox", "payload", error))?;
            payload.extend(self.common.clone());
            let audience_id = self.audience.map(|user| user.0);
            let row = NewRow {
                subject_id: self.subject_id,
                day: tx.now().date_naive(),
                event_id: tx.new_id(),
                lane: lane_of(audience_id.unwrap_or(self.subject_id)),
                name,
                subject_kind: self.subject_kind,
                audience_id,
                sequence,
                payload: payload.into(),
                transaction_id: self.transaction_id.map(|id| id.0),
                request_id: request_id.to_owned(),
                occurred_at: tx.now(),
            };
            tx.events.push(row);
        }
        Ok(sequence)
    }
}

/// The broker's lane, 0 to 255: the last byte, which is random in all versions of UUIDs that are used as keys.
fn lane_of(id: Uuid) -> i16 {
    i16::from(id.as_bytes()[15])
}

/// The serialized form of each aggregate's event enum: `#[serde(tag = "name", content = "payload")]`.
#[derive(Serialize, Deserialize)]
struct Tagged<P> {
    name: String,
    payload: P,
}

/// A stored event.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = outbox, check_for_backend(diesel::pg::Pg))]
pub struct Event {
    /// Id by which consumers drop duplicates.
    pub event_id: Uuid,
    /// Name.
    pub name: String,
    /// Kind of the subject.
    pub subject_kind: String,
    /// Key of the subject.
    pub subject_id: Uuid,
    /// User whose subscriptions receive the event.
    pub audience_id: Option<Uuid>,
    /// Version of the subject after the event.
    pub sequence: i64,
    /// Fields of the event.
    pub payload: Value,
    /// Transaction of the ledger, if points or money moved.
    pub transaction_id: Option<Uuid>,
    /// Time of the event.
    pub occurred_at: Timestamp,
}

impl Event {
    /// The event as the enum of its aggregate; none when the row can't be read, which is logged and counted.
    #[must_use]
    pub fn read<E: DeserializeOwned>(&self) -> Option<E> {
        let tagged = Tagged {
            name: self.name.clone(),
            payload: self.payload.clone(),
        };
        let read = serde_json::to_value(tagged).and_then(serde_json::from_value);
        read.inspect_err(|error| {
            metrics::counter!("goodgo_unreadable_events_total").increment(1);
            tracing::error!(id = %self.event_id, name = self.name, %error, "Unreadable event {}: {error}", self.name);
        })
        .ok()
    }
}

/// An event to be inserted.
#[derive(Insertable)]
#[diesel(table_name = outbox)]
pub(crate) struct NewRow {
    subject_id: Uuid,
    day: NaiveDate,
    event_id: Uuid,
    lane: i16,
    name: String,
    subject_kind: &'static str,
    audience_id: Option<Uuid>,
    sequence: i64,
    payload: Value,
    transaction_id: Option<Uuid>,
    request_id: String,
    occurred_at: Timestamp,
}

/// Largest number of events that are inserted with the other last writes of a transaction: each number is another
/// statement to prepare.
const FEW: usize = 8;

/// Inserts the events of a transaction.
pub(crate) async fn insert(tx: &mut Tx, events: Vec<NewRow>) -> Result<()> {
    if events.len() > FEW {
        let insert = diesel::insert_into(outbox::table).values(events);
        insert.execute(tx.conn()).await?;
    } else {
        for event in events {
            let insert = diesel::insert_into(outbox::table).values(event);
            tx.write_last("outbox", 1, insert);
        }
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Announced {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Announces unannounced events to all instances in one notification; returns their number.
///
/// Runs in a transaction of its own, never in the one that inserted the events: PostgreSQL serializes the commits of
/// transactions that notify. Without a broker, announced events count as delivered.
pub async fn announce(conn: &mut Connection, has_broker: bool) -> Result<i64> {
    // One announcer at a time: otherwise events of one subject could be announced out of order. Waiting for the lock
    // does not refresh the statement's snapshot, so the update checks `announced_at` again.
    let announced: Option<Announced> = diesel::sql_query(
        "WITH alone AS MATERIALIZED (
             SELECT 1 AS granted, clock_timestamp() AS at FROM (SELECT pg_advisory_xact_lock(727277)) AS lock
         ), batch AS (
             SELECT subject_id, day, event_id FROM outbox
             WHERE announced_at IS NULL AND (SELECT granted FROM alone) = 1 ORDER BY written_at, sequence LIMIT $1
         ), marked AS (
             UPDATE outbox o SET announced_at = alone.at, delivered_at = CASE WHEN $2 THEN NULL ELSE alone.at END
             FROM batch b, alone
             WHERE o.subject_id = b.subject_id AND o.day = b.day AND o.event_id = b.event_id AND o.announced_at IS NULL
             RETURNING o.subject_id, o.day, o.event_id
         ), said AS (
             SELECT count(*) AS count,
                    pg_notify($3, string_agg(DISTINCT day::text, ',') || ' '
                        || string_agg(replace(subject_id::text || event_id::text, '-', ''), ','))
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

/// Ages of the oldest waiting events.
#[derive(Clone, Copy, Debug, PartialEq, Queryable)]
pub struct Ages {
    /// Age of the oldest event that is not announced, in seconds; 0 without one.
    pub unannounced_seconds: f64,
    /// Age of the oldest event that is not delivered to the platform, in seconds; 0 without one.
    pub undelivered_seconds: f64,
}

/// Reads the ages of the oldest waiting events, from partial indexes.
pub async fn ages(conn: &mut Connection) -> Result<Ages> {
    let age = |what: &str| {
        format!(
            "coalesce(extract(epoch FROM clock_timestamp() - (
                 SELECT written_at FROM outbox WHERE {what}_at IS NULL ORDER BY written_at, sequence LIMIT 1)), 0)::float8"
        )
    };
    let (unannounced, undelivered) = (age("announced"), age("delivered"));
    let ages =
        diesel::dsl::sql::<(Double, Double)>(&format!("SELECT {unannounced}, {undelivered}"));
    Ok(ages.get_result(conn).await?)
}

/// Content of one notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Days of the events: only their partitions are read.
    days: Vec<NaiveDate>,
    subjects: Vec<Uuid>,
    events: Vec<Uuid>,
}

impl Announcement {
    /// Whether it has an event of a subject.
    pub(crate) fn is_about(&self, subject: Uuid) -> bool {
        self.subjects.contains(&subject)
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let (days, keys) = text.split_once(' ')?;
        let days = days.split(',').map(str::parse).collect::<Result<_, _>>();
        let keys = keys.split(',').map(|key| {
            let (subject, event) = key.split_at_checked(32)?;
            Some((Uuid::try_parse(subject).ok()?, Uuid::try_parse(event).ok()?))
        });
        let (subjects, events) = keys.collect::<Option<_>>()?;
        Some(Self {
            days: days.ok()?,
            subjects,
            events,
        })
    }
}

/// The events of an announcement, in order of insertion.
pub async fn events(conn: &mut Connection, announcement: &Announcement) -> Result<Vec<Event>> {
    Ok(Event::query()
        .filter(outbox::subject_id.eq_any(&announcement.subjects))
        .filter(outbox::day.eq_any(&announcement.days))
        .filter(outbox::event_id.eq_any(&announcement.events))
        .order((outbox::written_at, outbox::sequence))
        .load(conn)
        .await?)
}

/// The newest announced events of the last `span` (by the machine's clock) for these users, in order of insertion:
/// events missed during a disconnect.
pub async fn events_of_the_last(
    conn: &mut Connection,
    span: Duration,
    audience: &[UserId],
) -> Result<Vec<Event>> {
    let since = diesel::dsl::sql::<Timestamptz>("clock_timestamp() - ")
        .bind::<Double, _>(span.as_secs_f64())
        .sql(" * interval '1 second'");
    let mut newest: Vec<Event> = Event::query()
        .filter(outbox::written_at.ge(since))
        .filter(outbox::announced_at.is_not_null())
        // The subject is the key: events with an audience are about rows of that user.
        .filter(outbox::subject_id.eq_any(audience.iter().map(|user| user.0)))
        .order((outbox::written_at.desc(), outbox::sequence.desc()))
        .limit(10_000)
        .load(conn)
        .await?;
    newest.reverse();
    Ok(newest)
}
