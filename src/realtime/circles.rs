//! Tells members of their circle, and staff of the one they follow: each circle is read once for all its followers.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use db::mining::{CircleSeen, circles};
use db::outbox::Event;
use db::{Db, DbError};
use domain::ids::{CircleId, UserId};
use domain::time::Timestamp;
use resolvers::events::{CircleNews, CircleSubject, EventBus};
use serde_json::Value;
use uuid::Uuid;

/// Tells what these events did to circles: whoever is in them, or was until then.
pub async fn tell(db: &Db, bus: &EventBus, heard: &[Event]) -> Result<(), DbError> {
    let heard: Vec<&Event> = heard
        .iter()
        .filter(|event| event.subject_kind == "circle")
        .collect();
    if heard.is_empty() || !bus.circles.is_followed() {
        return Ok(());
    }
    let touched = heard.iter().map(|event| CircleId(event.subject_id));
    let gone = heard.iter().flat_map(|event| people_of(event));
    let gone = gone.filter(|user| bus.circles.follows(&CircleSubject::Of(*user)));
    publish(db, bus, touched.collect(), gone.collect()).await
}

/// Tells everybody who follows anything what there is.
pub async fn tell_all(db: &Db, bus: &EventBus) -> Result<(), DbError> {
    let (mut touched, mut people) = (BTreeSet::new(), BTreeSet::new());
    for subject in bus.circles.subjects() {
        match subject {
            CircleSubject::Circle(id) => touched.insert(id),
            CircleSubject::Of(user) => people.insert(user),
        };
    }
    if touched.is_empty() && people.is_empty() {
        return Ok(());
    }
    publish(db, bus, touched, people).await
}

/// People an event names: those who went are in the circle no more.
fn people_of(event: &Event) -> Vec<UserId> {
    let user = |value: &Value| Some(UserId(Uuid::parse_str(value.as_str()?).ok()?));
    let one = event.payload.get("userId").into_iter();
    let many = event.payload.get("userIds").and_then(Value::as_array);
    one.chain(many.into_iter().flatten())
        .filter_map(user)
        .collect()
}

/// What was read of circles at a moment.
struct Read {
    at: Timestamp,
    of_people: HashMap<UserId, CircleId>,
    circles: Vec<CircleSeen>,
}

async fn publish(
    db: &Db,
    bus: &EventBus,
    touched: BTreeSet<CircleId>,
    people: BTreeSet<UserId>,
) -> Result<(), DbError> {
    let read = {
        let (touched, people) = (touched.clone(), people.clone());
        db.read(async move |conn| read(conn, touched, people).await)
            .await?
    };
    let at = read.at;
    let mut seen: HashMap<CircleId, Arc<CircleSeen>> = HashMap::new();
    for circle in read.circles {
        seen.insert(circle.circle.id, Arc::new(circle));
    }
    let news = |circle: Option<&Arc<CircleSeen>>| CircleNews {
        circle: circle.cloned(),
        at,
    };
    for id in &touched {
        let Some(circle) = seen.get(id) else { continue };
        bus.circles
            .publish(&CircleSubject::Circle(*id), news(Some(circle)));
        for (.., user) in &circle.members {
            if !people.contains(user) {
                bus.circles
                    .publish(&CircleSubject::Of(*user), news(Some(circle)));
            }
        }
    }
    for user in people {
        let circle = read.of_people.get(&user).and_then(|id| seen.get(id));
        bus.circles.publish(&CircleSubject::Of(user), news(circle));
    }
    Ok(())
}

async fn read(
    conn: &mut db::Connection,
    mut ids: BTreeSet<CircleId>,
    people: BTreeSet<UserId>,
) -> Result<Read, DbError> {
    // First: what is read after it is at least as new.
    let at = db::clock::now(conn).await?;
    let people: Vec<UserId> = people.into_iter().collect();
    let of_people: HashMap<_, _> = if people.is_empty() {
        HashMap::new()
    } else {
        circles::of_people(conn, &people)
            .await?
            .into_iter()
            .collect()
    };
    ids.extend(of_people.values());
    let ids: Vec<CircleId> = ids.into_iter().collect();
    Ok(Read {
        at,
        of_people,
        circles: circles::seen(conn, &ids).await?,
    })
}
