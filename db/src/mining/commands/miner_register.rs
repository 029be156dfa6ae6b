//! Becoming a miner, brought by somebody or not.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::access::Person;
use domain::ids::UserId;
use domain::mining::{Applied, Miner, MinerStatus, MiningRefusal, ReferralCode, Role};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{lock_miner, referral};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::mining::rows::MinerRow;
use crate::outbox::{self, NewEvent};
use crate::schema::miners;
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
    // Before the referrer: whether this person is verified decides what the referral is, and is locked first everywhere.
    users::ensure(tx, person.id, person.name.as_deref()).await?;
    let kyc_completed_at = users::lock_kyc(tx.conn(), person.id).await?;
    let referrer = match referral_code {
        None => None,
        Some(text) => match lock_referrer(tx.conn(), text).await? {
            Some(referrer) => Some(referrer),
            None => return Ok(Err(MiningRefusal::ReferralCodeUnknown)),
        },
    };
    let Some(miner_id) = insert_miner(tx, person.id).await? else {
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
        let miner = lock_miner(tx.conn(), person.id)
            .await?
            .ok_or_else(|| DbError::inconsistent("miners", "user_id", person.id))?;
        let configuration = configuration::mining(tx.conn()).await?;
        let applied = Applied::now(kyc_completed_at.is_some(), &configuration);
        referral::create(tx, request, &referrer, &miner, applied).await?;
    }
    Ok(Ok(MinerRegistered { miner_id }))
}

/// The miner of a person.
pub(super) async fn miner_of(conn: &mut Connection, user: UserId) -> Result<Option<Uuid>, DbError> {
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
async fn insert_miner(tx: &mut Tx, user: UserId) -> Result<Option<Uuid>, DbError> {
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
