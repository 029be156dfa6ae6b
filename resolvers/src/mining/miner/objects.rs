//! Types of miners. A `Miner` is for its owner and staff; everybody else sees a `MinerProfile`.

use async_graphql::{OneofObject, Value};
use db::mining::MinerSeen;
use db::mining::miner::commands::{MINER_POINTS_ADJUST, PointsProposal};
use db::mining::miner::locks::MinerRef;
use db::mining::miner::queries::{HistoryFilter, MinerFilter as Filter, MinerKey, MinerOrderField};
use domain::mining as rules;
use domain::money::{CurrencyCode, Minor};

use super::profile::{MinerProfile, MinerRole};
use crate::inputs::{DateTimeRangeInput, OrderDirection, search};
use crate::mining::circle::objects::Circle;
use crate::mining::loaders::{HistoryCountOf, HistoryOf, MiningLoader, RateFactsOf, ReferralOf};
use crate::mining::referral::objects::{
    Referral, ReferralConnection, ReferralStatistics, ReferralStatus, referrals_of,
};
use crate::mining::session::objects::{MiningRate, MiningSession};
use crate::mining::streak::objects::MiningStreak;
use crate::mining::{configuration_in_force, is_visible, missing, per_hour, whole};
use crate::paging::{CursorKey, Total};
use crate::platform::approval::RegisteredProposal;
use crate::platform::users::User;
use crate::prelude::*;
use crate::scalars::Url;
use crate::wallets::references::{RegisteredReference, reference};
use crate::wallets::wallet::objects::Wallet;

owned_keys!(HistoryId);

/// A miner as the object of a transfer, which names the miner's own uuid.
pub(crate) const REFERENCE: RegisteredReference = RegisteredReference::custom::<Miner>(
    "miner",
    |ctx, owner, _| {
        async move {
            let found = Miner::load(ctx, UserId(owner.0)).await?;
            Ok(found.map(reference))
        }
        .boxed()
    },
    |ctx, id| {
        async move {
            let Some(user) = UserId::read(&id.key) else {
                return Ok(None);
            };
            let seen = ctx.loader::<MiningLoader>().load_one(user).await?;
            Ok(seen.map(|seen| seen.miner.id.uuid))
        }
        .boxed()
    },
);

/// Statuses of a miner.
pub type MinerStatus = EnumOf<rules::MinerStatus>;

/// Causes of a change of points.
pub type MiningHistorySource = EnumOf<rules::HistorySource>;

/// Addresses that referral links and their QR codes start with, without a slash at the end.
#[derive(Clone, Debug)]
pub struct ReferralUrls {
    /// Start of invitation links.
    pub share: Arc<str>,
    /// Public address of this server.
    pub server: Arc<str>,
}

object! {
    /// Mining account of one person, for its owner and staff.
    #[graphql(complex)]
    Miner(seen: Arc<MinerSeen>) {
        let miner = &seen.miner;
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&miner.id.user),
        /// Key of the object in the platform's other services.
        uuid: Uuid = miner.id.uuid,
        /// Time of registration.
        created_at: DateTime = miner.created_at.into(),
        /// Code that names the miner as referrer, 8 characters.
        referral_code: String = miner.referral_code.as_str().to_owned(),
        /// Highest role that facts or a grant give.
        role: MinerRole = miner.role.into(),
        /// Whether the miner may mine.
        status: MinerStatus = miner.status.into(),
        /// Lifetime mined points. Spending points does not reduce them.
        total_mined_points: Decimal = Decimal::points(miner.lifetime_points),
        /// Time of the last change.
        updated_at: DateTime = miner.updated_at.into(),
    }
    with {
        seen: Arc<MinerSeen> = seen,
        /// The circle, where it was loaded with the miner.
        pub(super) loaded_circle: Option<Arc<Circle>> = None,
    }
    loaded |miner, field, selected| match (field, &miner.loaded_circle, miner.seen.miner.circle_id) {
        ("profile", ..) => selected.of(&MinerProfile::of_miner(Arc::clone(&miner.seen))),
        ("user", ..) => selected.of(&miner.owner()),
        ("circle", Some(circle), _) => selected.of_shared(circle, &circle.cached),
        ("circle", None, None) => Some(Value::Null),
        _ => None,
    }
}

