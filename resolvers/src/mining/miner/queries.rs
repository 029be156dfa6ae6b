//! Root fields of Query about miners.

use std::collections::HashMap;

use async_graphql::Lookahead;
use db::mining::miner::queries::{
    self as reads, MinerFilter as Filter, MinerKey, MinerOrderField as OrderField,
};
use db::mining::{MinerSeen, circle};
use domain::access::Denied;

use super::leaderboard::{Leaderboard, LeaderboardEntry, RankPrecision};
use super::objects::{Miner, MinerBy, MinerConnection, MinerFilter, MinerOrder};
use crate::inputs::{Limit, OrderDirection, Parsed};
use crate::mining::circle::objects::Circle;
use crate::mining::loaders::MiningLoader;
use crate::prelude::*;

/// Most places of a leaderboard.
pub const LARGEST_LEADERBOARD: usize = 100;

/// Miners.
#[derive(Default)]
pub struct MinerQuery;

#[Object]
impl MinerQuery {
    /// Miner with this key; null when there is none or it is not the caller's.
    async fn miner(&self, ctx: &Context<'_>, by: Parsed<MinerBy>) -> Loaded<Miner> {
        find(ctx, by).await.transpose()
    }

    /// Active miners with the most lifetime points.
    async fn leaderboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of places, 1 to 100.", default_with = "Limit::usual()")]
        limit: Limit,
    ) -> Loaded<Leaderboard> {
        Some(leaderboard(ctx, limit).await)
    }
}

async fn find(ctx: &Context<'_>, by: Parsed<MinerBy>) -> Result<Option<Miner>> {
    ctx.check_signed_in(Action::MinerRead)?;
    let seen = find_any(ctx, by.get()?).await?;
    Ok(seen.and_then(|seen| Miner::visible(ctx, seen)))
}

/// The miner with a key, also if the caller may not see it.
pub(in crate::mining) async fn find_any(
    ctx: &Context<'_>,
    by: MinerBy,
) -> Result<Option<MinerSeen>> {
    let loader = ctx.loader::<MiningLoader>();
    Ok(match by {
        MinerBy::Id(id) => loader.load_one(id.key).await?,
        MinerBy::UserId(id) => loader.load_one(UserId::from(id)).await?,
        MinerBy::Uuid(id) => {
            let read = async move |conn: &mut db::Connection| reads::miner_by_uuid(conn, id).await;
            ctx.db().read_replicated(read).await?
        }
        MinerBy::Code(code) => {
            let read =
                async move |conn: &mut db::Connection| reads::miner_by_code(conn, &code).await;
            ctx.db().read_replicated(read).await?
        }
    })
}

list_field! {
    /// Lists of miners.
    MinersQuery;

    /// Miners.
    miners(filter: Option<MinerFilter>, order_by: Option<Parsed<MinerOrder>>) -> MinerConnection = |ctx, args| {
        ctx.check_staff(Action::MinersList)?;
        let filter = Filter::try_from(filter.unwrap_or_default())?;
        let order_by = order_by.map(Parsed::get).transpose()?;
        let (field, descending) = order_by.map_or((OrderField::CreatedAt, true), |order| {
            (order.field.0, order.direction == OrderDirection::Desc)
        });
        let list = match (field, descending) {
            (OrderField::CreatedAt, false) => "miners+c",
            (OrderField::CreatedAt, true) => "miners-c",
            (OrderField::TotalMinedPoints, false) => "miners+p",
            (OrderField::TotalMinedPoints, true) => "miners-p",
        };
        let page = args.page::<MinerKey>(list)?;
        for key in [page.after, page.before].into_iter().flatten() {
            let fits = matches!(
                (key, field),
                (MinerKey::CreatedAt(..), OrderField::CreatedAt)
                    | (MinerKey::TotalMinedPoints(..), OrderField::TotalMinedPoints)
            );
            if !fits {
                return Err(ApiError::bad_input("this is a cursor of another order"));
            }
        }
        read_list!(
            MinerConnection, list, ctx, filter;
            |conn| reads::miners(conn, &filter, field, descending, &page), reads::miners_count(conn, &filter),
            |rows| {
                let mut miners = rows.try_map(|seen| {
                    let key = MinerKey::of(field, &seen);
                    let miner = Miner::visible(ctx, seen).ok_or(Denied::Forbidden)?;
                    Ok::<_, ApiError>((key, miner))
                })?;
                let mut loaded: Vec<&mut Miner> = miners.items.iter_mut().map(|(_, miner)| miner).collect();
                Prefetch::of_connection(ctx).load(ctx, &mut loaded).await;
                miners
            }
        )
    }
}

/// Edges of a list of miners that are loaded with the list, with fewer statements in sequence than by loaders.
struct Prefetch {
    circle: bool,
    members: bool,
}

impl Prefetch {
    /// By the selections of a connection of miners.
    fn of_connection(ctx: &Context<'_>) -> Self {
        let list = ctx.look_ahead();
        let nodes = Self::of(&list.field("nodes"));
        let edges = Self::of(&list.field("edges").field("node"));
        Self {
            circle: nodes.circle || edges.circle,
            members: nodes.members || edges.members,
        }
    }

    fn of(miner: &Lookahead<'_>) -> Self {
        let circle = miner.field("circle");
        Self {
            circle: circle.exists(),
            members: circle.field("members").field("miner").exists(),
        }
    }

    /// Loads the edges. After a fault the loaders try again and report it.
    async fn load(&self, ctx: &Context<'_>, miners: &mut [&mut Miner]) {
        if !self.circle {
            return;
        }
        let ids = miners.iter().filter_map(|miner| miner.visible_circle(ctx));
        let mut ids: Vec<CircleId> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return;
        }
        let Ok(circles) = self.circles(ctx, ids).await else {
            return;
        };
        for miner in miners {
            let id = miner.visible_circle(ctx);
            if let Some(circle) = id.and_then(|id| circles.get(&id)) {
                miner.loaded_circle = Some(Arc::clone(circle));
            }
        }
    }

    async fn circles(
        &self,
        ctx: &Context<'_>,
        ids: Vec<CircleId>,
    ) -> Result<HashMap<CircleId, Arc<Circle>>> {
        let (db, of_circles) = (ctx.db(), ids.clone());
        let circles =
            db.read_replicated(async move |conn| circle::queries::by_id(conn, &ids).await);
        if !(self.members && ctx.may(Action::MinerProfileRead, false)) {
            let circles = circles.await?.into_iter();
            let circles = circles.map(|circle| (circle.id, Arc::new(Circle::of(circle))));
            return Ok(circles.collect());
        }
        let members = db.read_replicated(async move |conn| {
            circle::queries::member_profiles(conn, &of_circles).await
        });
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

/// The number of places to show.
pub(in crate::mining) fn places(limit: i32) -> Result<usize> {
    usize::try_from(limit)
        .ok()
        .filter(|places| (1..=LARGEST_LEADERBOARD).contains(places))
        .ok_or_else(|| ApiError::bad_input("`limit` is from 1 to 100"))
}

async fn leaderboard(ctx: &Context<'_>, limit: Limit) -> Result<Leaderboard> {
    let places = places(limit.get()?)?;
    ctx.check_staff(Action::MinerProfileRead)?;
    let top = ctx
        .db()
        .read_replicated(async move |conn| reads::leaderboard(conn, places).await)
        .await?;
    let entries = (1..)
        .zip(top)
        .map(|(rank, seen)| LeaderboardEntry::of(rank, RankPrecision::Exact, Arc::new(seen)));
    Ok(Leaderboard {
        entries: ReadyList(entries.collect()),
    })
}
