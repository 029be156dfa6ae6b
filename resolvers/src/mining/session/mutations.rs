//! Root fields of Mutation about sessions.

use db::mining::session::commands::{
    MINING_SESSION_CLAIM, MINING_SESSION_START, SessionClaimed, mining_session_claim,
    mining_session_start,
};
use domain::money::Minor;

use super::objects::MiningSession;
use super::refusals::MiningSessionUserError;
use crate::mining::miner::objects::Miner;
use crate::prelude::*;

mutations! {
    /// Commands on sessions.
    SessionMutation;

    /// Starts a session at the caller's present rate.
    mining_session_start = MINING_SESSION_START, |call| {
        mining_session_start(call.tx, call.request).boxed()
    };
    MiningSessionStartInput(Optional) {}
    MiningSessionStartPayload(MiningSessionUserError) = |ctx, id: [Uuid; 2]| {
        /// The started session; null when refused.
        session: Loaded<MiningSession> = load(ctx, SessionId::from(id)).await,
    }

    /// Claims the caller's newest session: reward and milestone points are in the wallet when the command returns.
    mining_session_claim = MINING_SESSION_CLAIM, |call| {
        mining_session_claim(call.tx, call.request).boxed()
    };
    MiningSessionClaimInput(Required) {}
    MiningSessionClaimPayload(MiningSessionUserError) = |ctx, done: SessionClaimed| {
        /// Milestone points credited to the wallet, 0 if none; null when refused.
        milestone_points: Option<Decimal> = Some(Decimal::points(Minor(done.milestone_points))),
        /// The caller's miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(done.user_id)).await,
        /// Reward paid; null when refused.
        points_earned: Option<Decimal> = Some(Decimal::points(Minor(done.points_earned))),
        /// The claimed session; null when refused.
        session: Loaded<MiningSession> = load(ctx, SessionId::from([done.user_id, done.session_id])).await,
    }
}