impl Miner {
    /// The miner, if this principal may see all of it.
    pub(in crate::mining) fn for_principal(
        principal: &Principal,
        seen: Arc<MinerSeen>,
    ) -> Option<Self> {
        let relation = principal.relation_to(seen.miner.id.user);
        principal
            .may(Action::MinerRead, relation)
            .then(|| Self::of(seen))
    }

    /// The miner, if the caller may see all of it.
    pub(in crate::mining) fn visible(ctx: &Context<'_>, seen: MinerSeen) -> Option<Self> {
        Self::for_principal(ctx.principal(), Arc::new(seen))
    }

    /// The id of the circle, if the caller may see it: whoever sees the miner is a member through it, or on the staff.
    pub(in crate::mining) fn visible_circle(&self, ctx: &Context<'_>) -> Option<CircleId> {
        let id = self.seen.miner.circle_id?;
        let relation = ctx.principal().relation_to(self.seen.miner.id.user);
        ctx.may(Action::CircleRead, relation).then_some(id)
    }

    fn owner(&self) -> User {
        User::named(self.seen.miner.id.user, self.seen.display_name.clone())
    }

    async fn current_rate(&self, ctx: &Context<'_>) -> Result<MiningRate> {
        let configuration = configuration_in_force(ctx).await?;
        let loader = ctx.loader::<MiningLoader>();
        let facts = loader
            .load_one(RateFactsOf(self.seen.miner.id.user))
            .await?;
        let facts = facts.ok_or_else(|| missing("the miner"))?;
        let streak = self.seen.miner.streak.view(self.seen.at, &configuration);
        let rate = rules::Rate::of(&facts, streak.days, &configuration);
        Ok(MiningRate::of(&rate).map_err(db::DbError::from)?)
    }

    async fn history_page(
        &self,
        ctx: &Context<'_>,
        filter: MiningHistoryFilter,
        args: PageArgs,
    ) -> Result<MiningHistoryEntryConnection> {
        const LIST: &str = "history";
        let id = self.seen.miner.id.user;
        let page = args.page(LIST)?;
        let filter = HistoryFilter::try_from(filter)?;
        let key = HistoryOf(id, (filter.clone(), page));
        let slice = ctx.loader::<MiningLoader>().load_one(key).await?;
        let slice = slice.unwrap_or_default().map(|entry| {
            let place = (entry.earned_at, entry.id.uuid);
            (place, MiningHistoryEntry::of(entry))
        });
        let total = Total::loaded(move |ctx| {
            let key = HistoryCountOf(id, filter.clone());
            let counting = async move { ctx.loader::<MiningLoader>().load_one(key).await };
            async move { Ok(counting.await?.unwrap_or(db::Count::Exact(0))) }.boxed()
        });
        Ok(MiningHistoryEntryConnection::new(LIST, slice, total))
    }
}

#[ComplexObject]
impl Miner {
    /// Circle the miner is in; null without one and for services.
    async fn circle(&self, ctx: &Context<'_>) -> Loaded<Ready<Arc<Circle>>> {
        if let Some(circle) = &self.loaded_circle {
            return Some(Ok(Ready(Arc::clone(circle))));
        }
        let id = self.visible_circle(ctx)?;
        let circle = ctx.loader::<MiningLoader>().load_one(id).await;
        circle
            .map(|circle| circle.map(|circle| Ready(Arc::new(Circle::of(circle)))))
            .map_err(ApiError::from)
            .transpose()
    }

