//! Learning that somebody's identity was verified.

use chrono::TimeDelta;
use domain::ids::{MinerId, ReferralId, UserId};
use domain::mining::MiningRefusal;
use domain::time::{Timestamp, plus};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::decide::{lock_miners, take};
use super::{miner_register, referral};
use crate::audit::{About, Change};
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::{DbError, Tx, users};

/// How far the clock of who says it may be ahead of ours.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// What is known of somebody whose identity was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KycCompleted {
    /// Who.
    pub user_id: Uuid,
    /// When: what was said first.
    pub completed_at: Timestamp,
    /// The referral that brought them, if one did.
    pub referral_id: Option<Uuid>,
}

/// Stores that a person's identity was verified, whether they are known yet or not. The first one to say so wins; the
/// referral that waited for it counts from now on.
///
/// Refusals: [`MiningRefusal::KycInFuture`].
pub async fn kyc_complete(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    completed_at: Option<Timestamp>,
) -> Result<Answer<KycCompleted>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.kyc_complete", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    key.about(About {
        entity_kind: "user",
        entity_id: Some(user.to_string()),
        reason: None,
    });
    let outcome = complete(tx, &mut key, request, user, completed_at).await?;
    key.settle(tx, request, outcome).await
}

async fn complete(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    user: UserId,
    completed_at: Option<Timestamp>,
) -> Result<Result<KycCompleted, MiningRefusal>, DbError> {
    let completed_at = completed_at.unwrap_or(tx.now());
    if completed_at > plus(tx.now(), CLOCKS_DIFFER) {
        return Ok(Err(MiningRefusal::KycInFuture));
    }
    users::ensure(tx, user, None).await?;
    let before = users::lock_kyc(tx.conn(), user).await?;
    let completed_at = before.unwrap_or(completed_at);
    if before.is_none() {
        users::store_kyc(tx, user, completed_at).await?;
    }
    let referral_id = referred(tx, request, user).await?;
    key.changed(Change {
        before: json!({"kycCompletedAt": before}),
        after: json!({"kycCompletedAt": completed_at}),
    });
    Ok(Ok(KycCompleted {
        user_id: user.0,
        completed_at,
        referral_id: referral_id.map(|id| id.0),
    }))
}

/// Finds the referral that brought a verified person, and makes it count if it waited for that.
async fn referred(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
) -> Result<Option<ReferralId>, DbError> {
    let Some(id) = miner_register::miner_of(tx.conn(), user)
        .await?
        .map(MinerId)
    else {
        return Ok(None);
    };
    let Some(brought) = referral::lock_referral(tx.conn(), id).await? else {
        return Ok(None);
    };
    let mut locked = lock_miners(tx.conn(), &[id, brought.referrer_id]).await?;
    let miner = take(&mut locked, id)?;
    let referrer = take(&mut locked, brought.referrer_id)?;
    referral::verify(tx, request, &brought, &referrer, &miner).await?;
    Ok(Some(brought.id))
}
