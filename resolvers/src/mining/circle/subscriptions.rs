//! Root fields of Subscription about circles.

use async_graphql::{SimpleObject, Subscription};
use db::mining::circle::queries as reads;
use domain::access::Denied;
use domain::mining as rules;
use futures_util::Stream;

use super::objects::Circle;
use crate::events::events;
use crate::mining::live::{CircleSubject, CircleTopic, CircleUpdate};
use crate::prelude::*;

/// Live updates of circles.
#[derive(Default)]
pub struct CircleSubscription;

#[Subscription]
impl CircleSubscription {
    /// State of a circle after a change.
    async fn circle_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Circle to follow, for staff; null for the caller's own, also when they join another."
        )]
        circle_id: Option<Id<Circle>>,
    ) -> FieldResult<impl Stream<Item = FieldResult<CircleEvent>> + use<>> {
        let subject = followed(ctx, circle_id)?;
        let operation = ctx.shared_operation();
        // Reads the version, then subscribes, as for miners.
        let mut last = Known::now(ctx, subject).await?;
        let subscribers = operation.services.events.subscribers::<CircleTopic>();
        let updates = subscribers.subscribe(subject);
        let event = move |update: Arc<CircleUpdate>| {
            let version = last.newer(&update)?;
            let event = CircleEvent::of(&operation.caller.principal, subject, &update, version)?;
            last = Known {
                circle: update
                    .circle
                    .as_deref()
                    .map(|seen| version_of(&seen.circle)),
                at: update.at,
            };
            Some(event)
        };
        Ok(events(updates, event))
    }
}

/// The subject of a subscription, if the caller may follow it.
fn followed(ctx: &Context<'_>, circle_id: Option<Id<Circle>>) -> Result<CircleSubject> {
    let relation = Relation::from(circle_id.is_none());
    ctx.principal().check(Action::CircleFollow, relation)?;
    if let Some(id) = circle_id {
        return Ok(CircleSubject::Circle(id.key));
    }
    let person = ctx.principal().person().ok_or(Denied::Forbidden)?;
    Ok(CircleSubject::Of(person.id))
}

/// Last message of a subscriber: the circle with its version, and the time of the read.
struct Known {
    circle: Option<(CircleId, i64)>,
    at: Timestamp,
}

fn version_of(circle: &rules::Circle) -> (CircleId, i64) {
    (circle.id, circle.version)
}

impl Known {
    /// The state at the start of a subscription.
    async fn now(ctx: &Context<'_>, subject: CircleSubject) -> Result<Self> {
        let (at, circle) = ctx
            .db()
            .read(async move |conn| {
                let at = db::clock::now(conn).await?;
                let id = match subject {
                    CircleSubject::Circle(id) => Some(id),
                    CircleSubject::Of(user) => {
                        let of = reads::of_people(conn, &[user]).await?;
                        of.first().map(|(_, id)| *id)
                    }
                };
                let circle = match id {
                    Some(id) => reads::by_id(conn, &[id]).await?.pop(),
                    None => None,
                };
                Ok((at, circle))
            })
            .await?;
        if circle.is_none() && matches!(subject, CircleSubject::Circle(_)) {
            return Err(ApiError::new(Code::NotFound, "no circle has this id"));
        }
        Ok(Self {
            circle: circle.as_ref().map(version_of),
            at,
        })
    }

    /// The version of an update; `None` if the subscriber has received it.
    fn newer(&self, update: &CircleUpdate) -> Option<i64> {
        let updated = update
            .circle
            .as_deref()
            .map(|seen| version_of(&seen.circle));
        match (&self.circle, updated) {
            (None, None) => None,
            // The caller left: the version is the last that they may see.
            (Some((_, known)), None) => (update.at >= self.at).then_some(*known),
            (Some((id, known)), Some((other, version))) if *id == other => {
                (version > *known).then_some(version)
            }
            (_, Some((_, version))) => (update.at >= self.at).then_some(version),
        }
    }
}

/// State of a circle after a change.
#[derive(SimpleObject)]
pub struct CircleEvent {
    /// The circle as it is now; null once the caller is in none.
    pub circle: Option<Circle>,
    /// Time of the change.
    pub occurred_at: DateTime,
    /// Version of this circle, to be compared with events of the same circle only. It never decreases; a gap means that
    /// events were merged.
    pub sequence: BigInt,
}

impl CircleEvent {
    /// The event for a subscriber; `None` if they may not see it any more.
    fn of(
        principal: &Principal,
        subject: CircleSubject,
        update: &CircleUpdate,
        version: i64,
    ) -> Option<Self> {
        let own = match subject {
            CircleSubject::Of(user) => is_member(update, user),
            CircleSubject::Circle(_) => false,
        };
        let relation = Relation::from(own || update.circle.is_none());
        principal.may(Action::CircleFollow, relation).then(|| Self {
            circle: update.circle.as_deref().map(|seen| {
                let members = seen.members.iter().cloned();
                let members = members.map(|(member, profile, _)| (member, profile));
                Circle::with_members(seen.circle.clone(), members)
            }),
            occurred_at: update
                .circle
                .as_deref()
                .map_or(update.at, |seen| seen.circle.updated_at)
                .into(),
            sequence: BigInt(version),
        })
    }
}

fn is_member(update: &CircleUpdate, user: UserId) -> bool {
    let circle = update.circle.as_deref();
    circle.is_some_and(|seen| seen.members.iter().any(|(.., member)| *member == user))
}
