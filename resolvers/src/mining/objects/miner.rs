//! A miner, whole: for its owner and staff.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject, Value};
use db::audit_log::Entity;
use db::mining::MinerSeen;
use db::mining::queries::MinerKey;
use domain::access::{Action, Principal};
use domain::ids::{CircleId, MinerId};
use domain::mining as rules;
use domain::money::CurrencyCode;
use uuid::Uuid;

use super::{
    Circle, MinerProfile, MinerRole, MinerStatus, MiningHistoryConnection, MiningHistoryEntry,
    MiningRate, MiningSession, MiningSessionStatus, MiningStreak, ReferralOverview, days, share,
};
use crate::errors::ApiError;
use crate::mining::loaders::{HistoryOf, LatestSessionOf, RateFactsOf};
use crate::node::GlobalId;
use crate::paging::{PageArgs, Total, connection};
use crate::plain::{Plain, Ready, Selected, plain_values};
use crate::platform::audit::{self, AuditLogConnection};
use crate::request::{Asked, configuration};
use crate::scalars::{DateTime, Decimal};
use crate::wallets::objects::Wallet;

/// Somebody who mines: one per user, for its owner and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Miner {
    /// Global id.
    pub id: GlobalId,
    /// Key for the platform's other services.
    pub uuid: Uuid,
    /// Whose it is: the subject of their tokens.
    pub user_id: Uuid,
    /// What others call them.
    pub display_name: String,
    /// What they are to the platform.
    pub role: MinerRole,
    /// Whether they may mine.
    pub status: MinerStatus,
    /// All points ever mined, in points.
    pub total_mined_points: Decimal,
    /// The code by which others name them as referrer: 8 characters.
    pub referral_code: String,
    /// Days of the longest streak ever.
    pub longest_streak: i32,
    /// When they registered.
    pub created_at: DateTime,
    /// When they last changed.
    pub updated_at: DateTime,
    #[graphql(skip)]
    seen: MinerSeen,
    /// Their circle, where it was fetched with them.
    #[graphql(skip)]
    fetched_circle: Option<Arc<Circle>>,
}

impl Plain for Miner {
    plain_values!(
        id,
        uuid,
        user_id,
        display_name,
        role,
        status,
        total_mined_points,
        referral_code,
        longest_streak,
        created_at,
        updated_at
    );

    fn child(&self, field: &str, asked: &Selected<'_>) -> Option<Value> {
        match (field, &self.fetched_circle, self.seen.miner.circle_id) {
            ("circle", Some(circle), _) => asked.of_shared(circle, &circle.written),
            ("circle", None, None) => Some(Value::Null),
            _ => None,
        }
    }
}

impl Miner {
    /// The miner, if this principal may see all of it. There is no other way to make one.
    pub(crate) fn for_principal(principal: &Principal, seen: MinerSeen) -> Option<Self> {
        let own = principal
            .person()
            .is_some_and(|person| person.id == seen.miner.user_id);
        principal
            .may(Action::MinerRead, own.into())
            .then(|| Self::shown(seen))
    }

    /// The miner, if the caller may see all of it.
    pub(crate) fn of(ctx: &Context<'_>, seen: MinerSeen) -> Option<Self> {
        Self::for_principal(ctx.principal(), seen)
    }

    /// Loads a miner, if the caller may see all of it.
    pub(crate) async fn load(ctx: &Context<'_>, id: MinerId) -> Result<Option<Self>, ApiError> {
        let seen = ctx.operation().mining.load_one(id).await?;
        Ok(seen.and_then(|seen| Self::of(ctx, seen)))
    }

