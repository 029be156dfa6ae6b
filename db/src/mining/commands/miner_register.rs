//! Becoming a miner, brought by somebody or not.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::access::Person;
use domain::ids::{MinerId, UserId};
use domain::mining::{
    Applied, Miner, MinerStatus, MiningRefusal, ReferralCode, ReferralStatus, Role,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::role_of;
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::mining::rows::MinerRow;
use crate::outbox::{self, NewEvent};
use crate::schema::{miners, referrals};
use crate::text::Text as _;
use crate::{Connection, DbError, Tx, configuration, users};

/// What registering gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinerRegistered {
    /// The miner, new or not.
    pub miner_id: Uuid,
}

/// Makes a person a miner; one who is already keeps the miner they have.
///
/// A referral code makes a referral of it, active at once when the person's identity is verified or need not be.
///
/// Refusals: [`MiningRefusal::ReferralCodeUnknown`].
pub async fn miner_register(
    tx: &mut Tx,
    request: &Request,
    person: &Person,
    referral_code: Option<&str>,
) -> Result<Answer<MinerRegistered>, DbError> {
    let key = match idempotency::claim(tx, "mining.miner_register", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = register(tx, request, person, referral_code).await?;
    key.settle(tx, request, outcome).await
}

async fn register(
    tx: &mut Tx,
    request: &Request,
    person: &Person,
    referral_code: Option<&str>,
) -> Result<Result<MinerRegistered, MiningRefusal>, DbError> {
    if let Some(miner_id) = miner_of(tx.conn(), person.id).await? {
        return Ok(Ok(MinerRegistered { miner_id }));
    }
    let referrer = match referral_code {
        None => None,
        Some(text) => match lock_referrer(tx.conn(), text).await? {
            Some(referrer) => Some(referrer),
            None => return Ok(Err(MiningRefusal::ReferralCodeUnknown)),
        },
    };
    users::ensure(tx, person.id, person.name.as_deref()).await?;
    let Some(miner_id) = insert_miner(tx, person.id, referrer.as_ref()).await? else {
        // Another request of the same person was first.
        let miner_id = miner_of(tx.conn(), person.id)
            .await?
            .ok_or_else(|| DbError::inconsistent("miners", "user_id", person.id))?;
        return Ok(Ok(MinerRegistered { miner_id }));
    };
    let created = NewEvent {
        name: "MinerCreated",
        subject_kind: "miner",
        subject_id: miner_id,
        audience: Some(person.id),
        sequence: 1,
        payload: json!({"minerId": miner_id, "userId": person.id.0}),
        transaction_id: None,
    };
    outbox::append(tx, &request.request_id, created).await?;
    if let Some(referrer) = referrer {
        refer(tx, request, referrer, MinerId(miner_id), person.id).await?;
    }
    Ok(Ok(MinerRegistered { miner_id }))
}

async fn miner_of(conn: &mut Connection, user: UserId) -> Result<Option<Uuid>, DbError> {
    Ok(miners::table
        .filter(miners::user_id.eq(user.0))
        .select(miners::id)
        .first(conn)
        .await
        .optional()?)
}

/// Locks the active miner with a referral code: their role may follow from another referral.
async fn lock_referrer(conn: &mut Connection, code: &str) -> Result<Option<Miner>, DbError> {
    let Some(code) = ReferralCode::parse(code) else {
        return Ok(None);
    };
    let row: Option<MinerRow> = miners::table
        .filter(miners::referral_code.eq(code.as_str()))
        .filter(miners::status.eq(MinerStatus::Active.text()))
        .select(MinerRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(Miner::try_from).transpose()
}

/// Inserts a miner under a code nobody has; none when the person has one already.
async fn insert_miner(
    tx: &mut Tx,
    user: UserId,
    referrer: Option<&Miner>,
) -> Result<Option<Uuid>, DbError> {
    let id = tx.new_id();
    let now = tx.now();
    for _ in 0..8 {
        let code = ReferralCode::from_random(tx.ids().bytes());
        let inserted = diesel::insert_into(miners::table)
            .values((
                miners::id.eq(id),
                miners::user_id.eq(user.0),
                miners::role.eq(Role::Pioneer.text()),
                miners::status.eq(MinerStatus::Active.text()),
                miners::lifetime_points.eq(0),
                miners::current_streak.eq(0),
                miners::longest_streak.eq(0),
                miners::freeze_tokens.eq(0),
                miners::is_grace_period.eq(false),
                miners::milestones_paid.eq(Vec::<i32>::new()),
                miners::referral_code.eq(code.as_str()),
                miners::referred_by.eq(referrer.map(|referrer| referrer.id.0)),
                miners::version.eq(1),
                miners::created_at.eq(now),
                miners::updated_at.eq(now),
            ))
            .on_conflict_do_nothing()
            .execute(tx.conn())
            .await?;
        if inserted == 1 {
            return Ok(Some(id));
        }
        if miner_of(tx.conn(), user).await?.is_some() {
            return Ok(None);
        }
    }
    Err(DbError::inconsistent(
        "miners",
        "referral_code",
        "no code was free",
    ))
}

/// Records who brought whom, and what that makes of the referrer.
async fn refer(
    tx: &mut Tx,
    request: &Request,
    referrer: Miner,
    referred: MinerId,
    referred_user: UserId,
) -> Result<(), DbError> {
    let now = tx.now();
    let configuration = configuration::mining(tx.conn()).await?;
    let kyc_complete = users::is_kyc_complete(tx.conn(), referred_user).await?;
    let applied = Applied::now(kyc_complete, &configuration);
    let is_active = applied.status == ReferralStatus::Active;
    let id = tx.new_id();
    diesel::insert_into(referrals::table)
        .values((
            referrals::id.eq(id),
            referrals::referrer_id.eq(referrer.id.0),
            referrals::referred_id.eq(referred.0),
            referrals::referral_code.eq(referrer.referral_code.as_str()),
            referrals::bonus_bps.eq(applied.bonus.0),
            referrals::status.eq(applied.status.text()),
            referrals::created_at.eq(now),
            referrals::activated_at.eq(is_active.then_some(now)),
        ))
        .execute(tx.conn())
        .await?;
    if !is_active {
        return Ok(());
    }
    let role = role_of(tx.conn(), &referrer, referrer.role == Role::NodeOperator).await?;
    let version = referrer.version + 1;
    diesel::update(miners::table.find(referrer.id.0))
        .set((
            miners::role.eq(role.text()),
            miners::version.eq(version),
            miners::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    let activated = NewEvent {
        name: "ReferralActivated",
        subject_kind: "miner",
        subject_id: referrer.id.0,
        audience: Some(referrer.user_id),
        sequence: version,
        payload: json!({
            "referralId": id, "referrerId": referrer.id.0, "referredUserId": referred_user.0,
            "bonusRate": applied.bonus.to_decimal().to_string(),
        }),
        transaction_id: None,
    };
    outbox::append(tx, &request.request_id, activated).await
}
