//! Registering as a miner, with or without a referral code.

use diesel::{ExpressionMethods, HasQuery, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::UserId;
use domain::mining::{Applied, Miner, MinerRefusal, MinerRefusalKind, MinerStatus, ReferralCode};

use crate::Connection;
use crate::mining::configuration;
use crate::mining::events::MiningEvent;
use crate::mining::miner::locks::{MinerRef, lock_miner};
use crate::mining::miner::rows::{MinerRow, pioneer};
use crate::mining::referral::changes;
use crate::outbox::SubjectEvents;
use crate::platform::users;
use crate::prelude::*;
use crate::schema::miners;

/// Descriptor of [`miner_register`].
pub const MINER_REGISTER: Command<MinerRefusal> = Command {
    name: "mining.miner_register",
    action: Action::MinerRegister,
    key: KeyRule::Optional,
    refusals: codes!(MinerRefusalKind: ReferralCodeUnknown),
};

/// Registers the caller as a miner; returns the miner's id, also of one that exists.
///
/// With a referral code it creates a referral, which is active at once when no KYC is missing.
pub async fn miner_register(
    tx: &mut Tx,
    request: &Request,
    referral_code: Option<&str>,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_REGISTER, async |tx, _| {
        let person = request.person()?;
        let own = MinerRef::User(person.id);
        if let Some(miner_id) = own.find(tx.conn()).await? {
            return Ok(miner_id.0);
        }
        users::ensure(tx, person.id, person.name.as_deref()).await?;
        // Locked before the referrer: the person's verification decides the state of the referral, and every command
        // locks it first.
        let kyc_completed_at = users::lock_kyc(tx.conn(), person.id).await?;
        let referrer = match referral_code {
            None => None,
            Some(text) => {
                let referrer = lock_referrer(tx.conn(), text).await?;
                Some(referrer.ok_or(MinerRefusal::ReferralCodeUnknown)?)
            }
        };
        let Some(miner_id) = insert_miner(tx, person.id).await? else {
            // A concurrent request of the same person created the miner.
            let miner_id = own.find(tx.conn()).await?;
            let missing = || DbError::inconsistent("miners", "user_id", person.id);
            return Ok(miner_id.ok_or_else(missing)?.0);
        };
        let mut events = SubjectEvents::new("miner", miner_id, 0);
        events.audience = Some(person.id);
        events.push(MiningEvent::MinerCreated {
            miner_id,
            user_id: person.id.0,
        });
        events.enqueue(tx, &request.request_id)?;
        if let Some(referrer) = referrer {
            let miner = lock_miner(tx.conn(), person.id).await?;
            let miner =
                miner.ok_or_else(|| DbError::inconsistent("miners", "user_id", person.id))?;
            let configuration = configuration::in_force(tx.conn()).await?;
            let applied = Applied::now(kyc_completed_at.is_some(), &configuration);
            changes::create(tx, request, &referrer, &miner, applied).await?;
        }
        Ok(miner_id)
    })
    .await
}

/// Locks the active miner with a referral code, whose role may change with the referral.
async fn lock_referrer(conn: &mut Connection, code: &str) -> Result<Option<Miner>> {
    let Some(code) = ReferralCode::parse(code) else {
        return Ok(None);
    };
    let row: Option<MinerRow> = MinerRow::query()
        .filter(miners::referral_code.eq(code.as_str()))
        .filter(miners::status.eq(MinerStatus::Active.name()))
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(Miner::try_from).transpose()
}

/// Inserts a miner under an unused referral code; none when the person has a miner.
async fn insert_miner(tx: &mut Tx, user: UserId) -> Result<Option<Uuid>> {
    let id = tx.new_id();
    for _ in 0..8 {
        let code = ReferralCode::from_random(tx.ids().bytes());
        let miner = pioneer(id, user, code, tx.now());
        let inserted = diesel::insert_into(miners::table)
            .values(MinerRow::try_from(&miner)?)
            .on_conflict_do_nothing()
            .execute(tx.conn())
            .await?;
        if inserted == 1 {
            return Ok(Some(id));
        }
        if MinerRef::User(user).find(tx.conn()).await?.is_some() {
            return Ok(None);
        }
    }
    Err(DbError::inconsistent(
        "miners",
        "referral_code",
        "no unused code was found",
    ))
}