    fn shown(seen: MinerSeen) -> Self {
        let miner = &seen.miner;
        Self {
            id: GlobalId::Miner(miner.id),
            uuid: miner.id.0,
            user_id: miner.user_id.0,
            display_name: seen.display_name.clone(),
            role: miner.role.into(),
            status: miner.status.into(),
            total_mined_points: Decimal::points(miner.lifetime_points),
            referral_code: miner.referral_code.as_str().to_owned(),
            longest_streak: days(miner.streak.longest),
            created_at: miner.created_at.into(),
            updated_at: miner.updated_at.into(),
            fetched_circle: None,
            seen,
        }
    }

    /// Which circle they are in, if the caller may see it.
    pub(crate) fn circle_shown_to(&self, ctx: &Context<'_>) -> Option<CircleId> {
        // Whoever sees the whole miner is a member through them, or on the staff.
        let id = self.seen.miner.circle_id?;
        ctx.may(Action::CircleRead, self.is_own(ctx)).then_some(id)
    }

    /// Keeps the circle that was fetched with them.
    pub(crate) fn keep_circle(&mut self, circle: Arc<Circle>) {
        self.fetched_circle = Some(circle);
    }

    async fn rate_now(&self, ctx: &Context<'_>) -> Result<MiningRate, ApiError> {
        let configuration = configuration(ctx).await?;
        let facts = ctx
            .operation()
            .mining
            .load_one(RateFactsOf(self.seen.miner.id))
            .await?
            .ok_or_else(|| db::DbError::Unavailable("the miner is gone".to_owned()))?;
        let streak = self.seen.miner.streak.view(self.seen.at, &configuration);
        Ok(MiningRate::of(&rules::Rate::of(
            &facts,
            streak.days,
            &configuration,
        )))
    }

    async fn latest_session(&self, ctx: &Context<'_>) -> Result<Option<MiningSession>, ApiError> {
        let configuration = configuration(ctx).await?;
        let seen = ctx
            .operation()
            .mining
            .load_one(LatestSessionOf(self.seen.miner.id))
            .await?;
        Ok(seen.map(|seen| MiningSession::shown(&seen, &configuration)))
    }
}

#[ComplexObject]
impl Miner {
    /// What others see of them.
    async fn profile(&self) -> MinerProfile {
        MinerProfile::of(Arc::new(self.seen.clone()))
    }

    /// Their rate at the moment, part by part.
    async fn rate(&self, ctx: &Context<'_>) -> Option<Result<MiningRate, ApiError>> {
        Some(self.rate_now(ctx).await)
    }

    /// Points an hour at the moment, with every bonus.
    async fn hourly_rate(&self, ctx: &Context<'_>) -> Option<Result<Decimal, ApiError>> {
        Some(self.rate_now(ctx).await.map(|rate| rate.total_rate))
    }

    /// Points a day at the moment, with every bonus.
    async fn daily_rate(&self, ctx: &Context<'_>) -> Option<Result<Decimal, ApiError>> {
        Some(self.rate_now(ctx).await.map(|rate| rate.daily_points))
    }

    /// Their newest session; null before the first.
    async fn session(&self, ctx: &Context<'_>) -> Option<Result<MiningSession, ApiError>> {
        self.latest_session(ctx).await.transpose()
    }

    /// Whether a session runs.
    async fn has_active_session(&self, ctx: &Context<'_>) -> Option<Result<bool, ApiError>> {
        let session = self.latest_session(ctx).await;
        Some(session.map(|session| {
            session.is_some_and(|session| session.status == MiningSessionStatus::Active)
        }))
    }

    /// When the newest session ends or ended, unless it was paid or has expired.
    async fn session_ends_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime, ApiError>> {
        let open = self.latest_session(ctx).await.map(|session| {
            session
                .filter(|session| {
                    matches!(
                        session.status,
                        MiningSessionStatus::Active | MiningSessionStatus::Completed
                    )
                })
                .map(|session| session.ends_at)
        });
        open.transpose()
    }

    /// Their streak at the moment.
    async fn streak(&self, ctx: &Context<'_>) -> Option<Result<MiningStreak, ApiError>> {
        Some(
            configuration(ctx)
                .await
                .map(|configuration| MiningStreak::of(&self.seen, &configuration)),
        )
    }

