//! Applying a referral code after registration.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::access::Action;
use domain::ids::MinerId;
use domain::mining::referral::apply;
use domain::mining::{Application, ReferralCode, ReferralRefusal, ReferralRefusalKind};
use uuid::Uuid;

use crate::command::{Command, KeyRule, Request, codes};
use crate::idempotency::{Answer, once};
use crate::mining::configuration;
use crate::mining::miner::commands::miner_of;
use crate::mining::miner::locks::{lock_miners, seek};
use crate::mining::referral::changes;
use crate::platform::users;
use crate::schema::miners;
use crate::{Connection, DbError, Tx};

/// Descriptor of [`referral_apply`].
pub const REFERRAL_APPLY: Command<ReferralRefusal> = Command {
    name: "mining.referral_apply",
    action: Action::ReferralApply,
    key: KeyRule::Optional,
    refusals: codes!(
        ReferralRefusalKind: MinerNotFound, MinerSuspended, MinerBanned, AlreadyReferred, CodeUnknown, OwnCode, Cycle,
    ),
};

/// Names the caller's referrer, once; the referral is active at once when no KYC is missing. Returns its id.
pub async fn referral_apply(
    tx: &mut Tx,
    request: &Request,
    code: &str,
) -> Result<Answer<Uuid>, DbError> {
    once(tx, request, &REFERRAL_APPLY, async |tx, _| {
        let user = request.person()?.id;
        let id = miner_of(tx.conn(), user).await?.map(MinerId);
        let id = id.ok_or(ReferralRefusal::MinerNotFound)?;
        changes::lock_graph(tx.conn()).await?;
        let kyc_completed_at = users::lock_kyc(tx.conn(), user).await?;
        let is_referred = changes::lock_referral(tx.conn(), id).await?.is_some();
        let referrer = owner_of(tx.conn(), code).await?;
        let ids: Vec<_> = std::iter::once(id).chain(referrer).collect();
        let locked = lock_miners(tx.conn(), &ids).await?;
        let miner = seek(&locked, id)?;
        let referrer = referrer.map(|id| seek(&locked, id)).transpose()?;
        let closes_cycle = match referrer {
            Some(referrer) => changes::is_referred_by(tx.conn(), referrer.id, id).await?,
            None => false,
        };
        let configuration = configuration::in_force(tx.conn()).await?;
        let application = Application {
            miner,
            is_referred,
            referrer,
            closes_cycle,
            kyc_complete: kyc_completed_at.is_some(),
        };
        let applied = apply(&application, &configuration)?;
        let referrer = referrer.ok_or(ReferralRefusal::CodeUnknown)?;
        let referral = changes::create(tx, request, referrer, miner, applied).await?;
        Ok(referral.0)
    })
    .await
}

/// The miner with a referral code, read without a lock: codes never change, and the status is checked under the lock.
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
