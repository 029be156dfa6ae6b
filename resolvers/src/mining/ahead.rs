//! Looks ahead: fetches with a list of miners what is asked of each of them, with fewer statements in a row than by
//! loaders.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Lookahead};
use db::mining::circles as reads;
use domain::access::{Action, Relation};
use domain::ids::CircleId;

use super::objects::{Circle, Miner};
use crate::errors::ApiError;
use crate::request::Asked;

/// What is asked of the miners of a list.
pub(super) struct Ahead {
    circle: bool,
    profiles: bool,
}

impl Ahead {
    /// Looks at the selections of a connection of miners.
    pub fn of_connection(ctx: &Context<'_>) -> Self {
        let list = ctx.look_ahead();
        let nodes = Self::of(&list.field("nodes"));
        let edges = Self::of(&list.field("edges").field("node"));
        Self {
            circle: nodes.circle || edges.circle,
            profiles: nodes.profiles || edges.profiles,
        }
    }

    fn of(miner: &Lookahead<'_>) -> Self {
        let circle = miner.field("circle");
        Self {
            circle: circle.exists(),
            profiles: circle.field("members").field("miner").exists(),
        }
    }

    /// Fetches it. What can't be fetched is left to the loaders, which say why.
    pub async fn fetch(&self, ctx: &Context<'_>, miners: &mut [&mut Miner]) {
        if !self.circle {
            return;
        }
        let mut ids: Vec<CircleId> = miners
            .iter()
            .filter_map(|miner| miner.circle_shown_to(ctx))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return;
        }
        let Ok(circles) = self.circles(ctx, ids).await else {
            return;
        };
        for miner in miners {
            let id = miner.circle_shown_to(ctx);
            if let Some(circle) = id.and_then(|id| circles.get(&id)) {
                miner.keep_circle(Arc::clone(circle));
            }
        }
    }

    async fn circles(
        &self,
        ctx: &Context<'_>,
        ids: Vec<CircleId>,
    ) -> Result<HashMap<CircleId, Arc<Circle>>, ApiError> {
        let may_see_members = ctx.may(Action::MinerProfileRead, Relation::Others);
        let (db, members_of) = (ctx.db(), ids.clone());
        let circles = db.read(async move |conn| reads::by_id(conn, &ids).await);
        if !(self.profiles && may_see_members) {
            let circles = circles.await?.into_iter();
            let circles = circles.map(|circle| (circle.id, Arc::new(Circle::shown(circle))));
            return Ok(circles.collect());
        }
        let members = db.read(async move |conn| reads::member_profiles(conn, &members_of).await);
        let (circles, members) = futures_util::future::try_join(circles, members).await?;
        let mut of_circle: HashMap<CircleId, Vec<_>> = HashMap::new();
        for (member, profile, _) in members {
            let of_circle = of_circle.entry(member.circle_id).or_default();
            of_circle.push((member, profile));
        }
        let circles = circles.into_iter().map(|circle| {
            let members = of_circle.remove(&circle.id).unwrap_or_default();
            (circle.id, Arc::new(Circle::with_members(circle, members)))
        });
        Ok(circles.collect())
    }
}
