//! Mining's root fields of Query.

use std::sync::Arc;

use async_graphql::{Context, Object};
use db::mining::queries::{MinerFilter as Filter, MinerKey, MinerOrderField as OrderField};
use db::mining::{MinerSeen, queries, referrals};
use db::{Count, Slice};
use domain::access::{Action, Relation};
use domain::ids::{MinerId, UserId};

use super::ahead::Ahead;
use super::objects::{
    Leaderboard, LeaderboardEntry, Miner, MinerBy, MinerConnection, MinerFilter, MinerOrder,
    OrderDirection, REFERRALS, RankPrecision, Referral, ReferralConnection, ReferralFilter,
};
use crate::errors::ApiError;
use crate::node::GlobalId;
use crate::paging::{PageArgs, Total};
use crate::plain::ReadyList;
use crate::request::Asked;

/// Places a leaderboard shows, at most.
pub const LARGEST_LEADERBOARD: usize = 100;

/// Mining's reads.
#[derive(Default)]
pub struct MiningQuery;

#[Object]
impl MiningQuery {
    /// A miner; null when there is none, or it is not the caller's. Requires: its owner, staff, or `mining:read`.
    async fn miner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: MinerBy,
    ) -> Option<Result<Miner, ApiError>> {
        find(ctx, by).await.transpose()
    }

    /// All miners: filter, search, order. Requires role: SUPPORT, FINANCE or ADMIN.
    #[expect(clippy::too_many_arguments, reason = "a connection's arguments")]
    async fn miners(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all without it.")] filter: Option<MinerFilter>,
        #[graphql(desc = "Newest first without it.")] order_by: Option<MinerOrder>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Items to skip, 0 to 10000; slower than a cursor, and not beside one.")]
        offset: Option<i32>,
    ) -> Option<Result<MinerConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset,
        };
        Some(list(ctx, filter.unwrap_or_default(), order_by, args).await)
    }

    /// All referrals, newest first. Requires role: SUPPORT, FINANCE or ADMIN.
    #[expect(clippy::too_many_arguments, reason = "a connection's arguments")]
    async fn referrals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all without it.")] filter: Option<ReferralFilter>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Items to skip, 0 to 10000; slower than a cursor, and not beside one.")]
        offset: Option<i32>,
    ) -> Option<Result<ReferralConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset,
        };
        Some(list_referrals(ctx, filter.unwrap_or_default(), args).await)
    }

    /// The active miners with the most points; ties by who was there first. Public.
    async fn leaderboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many places, 1 to 100.", default = 100)] limit: Option<i32>,
    ) -> Option<Result<Leaderboard, ApiError>> {
        Some(leaderboard(ctx, limit).await)
    }
}

async fn find(ctx: &Context<'_>, by: MinerBy) -> Result<Option<Miner>, ApiError> {
    // Anonymous callers hear that they have to sign in; the others that there is nothing of theirs.
    if let Err(denied @ domain::access::Denied::Unauthenticated) =
        ctx.principal().check(Action::MinerRead, Relation::Own)
    {
        return Err(denied.into());
    }
    let seen = seen(ctx, by).await?;
    Ok(seen.and_then(|seen| Miner::of(ctx, seen)))
}

/// Whom this names, whoever asks.
async fn seen(ctx: &Context<'_>, by: MinerBy) -> Result<Option<MinerSeen>, ApiError> {
    let operation = ctx.operation();
    Ok(match by {
        MinerBy::Id(id) => match GlobalId::decode(&id)? {
            GlobalId::Miner(id) => operation.mining.load_one(id).await?,
            _ => {
                return Err(ApiError::bad_input(
                    "this is the id of something else than a miner",
                ));
            }
        },
        MinerBy::Uuid(id) => operation.mining.load_one(MinerId(id)).await?,
        MinerBy::UserId(id) => operation.mining.load_one(UserId(id)).await?,
        MinerBy::Code(code) => match domain::mining::ReferralCode::parse(&code) {
            None => None,
            Some(code) => {
                ctx.db()
                    .read(async move |conn| queries::miner_by_code(conn, code.as_str()).await)
                    .await?
            }
        },
    })
}

