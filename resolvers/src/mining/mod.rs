//! Mining: miners, sessions, streaks, circles, referrals, their configuration.

pub(crate) mod circle;
pub(crate) mod configuration;
pub(crate) mod live;
pub(crate) mod loaders;
pub(crate) mod miner;
pub(crate) mod referral;
pub(crate) mod session;
pub(crate) mod streak;

use domain::mining::{Bps, RatePerHour};

pub use miner::objects::ReferralUrls;
pub use miner::queries::LARGEST_LEADERBOARD;
pub use miner::ranks::Ranks;

use crate::node::RegisteredNode;
use crate::platform::approval::RegisteredProposal;
use crate::platform::audit::Entity;
use crate::prelude::*;
use crate::user_errors::RegisteredUserError;
use crate::wallets::references::RegisteredReference;

pub(crate) const NODES: &[RegisteredNode] = &[
    RegisteredNode::new::<miner::objects::Miner>(),
    RegisteredNode::new::<miner::profile::MinerProfile>(),
    RegisteredNode::new::<miner::objects::MiningHistoryEntry>(),
    RegisteredNode::new::<session::objects::MiningSession>(),
    RegisteredNode::new::<circle::objects::Circle>(),
    RegisteredNode::new::<circle::objects::CircleInvitation>(),
    RegisteredNode::new::<referral::objects::Referral>(),
    RegisteredNode::new::<configuration::objects::MiningConfiguration>(),
    RegisteredNode::new::<configuration::objects::StreakConfiguration>(),
    RegisteredNode::new::<configuration::objects::ReferralConfiguration>(),
];

pub(crate) const USER_ERRORS: &[RegisteredUserError] = &[
    RegisteredUserError::new::<miner::refusals::MinerUserError>(),
    RegisteredUserError::new::<miner::refusals::KycUserError>(),
    RegisteredUserError::new::<session::refusals::MiningSessionUserError>(),
    RegisteredUserError::new::<streak::refusals::StreakUserError>(),
    RegisteredUserError::new::<circle::refusals::CircleUserError>(),
    RegisteredUserError::new::<circle::refusals::CircleInvitationUserError>(),
    RegisteredUserError::new::<referral::refusals::ReferralUserError>(),
];

pub(crate) const PROPOSALS: &[RegisteredProposal] = &[miner::objects::POINTS_PROPOSAL];

pub(crate) const REFERENCES: &[RegisteredReference] = &[
    miner::objects::REFERENCE,
    RegisteredReference::of::<session::objects::MiningSession>("mining_session"),
];

pub(crate) const ENTITIES: &[Entity] = &[
    Entity::of::<miner::objects::Miner>("miner"),
    Entity::of::<circle::objects::Circle>("circle"),
];

pub(crate) const REQUIRES: &[(&str, Action)] = &[
    ("Query.miner", Action::MinerRead),
    ("Query.miners", Action::MinersList),
    ("Query.circle", Action::CircleRead),
    ("Query.circles", Action::CirclesList),
    ("Query.circleInvitation", Action::CircleInvitationRead),
    ("Query.referrals", Action::ReferralsList),
    ("MiningSession.configuration", Action::ConfigurationRead),
    ("Subscription.minerUpdated", Action::MinerFollow),
    ("Subscription.circleUpdated", Action::CircleFollow),
];

/// A bonus as a fraction.
pub(crate) fn bonus_rate(bonus: Bps) -> Decimal {
    Decimal(bonus.to_decimal())
}

/// Points an hour.
pub(crate) fn per_hour(rate: RatePerHour) -> Decimal {
    Decimal(rate.to_decimal())
}

/// Days, hours and members, which the rules keep far below 32 bits.
pub(crate) fn whole(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A miner that a row refers to, but that is not there.
pub(crate) fn missing(what: &str) -> ApiError {
    db::DbError::Unavailable(format!("{what} is missing")).into()
}

/// Whether the caller may see all of a user's miner.
pub(crate) fn is_visible(ctx: &Context<'_>, user: UserId) -> bool {
    ctx.may(Action::MinerRead, ctx.principal().relation_to(user))
}

/// The configuration in force, read once per operation.
pub(crate) async fn configuration_in_force(
    ctx: &Context<'_>,
) -> Result<std::sync::Arc<domain::mining::Configuration>> {
    if let Some(kept) = ctx.operation().kept() {
        return Ok(kept);
    }
    // By a loader: concurrent resolvers share one statement.
    let loader = ctx.loader::<loaders::MiningLoader>();
    let loaded = loader.load_one(loaders::ConfigurationInForce).await?;
    let loaded = loaded.ok_or_else(|| missing("the configuration"))?;
    ctx.operation().keep(&loaded);
    Ok(loaded)
}
