//! Referrals: made, switched on and off, each with what that makes of who brought somebody.

use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::{MinerId, ReferralId, UserId};
use domain::mining::{Applied, Bps, Miner, ReferralStatus, Role};
use domain::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::MinerEvents;
use super::role_of;
use crate::idempotency::Request;
use crate::schema::{miners, referrals};
use crate::text::Text as _;
use crate::{Connection, DbError, Tx};

/// The referral that brought a miner.
pub(super) struct Referral {
    pub id: ReferralId,
    /// Who brought them.
    pub referrer_id: MinerId,
    referred_id: MinerId,
    pub status: ReferralStatus,
    bonus: Bps,
    activated_at: Option<Timestamp>,
}

impl Referral {
    /// What events tell of it.
    fn told(&self, referred: UserId) -> Value {
        json!({
            "referralId": self.id.0, "referrerId": self.referrer_id.0, "referredId": self.referred_id.0,
            "referredUserId": referred.0, "bonusRate": self.bonus.to_decimal().to_string(),
        })
    }
}

/// Locks the graph of referrals, until the end of the transaction. Comes before the lock of any row.
///
/// Whether a code closes a cycle depends on referrals of people that the command has no other business with, and rows
/// that aren't there yet can't be locked: two of a ring would each find the ring still open. So whoever ties two miners
/// that both exist does it alone. A new miner needs no such lock: nobody can have applied the code of who isn't there.
pub(super) async fn lock_graph(conn: &mut Connection) -> Result<(), DbError> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(727278)")
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether a miner was brought by another one, directly or through others. The graph is locked.
pub(super) async fn is_brought_by(
    conn: &mut Connection,
    miner: MinerId,
    by: MinerId,
) -> Result<bool, DbError> {
    #[derive(diesel::QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    // Everybody was brought by one at most, so this walks up a line, and UNION ends it whatever it finds.
    let found: Found = diesel::sql_query(
        "WITH RECURSIVE line AS (
             SELECT referrer_id FROM referrals WHERE referred_id = $1
             UNION
             SELECT r.referrer_id FROM referrals r JOIN line ON r.referred_id = line.referrer_id
         ) SELECT EXISTS (SELECT FROM line WHERE referrer_id = $2) AS found",
    )
    .bind::<SqlUuid, _>(miner.0)
    .bind::<SqlUuid, _>(by.0)
    .get_result(conn)
    .await?;
    Ok(found.found)
}

/// Whether the referral that brought a miner was locked before them. They may have said who brought them in between: then
/// the whole command begins anew.
pub(super) fn must_be_known(miner: &Miner, brought: Option<&Referral>) -> Result<(), DbError> {
    if brought.is_none() && miner.referred_by.is_some() {
        return Err(DbError::Contended(
            "somebody said meanwhile who brought them".to_owned(),
        ));
    }
    Ok(())
}

/// Locks the referral that brought a miner, if one did. Comes before the locks of both miners.
pub(super) async fn lock_referral(
    conn: &mut Connection,
    referred: MinerId,
) -> Result<Option<Referral>, DbError> {
    let row: Option<(Uuid, Uuid, i32, String, Option<Timestamp>)> = referrals::table
        .filter(referrals::referred_id.eq(referred.0))
        .select((
            referrals::id,
            referrals::referrer_id,
            referrals::bonus_bps,
            referrals::status,
            referrals::activated_at,
        ))
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(|(id, referrer, bonus, status, activated_at)| {
        Ok(Referral {
            id: ReferralId(id),
            referrer_id: MinerId(referrer),
            referred_id: referred,
            bonus: Bps(bonus),
            status: ReferralStatus::read("referrals", "status", &status)?,
            activated_at,
        })
    })
    .transpose()
}

/// Makes a referral between two miners whose rows are locked (or new), with what that makes of both.
pub(super) async fn create(
    tx: &mut Tx,
    request: &Request,
    referrer: &Miner,
    referred: &Miner,
    applied: Applied,
) -> Result<ReferralId, DbError> {
    let now = tx.now();
    let is_active = applied.status == ReferralStatus::Active;
    let referral = Referral {
        id: ReferralId(tx.new_id()),
        referrer_id: referrer.id,
        referred_id: referred.id,
        status: applied.status,
        bonus: applied.bonus,
        activated_at: is_active.then_some(now),
    };
    diesel::insert_into(referrals::table)
        .values((
            referrals::id.eq(referral.id.0),
            referrals::referrer_id.eq(referrer.id.0),
            referrals::referred_id.eq(referred.id.0),
            referrals::referral_code.eq(referrer.referral_code.as_str()),
            referrals::bonus_bps.eq(referral.bonus.0),
            referrals::status.eq(referral.status.text()),
            referrals::created_at.eq(now),
            referrals::activated_at.eq(referral.activated_at),
        ))
        .execute(tx.conn())
        .await?;
    let mut events = MinerEvents::of(referred, None);
    let mut told = referral.told(referred.user_id);
    told["isActive"] = is_active.into();
    events.push("ReferralApplied", told);
    let version = events.store(tx, request).await?;
    diesel::update(miners::table.find(referred.id.0))
        .set((
            miners::referred_by.eq(referrer.id.0),
            miners::version.eq(version),
            miners::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    if is_active {
        let name = "ReferralActivated";
        tell_referrer(tx, request, name, &referral, referrer, referred.user_id).await?;
    }
    Ok(referral.id)
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
    let to = referral.status.turned(to);
    change(tx, request, referral, to, referrer, referred).await
}

/// Makes a referral what its referred person's verification makes of it, with what that makes of the referrer.
pub(super) async fn verify(
    tx: &mut Tx,
    request: &Request,
    referral: &Referral,
    referrer: &Miner,
    referred: &Miner,
) -> Result<(), DbError> {
    let to = referral.status.verified(referred.status);
    change(tx, request, referral, to, referrer, referred.user_id).await
}

async fn change(
    tx: &mut Tx,
    request: &Request,
    referral: &Referral,
    to: ReferralStatus,
    referrer: &Miner,
    referred: UserId,
) -> Result<(), DbError> {
    if to == referral.status {
        return Ok(());
    }
    let first = (to == ReferralStatus::Active).then_some(tx.now());
    diesel::update(referrals::table.find(referral.id.0))
        .set((
            referrals::status.eq(to.text()),
            referrals::activated_at.eq(referral.activated_at.or(first)),
        ))
        .execute(tx.conn())
        .await?;
    let name = match (referral.status, to) {
        (_, ReferralStatus::Active) => "ReferralActivated",
        (ReferralStatus::Active, _) => "ReferralDeactivated",
        // It counted for nobody before.
        _ => return Ok(()),
    };
    tell_referrer(tx, request, name, referral, referrer, referred).await
}

/// Tells the referrer, whose row is locked, of a referral that counts from now on or doesn't, and gives them the role
/// that follows.
async fn tell_referrer(
    tx: &mut Tx,
    request: &Request,
    name: &'static str,
    referral: &Referral,
    referrer: &Miner,
    referred: UserId,
) -> Result<(), DbError> {
    let role = role_of(tx.conn(), referrer, referrer.role == Role::NodeOperator).await?;
    let mut events = MinerEvents::of(referrer, None);
    events.push(name, referral.told(referred));
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
