//! Applying a referral code after registration.

use domain::mining::referral::apply;
use domain::mining::{Application, ReferralRefusal};

use super::changes;
use crate::mining::configuration;
use crate::mining::miner::locks::{MinerRef, lock_miners, seek};
use crate::platform::users;
use crate::prelude::*;

commands! {
    ReferralRefusal;
    REFERRAL_APPLY = "mining.referral_apply", ReferralApply, Optional:
        MinerNotFound, MinerSuspended, MinerBanned, AlreadyReferred, CodeUnknown, OwnCode, Cycle;
}

/// Names the caller's referrer, once; the referral is active at once when no KYC is missing. Returns the referrer's user and the referral's id.
pub async fn referral_apply(
    tx: &mut Tx,
    request: &Request,
    code: &str,
) -> Result<Answer<[Uuid; 2]>> {
    once(tx, request, &REFERRAL_APPLY, async |tx, _| {
        let user = request.person()?.id;
        let id = MinerRef::User(user).find(tx.conn()).await?;
        let id = id.ok_or(ReferralRefusal::MinerNotFound)?;
        changes::lock_graph(tx.conn()).await?;
        let kyc_completed_at = users::lock_kyc(tx.conn(), user).await?;
        // Read without a lock: codes never change, and the status is checked under the lock.
        let referrer = MinerRef::Code(code.to_owned()).find(tx.conn()).await?;
        let ids: Vec<_> = std::iter::once(id).chain(referrer).collect();
        let locked = lock_miners(tx, &ids).await?;
        let miner = seek(&locked, id)?;
        let referrer = referrer.map(|id| seek(&locked, id)).transpose()?;
        let closes_cycle = match referrer {
            Some(referrer) => changes::is_referred_by(tx.conn(), referrer, id.user).await?,
            None => false,
        };
        let configuration = configuration::in_force(tx.conn()).await?;
        let application = Application {
            miner,
            referrer,
            closes_cycle,
            kyc_complete: kyc_completed_at.is_some(),
        };
        let applied = apply(&application, &configuration)?;
        let referrer = referrer.ok_or(ReferralRefusal::CodeUnknown)?;
        let referral = changes::create(tx, request, referrer, miner, applied).await?;
        Ok(referral.into())
    })
    .await
}
