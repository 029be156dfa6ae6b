//! Circles' live updates.

use std::sync::Arc;

use async_graphql::{Context, ID, Result as FieldResult, SimpleObject, Subscription};
use db::mining::circles;
use domain::access::{Action, Denied, Principal, Relation};
use domain::ids::{CircleId, UserId};
use domain::mining as rules;
use domain::time::Timestamp;
use futures_util::Stream;

use super::live::{CircleSubject, CircleTopic, CircleUpdate};
use super::objects::Circle;
use crate::errors::{ApiError, Code};
use crate::events::events;
use crate::node::GlobalId;
use crate::request::Asked;
use crate::scalars::DateTime;

/// Circles' live updates.
#[derive(Default)]
pub struct CircleSubscription;

#[Subscription]
impl CircleSubscription {
    /// The caller's circle, whichever they are in at the time, or as staff another one, after something happened to it:
    /// the newest state. Without a circle it stays open until they join one. Requires: a signed-in user; with
    /// `circleId`, role SUPPORT, FINANCE or ADMIN.
    async fn circle_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A circle of others; staff only.")] circle_id: Option<ID>,
    ) -> FieldResult<impl Stream<Item = FieldResult<CircleEvent>> + use<>> {
        let subject = followed(ctx, circle_id)?;
        let operation = ctx.shared_operation();
        // First what there is, then what happens, as with miners.
        let mut last = Told::now(ctx, subject).await?;
        let news = operation
            .services
            .events
            .subscribers::<CircleTopic>()
            .subscribe(subject);
        let event = move |news: Arc<CircleUpdate>| {
            let told = last.follows(&news)?;
            let event = CircleEvent::of(&operation.caller.principal, subject, &news, told)?;
            last = Told {
                circle: news.circle.as_deref().map(|seen| place(&seen.circle)),
                at: news.at,
            };
            Some(event)
        };
        Ok(events(news, event))
    }
}

/// What a subscription follows, if the caller may.
fn followed(ctx: &Context<'_>, circle_id: Option<ID>) -> Result<CircleSubject, ApiError> {
    let relation = Relation::from(circle_id.is_none());
    ctx.principal().check(Action::CircleFollow, relation)?;
    match circle_id {
        None => {
            let person = ctx.principal().person().ok_or(Denied::Forbidden)?;
            Ok(CircleSubject::Of(person.id))
        }
        Some(id) => match GlobalId::decode(&id)? {
            GlobalId::Circle(id) => Ok(CircleSubject::Circle(id)),
            _ => Err(ApiError::bad_input(
                "this is the id of something else than a circle",
            )),
        },
    }
}

/// What a subscriber knows: the circle with its version, and when that was read.
struct Told {
    circle: Option<(CircleId, i64)>,
    at: Timestamp,
}

fn place(circle: &rules::Circle) -> (CircleId, i64) {
    (circle.id, circle.version)
}

impl Told {
    /// What there is to know when a subscription begins.
    async fn now(ctx: &Context<'_>, subject: CircleSubject) -> Result<Self, ApiError> {
        let (at, circle) = ctx
            .db()
            .read(async move |conn| {
                let at = db::clock::now(conn).await?;
                let id = match subject {
                    CircleSubject::Circle(id) => Some(id),
                    CircleSubject::Of(user) => {
                        let of = circles::of_people(conn, &[user]).await?;
                        of.first().map(|(_, id)| *id)
                    }
                };
                let circle = match id {
                    Some(id) => circles::by_id(conn, &[id]).await?.pop(),
                    None => None,
                };
                Ok((at, circle))
            })
            .await?;
        if circle.is_none() && matches!(subject, CircleSubject::Circle(_)) {
            return Err(ApiError::new(Code::NotFound, "there is no such circle"));
        }
        Ok(Self {
            circle: circle.as_ref().map(place),
            at,
        })
    }

    /// The version that news tell of, if they tell anything that is not known.
    fn follows(&self, news: &CircleUpdate) -> Option<i64> {
        match (
            &self.circle,
            news.circle.as_deref().map(|seen| place(&seen.circle)),
        ) {
            (None, None) => None,
            // Out of it: the version is the last that was theirs to see.
            (Some((_, known)), None) => (news.at >= self.at).then_some(*known),
            (Some((id, known)), Some((other, version))) if *id == other => {
                (version > *known).then_some(version)
            }
            (_, Some((_, version))) => (news.at >= self.at).then_some(version),
        }
    }
}

/// A circle after something happened to it.
#[derive(SimpleObject)]
pub struct CircleEvent {
    /// The circle after it; null for somebody who is in none any more, because they left, were removed, or it was
    /// disbanded.
    pub circle: Option<Circle>,
    /// The circle's own version: it never goes back, and skips what is not told. Without a circle, the last that was
    /// told.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
}

impl CircleEvent {
    /// The event as subscribers see it; none for who may not see it any more.
    fn of(
        principal: &Principal,
        subject: CircleSubject,
        news: &CircleUpdate,
        version: i64,
    ) -> Option<Self> {
        let own = match subject {
            CircleSubject::Of(user) => is_in(news, user),
            CircleSubject::Circle(_) => false,
        };
        let relation = Relation::from(own || news.circle.is_none());
        principal.may(Action::CircleFollow, relation).then(|| Self {
            circle: news.circle.as_deref().map(|seen| {
                let members = seen.members.iter().cloned();
                let members = members.map(|(member, profile, _)| (member, profile));
                Circle::with_members(seen.circle.clone(), members)
            }),
            sequence: i32::try_from(version).unwrap_or(i32::MAX),
            occurred_at: news
                .circle
                .as_deref()
                .map_or(news.at, |seen| seen.circle.updated_at)
                .into(),
        })
    }
}

fn is_in(news: &CircleUpdate, user: UserId) -> bool {
    let circle = news.circle.as_deref();
    circle.is_some_and(|seen| seen.members.iter().any(|(.., member)| *member == user))
}
