//! Circles with their members, for `circleUpdated`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use db::Db;
use db::mining::CircleSeen;
use db::mining::circle::queries as circles;
use db::outbox::Event;
use serde_json::Value;

use crate::events::{SubscribersOf, Topic, Update, UpdatesOf};
use crate::prelude::*;

/// The state of circles, by circle and by member.
#[derive(Debug, Default)]
pub struct CircleTopic;

/// Key that a subscriber of circles subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CircleSubject {
    /// The circle that this user is in at the time.
    Of(UserId),
    /// This circle.
    Circle(CircleId),
}

/// A circle after an event.
#[derive(Clone, Debug)]
pub struct CircleUpdate {
    /// The circle with its members; `None` for a user who is no longer in one.
    pub circle: Option<Arc<CircleSeen>>,
    /// The system's time of the read.
    pub at: Timestamp,
}

impl Update for CircleUpdate {
    type Kind = ();
    const TOPIC: &'static str = "circle";

    fn kind(&self) {}
}

/// Circles to read for all their subscribers, and users whose circle may be another one or none.
#[derive(Clone, Debug, Default)]
pub struct CircleChanges {
    circles: BTreeSet<CircleId>,
    users: BTreeSet<UserId>,
}

impl CircleChanges {
    fn into_option(self) -> Option<Self> {
        (!self.circles.is_empty() || !self.users.is_empty()).then_some(self)
    }
}

impl Topic for CircleTopic {
    type Subject = CircleSubject;
    type Update = CircleUpdate;
    type Changes = CircleChanges;

    fn changes(&self, events: &[Event], of: &SubscribersOf<Self>) -> Option<CircleChanges> {
        let mut changes = CircleChanges::default();
        for event in events.iter().filter(|event| event.subject_kind == "circle") {
            changes.circles.insert(CircleId(event.subject_id));
            let named = named_users(event).filter(|user| of.has(&CircleSubject::Of(*user)));
            changes.users.extend(named);
        }
        changes.into_option()
    }

    fn missed(&self, _: Duration, of: &SubscribersOf<Self>) -> Option<CircleChanges> {
        let mut changes = CircleChanges::default();
        for subject in of.subjects() {
            match subject {
                CircleSubject::Circle(id) => changes.circles.insert(id),
                CircleSubject::Of(user) => changes.users.insert(user),
            };
        }
        changes.into_option()
    }

    async fn read(&self, db: Db, changes: CircleChanges) -> Result<UpdatesOf<Self>, DbError> {
        let CircleChanges { circles, users } = changes.clone();
        let read = db
            .read(async move |conn| read(conn, circles, users).await)
            .await?;
        Ok(updates(&changes, read))
    }
}

/// The users that an event names. Former members are no longer in the circle, so only the event names them.
fn named_users(event: &Event) -> impl Iterator<Item = UserId> {
    let user = |value: &Value| Some(UserId(Uuid::parse_str(value.as_str()?).ok()?));
    let one = event.payload.get("userId").into_iter();
    let many = event.payload.get("userIds").and_then(Value::as_array);
    one.chain(many.into_iter().flatten()).filter_map(user)
}

/// The state of circles at a moment.
struct ReadCircles {
    at: Timestamp,
    of_users: HashMap<UserId, CircleId>,
    circles: Vec<CircleSeen>,
}

async fn read(
    conn: &mut db::Connection,
    mut ids: BTreeSet<CircleId>,
    users: BTreeSet<UserId>,
) -> Result<ReadCircles, DbError> {
    // The time is read first, so the circles are at least as new.
    let at = db::clock::now(conn).await?;
    let users: Vec<UserId> = users.into_iter().collect();
    let of_users: HashMap<_, _> = if users.is_empty() {
        HashMap::new()
    } else {
        circles::of_people(conn, &users)
            .await?
            .into_iter()
            .collect()
    };
    ids.extend(of_users.values());
    let ids: Vec<CircleId> = ids.into_iter().collect();
    Ok(ReadCircles {
        at,
        of_users,
        circles: circles::seen(conn, &ids).await?,
    })
}

/// The updates of changed circles for their own subscribers and for each member, and of the users.
fn updates(changes: &CircleChanges, read: ReadCircles) -> Vec<(CircleSubject, CircleUpdate)> {
    let at = read.at;
    let circles: HashMap<CircleId, Arc<CircleSeen>> = read
        .circles
        .into_iter()
        .map(|seen| (seen.circle.id, Arc::new(seen)))
        .collect();
    let update = |circle: Option<&Arc<CircleSeen>>| CircleUpdate {
        circle: circle.cloned(),
        at,
    };
    let mut updates = Vec::new();
    for id in &changes.circles {
        let Some(circle) = circles.get(id) else {
            continue;
        };
        updates.push((CircleSubject::Circle(*id), update(Some(circle))));
        let members = circle.members.iter().map(|(.., user)| *user);
        let members = members.filter(|user| !changes.users.contains(user));
        updates.extend(members.map(|user| (CircleSubject::Of(user), update(Some(circle)))));
    }
    for user in &changes.users {
        let circle = read.of_users.get(user).and_then(|id| circles.get(id));
        updates.push((CircleSubject::Of(*user), update(circle)));
    }
    updates
}
