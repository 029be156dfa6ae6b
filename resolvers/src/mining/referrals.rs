//! Commands about referrals: saying who brought one, and what lets that count.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::Datelike;
use db::mining::commands;
use domain::access::{Action, Relation};
use domain::ids::{MinerId, ReferralId, UserId};
use domain::wallets::Origin;
use uuid::Uuid;

use super::objects::{Miner, MinerProfile, MiningUserError, Referral};
use crate::errors::ApiError;
use crate::inputs::{KeyRule, command};
use crate::outcome::{outcome, payloads};
use crate::request::{Asked, authorize, authorize_service};
use crate::scalars::DateTime;

payloads!(MiningUserError:
    ReferralApplyPayload,
    KycCompletePayload,
);

/// Commands about referrals.
#[derive(Default)]
pub struct ReferralMutation;

#[Object]
impl ReferralMutation {
    /// Says who brought the caller: once, for ever. The referral is active at once when the caller's KYC is complete or
    /// none is required, else it waits for that. Requires: a signed-in user. Refusals, in this order: MINER_NOT_FOUND,
    /// MINER_SUSPENDED, MINER_BANNED, ALREADY_REFERRED, REFERRAL_CODE_UNKNOWN, OWN_REFERRAL_CODE, REFERRAL_CYCLE.
    async fn referral_apply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: ReferralApplyInput,
    ) -> Option<Result<ReferralApplyPayload, ApiError>> {
        Some(apply(ctx, input).await)
    }

    /// Says that a person's identity was verified, whether they are known yet or not. The first time counts: a second
    /// one answers what is stored. A referral that waited for it becomes active; inactive while its miner is suspended
    /// or banned. Requires: a service with `mining:events`. Refusals: KYC_IN_FUTURE.
    async fn kyc_complete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: KycCompleteInput,
    ) -> Option<Result<KycCompletePayload, ApiError>> {
        Some(complete(ctx, input).await)
    }
}

/// What `referralApply` needs.
#[derive(InputObject)]
pub struct ReferralApplyInput {
    /// The code of who brought the caller: 8 characters, in either case.
    pub referral_code: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `referralApply` did.
#[derive(SimpleObject, Default)]
pub struct ReferralApplyPayload {
    /// The referral; null when refused.
    pub referral: Option<Result<Referral, ApiError>>,
    /// Who brought the caller; null when refused.
    pub referrer: Option<Result<MinerProfile, ApiError>>,
    /// Whether it counted at once; null when refused.
    pub is_active: Option<bool>,
    /// The caller's miner after; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn apply(
    ctx: &Context<'_>,
    input: ReferralApplyInput,
) -> Result<ReferralApplyPayload, ApiError> {
    const NAME: &str = "mining.referral_apply";
    let user = authorize(ctx, Relation::Own, Action::ReferralApply, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, &input, key, KeyRule::Optional)?;
    let code = input.referral_code;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::referral_apply(tx, &request, user, &code).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => ReferralApplyPayload {
            // It is done: what can't be shown of it is null, and takes nothing else away.
            referral: Referral::load(ctx, ReferralId(done.referral_id))
                .await
                .transpose(),
            referrer: MinerProfile::load(ctx, MinerId(done.referrer_id))
                .await
                .transpose(),
            is_active: Some(done.is_active),
            miner: Miner::load(ctx, MinerId(done.miner_id)).await.transpose(),
            ..ReferralApplyPayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `kycComplete` needs.
#[derive(InputObject)]
pub struct KycCompleteInput {
    /// Whose identity: the subject of their tokens.
    pub user_id: Uuid,
    /// When it was verified, from 1970 on and at most 5 minutes ahead; now without it.
    pub completed_at: Option<DateTime>,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `kycComplete` did.
#[derive(SimpleObject, Default)]
pub struct KycCompletePayload {
    /// Whose identity; null when refused.
    pub user_id: Option<Uuid>,
    /// When it was verified, as it was said first; null when refused.
    pub kyc_completed_at: Option<DateTime>,
    /// The referral that brought them; null when there is none, and when refused.
    pub referral: Option<Result<Referral, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn complete(
    ctx: &Context<'_>,
    input: KycCompleteInput,
) -> Result<KycCompletePayload, ApiError> {
    const NAME: &str = "mining.kyc_complete";
    authorize_service(ctx, Action::KycComplete, NAME).await?;
    let key = input.idempotency_key.as_deref();
    let mut request = command(ctx, &input, key, KeyRule::Optional)?;
    request.origin = Origin::Service;
    let (user, completed_at) = (UserId(input.user_id), input.completed_at.map(|at| at.0));
    // PostgreSQL doesn't know every year chrono does.
    if completed_at.is_some_and(|at| !(1970..=9999).contains(&at.year())) {
        return Err(ApiError::bad_input("`completedAt` is from 1970 to 9999"));
    }
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::kyc_complete(tx, &request, user, completed_at).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => {
            let referral = match done.referral_id {
                Some(id) => Referral::load(ctx, ReferralId(id)).await.transpose(),
                None => None,
            };
            KycCompletePayload {
                user_id: Some(done.user_id),
                kyc_completed_at: Some(done.completed_at.into()),
                referral,
                ..KycCompletePayload::default()
            }
        }
        Err(refused) => refused,
    })
}