async fn list_referrals(
    ctx: &Context<'_>,
    filter: ReferralFilter,
    args: PageArgs,
) -> Result<ReferralConnection, ApiError> {
    ctx.principal()
        .check(Action::ReferralsList, Relation::Others)?;
    let page = args.page::<referrals::Place>(REFERRALS)?;
    let mut asked = referrals::Filter {
        status: filter.status.map(Into::into),
        ..referrals::Filter::default()
    };
    for (by, side) in [
        (filter.referrer, &mut asked.referrer),
        (filter.referred, &mut asked.referred),
    ] {
        let Some(by) = by else { continue };
        let Some(seen) = seen(ctx, by).await? else {
            // There is no such miner, and so nobody it brought.
            let none = Slice::default();
            return Ok(ReferralConnection::new(REFERRALS, none, Total::Known(0)));
        };
        *side = Some(seen.miner.id);
    }
    let slice = ctx
        .db()
        .read(async move |conn| referrals::list(conn, &asked, &page).await)
        .await?;
    let slice = slice.map(Referral::placed);
    Ok(ReferralConnection::new(
        REFERRALS,
        slice,
        Total::Referrals(asked),
    ))
}

async fn list(
    ctx: &Context<'_>,
    filter: MinerFilter,
    order: Option<MinerOrder>,
    args: PageArgs,
) -> Result<MinerConnection, ApiError> {
    ctx.principal()
        .check(Action::MinersList, Relation::Others)?;
    let filter = Filter::try_from(filter)?;
    let (field, descending) = order.map_or((OrderField::CreatedAt, true), |order| {
        (order.field.into(), order.direction == OrderDirection::Desc)
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
    let asked = filter.clone();
    let slice = ctx
        .db()
        .read(async move |conn| queries::miners(conn, &asked, field, descending, &page).await)
        .await?;
    let mut slice = slice.try_map(|seen| {
        let key = MinerKey::of(field, &seen);
        Miner::of(ctx, seen)
            .map(|miner| (key, miner))
            .ok_or(ApiError::from(domain::access::Denied::Forbidden))
    })?;
    let mut miners: Vec<&mut Miner> = slice.items.iter_mut().map(|(_, miner)| miner).collect();
    Ahead::of_connection(ctx).fetch(ctx, &mut miners).await;
    Ok(MinerConnection::new(list, slice, Total::Miners(filter)))
}

/// How many places of the leaderboard are asked for.
pub(super) fn places(limit: Option<i32>) -> Result<usize, ApiError> {
    limit
        .map_or(Ok(LARGEST_LEADERBOARD), usize::try_from)
        .ok()
        .filter(|places| (1..=LARGEST_LEADERBOARD).contains(places))
        .ok_or_else(|| ApiError::bad_input("`limit` is from 1 to 100"))
}

async fn leaderboard(ctx: &Context<'_>, limit: Option<i32>) -> Result<Leaderboard, ApiError> {
    let places = places(limit)?;
    ctx.principal()
        .check(Action::MinerProfileRead, Relation::Others)?;
    let top = ctx
        .db()
        .read(async move |conn| queries::leaderboard(conn, places).await)
        .await?;
    let entries = (1..)
        .zip(top)
        .map(|(rank, seen)| LeaderboardEntry::of(rank, RankPrecision::Exact, Arc::new(seen)));
    Ok(Leaderboard {
        entries: ReadyList(entries.collect()),
    })
}

/// The caller's own place, if they mine.
pub(super) async fn viewer_entry(
    ctx: &Context<'_>,
    user: UserId,
) -> Result<Option<LeaderboardEntry>, ApiError> {
    let Some(seen) = ctx.operation().mining.load_one(user).await? else {
        return Ok(None);
    };
    if seen.miner.status != domain::mining::MinerStatus::Active {
        return Ok(None);
    }
    let asked = seen.clone();
    let ahead = ctx
        .db()
        .read(async move |conn| queries::miners_ahead(conn, &asked).await)
        .await?;
    let (rank, precision) = match ahead {
        Count::Exact(ahead) => (ahead.saturating_add(1), RankPrecision::Exact),
        Count::AtLeast(_) => {
            let ranks = &ctx.operation().services.ranks;
            let points = seen.miner.lifetime_points.0;
            let about = ranks.estimate(ctx.db(), points).await?;
            (about.max(Count::EXACT_TO), RankPrecision::Estimated)
        }
    };
    let rank = i32::try_from(rank).unwrap_or(i32::MAX);
    Ok(Some(LeaderboardEntry::of(rank, precision, Arc::new(seen))))
}
