//! Registering as a miner, with or without a referral code.

use domain::mining::{Applied, Miner, MinerRefusal, MinerStatus, ReferralCode};

use crate::mining::configuration;
use crate::mining::miner::events::MinerEvent;
use crate::mining::miner::locks::{MinerRef, lock_miner, user_of_code};
use crate::mining::miner::rows::{MinerRow, pioneer};
use crate::mining::referral::changes;
use crate::outbox::SubjectEvents;
use crate::platform::users;
use crate::prelude::*;
use crate::schema::{miners, referral_codes};

commands! {
    MinerRefusal;
    MINER_REGISTER = "mining.miner_register", MinerRegister, Optional: ReferralCodeUnknown;
}

/// Registers the caller as a miner; returns the user, also of one that exists.
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
        if own.find(tx.conn()).await?.is_some() {
            return Ok(person.id.0);
        }
        users::ensure(tx, person.id, person.name.as_ref()).await?;
        // Locked before the referrer: the person's verification decides the state of the referral, and every command
        // locks it first.
        let kyc_completed_at = users::lock_kyc(tx.conn(), person.id).await?;
        if own.find(tx.conn()).await?.is_some() {
            return Err(DbError::Contended("registered concurrently".to_owned()).into());
        }
        let referrer = match referral_code {
            None => None,
            Some(text) => {
                let referrer = lock_referrer(tx.conn(), text).await?;
                Some(referrer.ok_or(MinerRefusal::ReferralCodeUnknown)?)
            }
        };
        // A refusal would commit the code: it is reserved behind the last one. Nobody waits for a random code.
        let code = reserve_code(tx, person.id).await?;
        let id = MinerId {
            user: person.id,
            uuid: tx.new_id(),
        };
        let miner = pioneer(id, code, tx.now());
        diesel::insert_into(miners::table)
            .values(MinerRow::try_from(&miner)?)
            .execute(tx.conn())
            .await?;
        let mut events = SubjectEvents::new("miner", person.id.0, 0);
        events.audience = Some(person.id);
        events.push(MinerEvent::MinerCreated {
            miner_id: id.uuid,
            user_id: person.id.0,
        });
        events.enqueue(tx, &request.request_id)?;
        if let Some(referrer) = referrer {
            let configuration = configuration::in_force(tx.conn()).await?;
            let applied = Applied::now(kyc_completed_at.is_some(), &configuration);
            changes::create(tx, request, &referrer, &miner, applied).await?;
        }
        Ok(person.id.0)
    })
    .await
}

/// Locks the active miner with a referral code, whose role may change with the referral.
async fn lock_referrer(conn: &mut Connection, code: &str) -> Result<Option<Miner>> {
    let Some(user) = user_of_code(conn, code).await? else {
        return Ok(None);
    };
    let miner = lock_miner(conn, user).await?;
    Ok(miner.filter(|miner| miner.status == MinerStatus::Active))
}

/// Inserts an unused referral code of a user into the directory.
async fn reserve_code(tx: &mut Tx, user: UserId) -> Result<ReferralCode> {
    for _ in 0..8 {
        let code = ReferralCode::from_random(tx.ids().bytes());
        let reserved = diesel::insert_into(referral_codes::table)
            .values((
                referral_codes::code.eq(code.as_str()),
                referral_codes::user_id.eq(user.0),
            ))
            .on_conflict_do_nothing()
            .execute(tx.conn())
            .await?;
        if reserved == 1 {
            return Ok(code);
        }
    }
    Err(DbError::inconsistent(
        "referral_codes",
        "code",
        "no unused code was found",
    ))
}