    /// Changes of the miner's points, newest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        filter: Option<MiningHistoryFilter>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<MiningHistoryEntryConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(
            self.history_page(ctx, filter.unwrap_or_default(), args)
                .await,
        )
    }

    /// Public view of the miner.
    async fn profile(&self) -> Ready<MinerProfile> {
        Ready(MinerProfile::of_miner(Arc::clone(&self.seen)))
    }

    /// Rate a session started now would have.
    async fn rate(&self, ctx: &Context<'_>) -> Loaded<MiningRate> {
        Some(self.current_rate(ctx).await)
    }

    /// Address of an SVG image of `referralShareUrl` as QR code.
    async fn referral_qr_code_url(&self, ctx: &Context<'_>) -> Url {
        let urls: &ReferralUrls = ctx.operation().services.of_contexts.get();
        Url(format!(
            "{}/invites/{}.svg",
            urls.server, self.referral_code
        ))
    }

    /// Invitation link with the referral code.
    async fn referral_share_url(&self, ctx: &Context<'_>) -> Url {
        let urls: &ReferralUrls = ctx.operation().services.of_contexts.get();
        Url(format!("{}/{}", urls.share, self.referral_code))
    }

    /// Numbers of the people the miner referred and what they earned.
    async fn referral_statistics(&self, ctx: &Context<'_>) -> Loaded<ReferralStatistics> {
        Some(ReferralStatistics::load(ctx, self.seen.miner.id.user).await)
    }

    /// Referral through which the miner joined; null without a referrer.
    async fn referred_by(&self, ctx: &Context<'_>) -> Loaded<Referral> {
        let referrer = self.seen.miner.referred_by?;
        let loader = ctx.loader::<MiningLoader>();
        let key = ReferralOf(referrer, self.seen.miner.id.user);
        let referral = loader.load_one(key).await;
        referral
            .map(|referral| referral.map(Referral::of))
            .map_err(ApiError::from)
            .transpose()
    }

    /// People the miner referred, newest first.
    async fn referrals(
        &self,
        ctx: &Context<'_>,
        status: Option<ReferralStatus>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<ReferralConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(referrals_of(ctx, self.seen.miner.id.user, status, &args).await)
    }

    /// Newest session; null before the first.
    async fn session(&self, ctx: &Context<'_>) -> Loaded<MiningSession> {
        MiningSession::latest_of(ctx, self.seen.miner.id.user)
            .await
            .transpose()
    }

    /// Streak as of now.
    async fn streak(&self, ctx: &Context<'_>) -> Loaded<MiningStreak> {
        let configuration = configuration_in_force(ctx).await;
        Some(configuration.map(|configuration| MiningStreak::of(&self.seen, &configuration)))
    }

    /// Person who owns the miner.
    async fn user(&self) -> Ready<User> {
        Ready(self.owner())
    }

    /// The owner's wallet of mining points, with zeros before its first posting; null for services without the scope
    /// `wallet:read`.
    async fn wallet(&self, ctx: &Context<'_>) -> Loaded<Wallet> {
        let owner = self.seen.miner.id.user.into();
        Wallet::of_owner(ctx, owner, CurrencyCode::MP)
            .await
            .transpose()
    }
}

node!(Miner: UserId, |ctx, key| {
    let seen = ctx.loader::<MiningLoader>().load_one(key).await?;
    Ok(seen.and_then(|seen| Self::visible(ctx, seen)))
});

connection!(MinerConnection, MinerEdge, Miner, "miners", by MinerKey);

impl CursorKey for MinerKey {
    fn write(&self) -> String {
        match self {
            Self::CreatedAt(at, id) => format!("c{}", (*at, *id).write()),
            Self::TotalMinedPoints(points, id) => format!("p{points}:{}", id.simple()),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('c') {
            let (at, id) = <(Timestamp, Uuid)>::read(rest)?;
            return Some(Self::CreatedAt(at, id));
        }
        let (points, id) = text.strip_prefix('p')?.split_once(':')?;
        let id = Uuid::try_parse(id).ok()?;
        Some(Self::TotalMinedPoints(points.parse().ok()?, id))
    }
}

object! {
    /// Change of a miner's points.
    MiningHistoryEntry(entry: rules::HistoryEntry) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&entry.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = entry.id.uuid,
        /// Time of the change.
        earned_at: DateTime = entry.earned_at.into(),
        /// Points an hour at that time.
        hourly_rate: Decimal = per_hour(entry.hourly_rate),
        /// Points added, negative when taken.
        points_earned: Decimal = Decimal::points(entry.points),
        /// Session that earned the points; null for changes without one.
        session: Edge<MiningSession> = Edge(entry.session_id),
        /// Cause of the change.
        source: MiningHistorySource = entry.source.into(),
        /// Days of the streak after the change.
        streak_days: i32 = whole(entry.streak_days),
    }
}

