//! Applying a referral code after registration.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::{MinerId, UserId};
use domain::mining::{Application, MiningRefusal, ReferralCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decide::lock_miners;
use super::{miner_register, referral};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::schema::miners;
use crate::{Connection, DbError, Tx, configuration, users};

/// What applying a code gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralApplied {
    /// The referral.
    pub referral_id: Uuid,
    /// Who brought them.
    pub referrer_id: Uuid,
    /// Who was brought.
    pub miner_id: Uuid,
    /// Whether it counted at once.
    pub is_active: bool,
}

/// Says who brought a miner, once for ever; active at once when the person's identity is verified or need not be.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::apply`].
pub async fn referral_apply(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    code: &str,
) -> Result<Answer<ReferralApplied>, DbError> {
    let key = match idempotency::claim(tx, "mining.referral_apply", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = apply(tx, request, user, code).await?;
    key.settle(tx, request, outcome).await
}

async fn apply(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    code: &str,
) -> Result<Result<ReferralApplied, MiningRefusal>, DbError> {
    let Some(id) = miner_register::miner_of(tx.conn(), user)
        .await?
        .map(MinerId)
    else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    referral::lock_graph(tx.conn()).await?;
    let kyc_completed_at = users::lock_kyc(tx.conn(), user).await?;
    let is_referred = referral::lock_referral(tx.conn(), id).await?.is_some();
    let referrer = owner_of(tx.conn(), code).await?;
    let ids: Vec<_> = std::iter::once(id).chain(referrer).collect();
    let locked = lock_miners(tx.conn(), &ids).await?;
    let find = |id| locked.iter().find(|miner| miner.id == id);
    let miner = find(id).ok_or_else(|| DbError::inconsistent("miners", "id", id))?;
    let referrer = referrer.and_then(find);
    let closes_cycle = match referrer {
        Some(referrer) => referral::is_brought_by(tx.conn(), referrer.id, id).await?,
        None => false,
    };
    let configuration = configuration::mining(tx.conn()).await?;
    let application = Application {
        miner,
        is_referred,
        referrer,
        closes_cycle,
        kyc_complete: kyc_completed_at.is_some(),
    };
    let (applied, referrer) = match (
        domain::mining::apply(&application, &configuration),
        referrer,
    ) {
        (Ok(applied), Some(referrer)) => (applied, referrer),
        (Ok(_), None) => return Ok(Err(MiningRefusal::ReferralCodeUnknown)),
        (Err(refusal), _) => return Ok(Err(refusal)),
    };
    let referral_id = referral::create(tx, request, referrer, miner, applied).await?;
    Ok(Ok(ReferralApplied {
        referral_id: referral_id.0,
        referrer_id: referrer.id.0,
        miner_id: id.0,
        is_active: applied.status == domain::mining::ReferralStatus::Active,
    }))
}

/// Whose code it is: codes never change, whether it still counts is seen once the miner is locked.
async fn owner_of(conn: &mut Connection, code: &str) -> Result<Option<MinerId>, DbError> {
    let Some(code) = ReferralCode::parse(code) else {
        return Ok(None);
    };
    let id: Option<Uuid> = miners::table
        .filter(miners::referral_code.eq(code.as_str()))
        .select(miners::id)
        .first(conn)
        .await
        .optional()?;
    Ok(id.map(MinerId))
}
