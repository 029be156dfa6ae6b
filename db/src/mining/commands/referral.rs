//! What a miner's standing means for who brought them: the referral of a suspended one counts for nobody.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::{MinerId, UserId};
use domain::mining::{Bps, Miner, ReferralStatus, Role};
use serde_json::json;
use uuid::Uuid;

use super::events::MinerEvents;
use super::role_of;
use crate::idempotency::Request;
use crate::schema::{miners, referrals};
use crate::text::Text as _;
use crate::{Connection, DbError, Tx};

/// The referral that brought a miner.
pub(super) struct Referral {
    id: Uuid,
    /// Who brought them.
    pub referrer_id: MinerId,
    bonus: Bps,
    status: ReferralStatus,
}

/// Locks the referral that brought a miner, if one did. Comes before the locks of both miners.
pub(super) async fn lock_referral(
    conn: &mut Connection,
    referred: MinerId,
) -> Result<Option<Referral>, DbError> {
    let row: Option<(Uuid, Uuid, i32, String)> = referrals::table
        .filter(referrals::referred_id.eq(referred.0))
        .select((
            referrals::id,
            referrals::referrer_id,
            referrals::bonus_bps,
            referrals::status,
        ))
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(|(id, referrer, bonus, status)| {
        Ok(Referral {
            id,
            referrer_id: MinerId(referrer),
            bonus: Bps(bonus),
            status: ReferralStatus::read("referrals", "status", &status)?,
        })
    })
    .transpose()
}

/// Makes a referral count, or not, as the referred miner is active or not, with what that makes of the referrer.
///
/// One that never counted still waits for what it waited for.
pub(super) async fn turn(
    tx: &mut Tx,
    request: &Request,
    referral: &Referral,
    to: ReferralStatus,
    referrer: &Miner,
    referred: UserId,
) -> Result<(), DbError> {
    let name = match (referral.status, to) {
        (ReferralStatus::Active, ReferralStatus::Inactive) => "ReferralDeactivated",
        (ReferralStatus::Inactive, ReferralStatus::Active) => "ReferralActivated",
        _ => return Ok(()),
    };
    diesel::update(referrals::table.find(referral.id))
        .set(referrals::status.eq(to.text()))
        .execute(tx.conn())
        .await?;
    let role = role_of(tx.conn(), referrer, referrer.role == Role::NodeOperator).await?;
    let mut events = MinerEvents::of(referrer, None);
    events.push(
        name,
        json!({
            "referralId": referral.id, "referrerId": referrer.id.0, "referredUserId": referred.0,
            "bonusRate": referral.bonus.to_decimal().to_string(),
        }),
    );
    events.role(referrer, role);
    let version = events.store(tx, request).await?;
    diesel::update(miners::table.find(referrer.id.0))
        .set((
            miners::role.eq(role.text()),
            miners::version.eq(version),
            miners::updated_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}