node!(MiningHistoryEntry: HistoryId, |ctx, key| {
    let entry = ctx.loader::<MiningLoader>().load_one(key).await?;
    let Some(entry) = entry else {
        return Ok(None);
    };
    Ok(is_visible(ctx, entry.id.user).then(|| Self::of(entry)))
});

connection!(
    MiningHistoryEntryConnection,
    MiningHistoryEntryEdge,
    MiningHistoryEntry,
    "mining history",
    by(Timestamp, Uuid)
);

/// Conditions on mining history.
#[derive(InputObject, Default)]
pub struct MiningHistoryFilter {
    /// Time of the change.
    pub earned_at: Option<DateTimeRangeInput>,
    /// Cause of the change.
    pub source: Option<MiningHistorySource>,
}

impl TryFrom<MiningHistoryFilter> for HistoryFilter {
    type Error = ApiError;

    fn try_from(filter: MiningHistoryFilter) -> Result<Self> {
        let (from, until) = match filter.earned_at {
            Some(range) => range.ends()?,
            None => (None, None),
        };
        Ok(Self {
            from,
            until,
            source: filter.source.map(|source| source.0),
        })
    }
}

object! {
    /// Proposed `minerPointsAdjust`.
    MinerPointsAdjustProposal(proposal: PointsProposal) {
        /// Points to add, negative to take.
        points: Decimal = Decimal::points(Minor(proposal.points)),
        /// Miner whose points change.
        miner: Edge<Miner> = Edge::to(UserId(proposal.user_id)),
    }
}

impl From<PointsProposal> for MinerPointsAdjustProposal {
    fn from(proposal: PointsProposal) -> Self {
        Self::of(proposal)
    }
}

/// Member of `ApprovalProposal`.
pub(in crate::mining) const POINTS_PROPOSAL: RegisteredProposal =
    RegisteredProposal::new::<PointsProposal, MinerPointsAdjustProposal>(MINER_POINTS_ADJUST.name);

/// Key of a miner.
#[derive(OneofObject)]
pub enum MinerBy {
    /// Referral code in any case, also with blanks or dashes, or the invite link.
    Code(String),
    /// Global id of the miner.
    Id(Id<Miner>),
    /// Subject of the owner's tokens.
    UserId(OwnerKey),
    /// Key in the platform's other services.
    Uuid(Uuid),
}

impl From<&MinerBy> for MinerRef {
    fn from(by: &MinerBy) -> Self {
        match by {
            MinerBy::Code(code) => Self::Code(code.clone()),
            MinerBy::Id(id) => Self::User(id.key),
            MinerBy::UserId(id) => Self::User((*id).into()),
            MinerBy::Uuid(id) => Self::Uuid(*id),
        }
    }
}

/// Conditions on miners.
#[derive(InputObject, Default)]
pub struct MinerFilter {
    /// Role of the miner.
    pub role: Option<MinerRole>,
    /// Part of the display name, the referral code or the user id, ignoring case, at most 100 visible characters; a blank text selects all.
    pub search: Option<String>,
    /// Status of the miner.
    pub status: Option<MinerStatus>,
}

impl TryFrom<MinerFilter> for Filter {
    type Error = ApiError;

    fn try_from(filter: MinerFilter) -> Result<Self> {
        Ok(Self {
            search: search(filter.search)?,
            status: filter.status.map(|status| status.0),
            role: filter.role.map(|role| role.0),
        })
    }
}

/// Order of miners; equal values are ordered by id.
#[derive(InputObject)]
pub struct MinerOrder {
    /// Direction of the order.
    pub direction: OrderDirection,
    /// Value to order by.
    pub field: EnumOf<MinerOrderField>,
}
