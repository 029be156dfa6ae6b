//! Recording that a person's identity was verified.

use chrono::TimeDelta;
use domain::mining::KycRefusal;
use domain::time::plus;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::mining::miner::locks::{MinerRef, lock_miners, take};
use crate::mining::referral::changes;
use crate::platform::audit::{About, Change};
use crate::platform::users;
use crate::prelude::*;

commands! {
    KycRefusal;
    KYC_COMPLETE = "mining.kyc_complete", KycComplete, Optional: InFuture;
}

/// Tolerated difference between the caller's clock and the platform's.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// Result of [`kyc_complete`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KycCompleted {
    /// The person.
    pub user_id: Uuid,
    /// Referral through which the person joined: the referrer's user, and its id.
    pub referral_id: Option<[Uuid; 2]>,
}

/// Records that a person's identity was verified, before or after registration. The first report counts; the referral
/// that waits for it becomes active.
pub async fn kyc_complete(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    completed_at: Option<Timestamp>,
) -> Result<Answer<KycCompleted>> {
    let request = &request.with_subject(user);
    once(tx, request, &KYC_COMPLETE, async |tx, key| {
        key.about = Some(About::new("user", Some(user.0), None));
        let completed_at = completed_at.unwrap_or(tx.now());
        if completed_at > plus(tx.now(), CLOCK_SKEW) {
            return Err(KycRefusal::InFuture.into());
        }
        users::ensure(tx, user, None).await?;
        let before = users::lock_kyc(tx.conn(), user).await?;
        let completed_at = before.unwrap_or(completed_at);
        if before.is_none() {
            users::store_kyc(tx, user, completed_at).await?;
        }
        let referral_id = verify_referral(tx, request, user).await?;
        key.change = Some(Change {
            before: json!({"kycCompletedAt": before}),
            after: json!({"kycCompletedAt": completed_at}),
        });
        Ok(KycCompleted {
            user_id: user.0,
            referral_id: referral_id.map(Into::into),
        })
    })
    .await
}

/// Finds the referral of a verified person and activates it if it waited for KYC.
async fn verify_referral(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
) -> Result<Option<ReferralId>> {
    let Some(id) = MinerRef::User(user).find(tx.conn()).await? else {
        return Ok(None);
    };
    let Some(through) = changes::lock_referral(tx.conn(), user).await? else {
        return Ok(None);
    };
    let mut locked = lock_miners(tx, &[id, through.referrer_id]).await?;
    let miner = take(&mut locked, id)?;
    let referrer = take(&mut locked, through.referrer_id)?;
    changes::verify(tx, request, &through, &referrer, &miner).await?;
    Ok(Some(through.id))
}
