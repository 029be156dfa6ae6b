//! Root fields of Mutation about sessions.

#![expect(dead_code, reason = "the engine derives a getter for each field")]

use async_graphql::{Context, Object};
use db::mining::session::commands::{
    MINING_SESSION_CLAIM, MINING_SESSION_START, SessionClaimed, mining_session_claim,
    mining_session_start,
};
use domain::ids::{MinerId, SessionId};
use domain::money::Minor;
use futures_util::FutureExt;

use super::objects::MiningSession;
use super::refusals::MiningSessionUserError;
use crate::command::{Loaded, command_types, run};
use crate::errors::ApiError;
use crate::mining::miner::objects::Miner;
use crate::node::NodeType;
use crate::scalars::Decimal;

command_types! {
    MiningSessionStartInput(Optional) {}
    MiningSessionStartPayload(MiningSessionUserError) {
        /// The started session; null when refused.
        session: Loaded<MiningSession>,
    }

    MiningSessionClaimInput(Required) {}
    MiningSessionClaimPayload(MiningSessionUserError) {
        /// Milestone points paid, 0 if none; null when refused.
        milestone_points: Option<Decimal>,
        /// The caller's miner; null when refused.
        miner: Loaded<Miner>,
        /// Reward paid; null when refused.
        points_earned: Option<Decimal>,
        /// The claimed session; null when refused.
        session: Loaded<MiningSession>,
    }
}

/// Commands on sessions.
#[derive(Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Starts a session at the caller's present rate.
    async fn mining_session_start(
        &self,
        ctx: &Context<'_>,
        input: MiningSessionStartInput,
    ) -> Option<Result<MiningSessionStartPayload, ApiError>> {
        run(
            ctx,
            &MINING_SESSION_START,
            input,
            |call| mining_session_start(call.tx, call.request).boxed(),
            async |id| MiningSessionStartPayload {
                session: MiningSession::load(ctx, SessionId(id)).await.transpose(),
                ..MiningSessionStartPayload::default()
            },
        )
        .await
    }

    /// Claims the caller's newest session: reward and milestone points are in the wallet when the command returns.
    async fn mining_session_claim(
        &self,
        ctx: &Context<'_>,
        input: MiningSessionClaimInput,
    ) -> Option<Result<MiningSessionClaimPayload, ApiError>> {
        run(
            ctx,
            &MINING_SESSION_CLAIM,
            input,
            |call| mining_session_claim(call.tx, call.request).boxed(),
            async |done: SessionClaimed| MiningSessionClaimPayload {
                milestone_points: Some(Decimal::points(Minor(done.milestone_points))),
                miner: Miner::load(ctx, MinerId(done.miner_id)).await.transpose(),
                points_earned: Some(Decimal::points(Minor(done.points_earned))),
                session: MiningSession::load(ctx, SessionId(done.session_id)).await.transpose(),
                ..MiningSessionClaimPayload::default()
            },
        )
        .await
    }
}