    /// Days of the streak that count at the moment: 0 when it would be found broken.
    async fn current_streak(&self, ctx: &Context<'_>) -> Option<Result<i32, ApiError>> {
        Some(configuration(ctx).await.map(|configuration| {
            let streak = &self.seen.miner.streak;
            days(streak.view(self.seen.at, &configuration).days)
        }))
    }

    /// What the streak adds to the rate, as a share: `"0.2500"` is 25 %.
    async fn streak_bonus(&self, ctx: &Context<'_>) -> Option<Result<Decimal, ApiError>> {
        Some(configuration(ctx).await.map(|configuration| {
            share(
                self.seen
                    .miner
                    .streak
                    .view(self.seen.at, &configuration)
                    .bonus,
            )
        }))
    }

    /// Every change of their points, newest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<MiningHistoryConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset: None,
        };
        Some(self.history_page(ctx, args).await)
    }

    /// What staff and services did or tried about this miner, newest first. Not what its owner did, and not what a
    /// caller was forbidden: that names no miner. Requires role: SUPPORT, FINANCE or ADMIN; null for anybody else, also
    /// for its owner.
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<AuditLogConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset: None,
        };
        let (kind, id) = ("miner", self.seen.miner.id.0);
        audit::about(ctx, Entity { kind, id }, args).await
    }

    /// The circle they are in; null without one.
    async fn circle(&self, ctx: &Context<'_>) -> Option<Result<Ready<Arc<Circle>>, ApiError>> {
        if let Some(circle) = &self.fetched_circle {
            return Some(Ok(Ready(Arc::clone(circle))));
        }
        let id = self.circle_shown_to(ctx)?;
        let circle = ctx.operation().mining.load_one(id).await;
        circle
            .map(|circle| circle.map(|circle| Ready(Arc::new(Circle::shown(circle)))))
            .map_err(ApiError::from)
            .transpose()
    }

    /// Who brought them; null when nobody did.
    async fn referred_by(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let referrer = MinerProfile::load(ctx, self.seen.miner.referred_by?).await;
        referrer.map(|referrer| referrer.map(Ready)).transpose()
    }

    /// Whom they brought, and what that is worth.
    async fn referrals(&self, ctx: &Context<'_>) -> Option<Result<ReferralOverview, ApiError>> {
        if !ctx.may(Action::ReferralRead, self.is_own(ctx)) {
            return None;
        }
        Some(ReferralOverview::load(ctx, &self.seen).await)
    }

    /// Their wallet of mining points.
    async fn wallet(&self, ctx: &Context<'_>) -> Option<Result<Wallet, ApiError>> {
        Wallet::load(ctx, self.seen.miner.user_id.into(), CurrencyCode::MP)
            .await
            .transpose()
    }
}

impl Miner {
    fn is_own(&self, ctx: &Context<'_>) -> bool {
        ctx.principal()
            .person()
            .is_some_and(|person| person.id == self.seen.miner.user_id)
    }

    async fn history_page(
        &self,
        ctx: &Context<'_>,
        args: PageArgs,
    ) -> Result<MiningHistoryConnection, ApiError> {
        const LIST: &str = "history";
        let id = self.seen.miner.id;
        let page = args.page(LIST)?;
        let slice = ctx
            .operation()
            .mining
            .load_one(HistoryOf(id, page))
            .await?
            .unwrap_or_default();
        let slice = slice.map(|entry| {
            let key = (entry.earned_at, entry.id.0);
            (key, MiningHistoryEntry::from(entry))
        });
        Ok(MiningHistoryConnection::new(
            LIST,
            slice,
            Total::History(id),
        ))
    }
}

connection! {
    /// A page of miners.
    MinerConnection,
    /// One item of a page of miners.
    MinerEdge,
    Miner, by MinerKey
}
