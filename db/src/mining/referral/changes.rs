//! Changes of referrals, and the referrer's role that follows.

use domain::mining::{Applied, Miner, ReferralStatus, Role};

use super::rows::{Referral, ReferralRow};
use crate::mining::miner::events::{MinerEvent, MinerEvents, ReferralChanged};
use crate::mining::miner::locks::store_role;
use crate::mining::miner::role_of;
use crate::prelude::*;
use crate::schema::{miners, referrals};

/// Locks the graph of referrals until the end of the transaction, before any row.
///
/// Whether a code closes a cycle depends on other miners' referrals, and rows that do not exist yet cannot be locked: two
/// concurrent referrals could close a cycle together. So referrals between existing miners are created one at a time. A
/// new miner needs no such lock, because its code was never applied.
pub(in crate::mining) async fn lock_graph(conn: &mut Connection) -> Result<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(727278)")
        .execute(conn)
        .await?;
    Ok(())
}

/// Most referrers between a miner and the first one of the line.
const LONGEST_LINE: usize = 1_000;

/// Whether a miner was referred by another one, directly or through others. The graph is locked.
pub(in crate::mining) async fn is_referred_by(
    conn: &mut Connection,
    miner: &Miner,
    by: UserId,
) -> Result<bool> {
    let referred = referrals::table.filter(referrals::referrer_user_id.eq(by.0));
    let refers = diesel::select(diesel::dsl::exists(referred));
    if !refers.get_result::<bool>(conn).await? {
        return Ok(false);
    }
    // A miner has at most one referrer, so this walks up a line, a keyed statement a step. The graph has no cycle.
    let mut next = miner.referred_by.map(|user| user.0);
    for _ in 0..LONGEST_LINE {
        match next {
            None => return Ok(false),
            Some(user) if user == by.0 => return Ok(true),
            Some(user) => {
                let referrer = miners::table.find(user).select(miners::referred_by);
                next = referrer.first(conn).await?;
            }
        }
    }
    // The lock must not be held longer, and no real line is so long: the code is refused as if it closed a cycle.
    Ok(true)
}

/// Checks that the miner's referral was locked before the miner; the transaction retries when a referral was applied in
/// between.
pub(in crate::mining) fn check_locked(miner: &Miner, referral: Option<&Referral>) -> Result<()> {
    if referral.is_none() && miner.referred_by.is_some() {
        return Err(DbError::Contended(
            "a referral was applied before the lock".to_owned(),
        ));
    }
    Ok(())
}

/// Locks the referral through which a miner joined, if there is one, before both miners.
pub(in crate::mining) async fn lock_referral(
    conn: &mut Connection,
    referred: UserId,
) -> Result<Option<Referral>> {
    let referrer = miners::table.find(referred.0).select(miners::referred_by);
    let Some(referrer) = referrer.first::<Option<Uuid>>(conn).await? else {
        return Ok(None);
    };
    let query = ReferralRow::query().find((referrer, referred.0));
    Referral::try_from(query.for_no_key_update().first(conn).await?).map(Some)
}

/// Creates a referral between two miners that are locked or new, and updates both.
pub(in crate::mining) async fn create(
    tx: &mut Tx,
    request: &Request,
    referrer: &Miner,
    referred: &Miner,
    applied: Applied,
) -> Result<ReferralId> {
    let now = tx.now();
    let is_active = applied.status == ReferralStatus::Active;
    let referral = Referral {
        id: ReferralId {
            referrer: referrer.id.user,
            uuid: tx.new_id(),
        },
        referrer_id: referrer.id,
        referred_id: referred.id,
        code: referrer.referral_code.as_str().to_owned(),
        bonus: applied.bonus,
        status: applied.status,
        created_at: now,
        activated_at: is_active.then_some(now),
    };
    diesel::insert_into(referrals::table)
        .values(ReferralRow::from(&referral))
        .execute(tx.conn())
        .await?;
    let mut events = MinerEvents::of(referred, None);
    events.push(MinerEvent::ReferralApplied {
        referral_id: referral.id.uuid,
        referrer_id: referrer.id.uuid,
        referred_id: referred.id.uuid,
        referred_user_id: referred.id.user.0,
        bonus_rate: referral.bonus.to_decimal(),
        is_active,
    });
    let version = events.enqueue(tx, &request.request_id)?;
    diesel::update(miners::table.find(referred.id.user.0))
        .set((
            miners::referred_by.eq(referrer.id.user.0),
            miners::version.eq(version),
            miners::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    if is_active {
        let user = referred.id.user;
        update_referrer(tx, request, is_active, &referral, referrer, user).await?;
    }
    Ok(referral.id)
}

/// Activates or deactivates a referral with the status of the referred miner. A pending one stays pending.
pub(in crate::mining) async fn turn(
    tx: &mut Tx,
    request: &Request,
    referral: &Referral,
    to: ReferralStatus,
    referrer: &Miner,
    referred: UserId,
) -> Result<()> {
    let to = referral.status.turned(to);
    change(tx, request, referral, to, referrer, referred).await
}

/// Updates a referral after the referred person's verification.
pub(in crate::mining) async fn verify(
    tx: &mut Tx,
    request: &Request,
    referral: &Referral,
    referrer: &Miner,
    referred: &Miner,
) -> Result<()> {
    let to = referral.status.verified(referred.status);
    change(tx, request, referral, to, referrer, referred.id.user).await
}

async fn change(
    tx: &mut Tx,
    request: &Request,
    referral: &Referral,
    to: ReferralStatus,
    referrer: &Miner,
    referred: UserId,
) -> Result<()> {
    if to == referral.status {
        return Ok(());
    }
    let first = (to == ReferralStatus::Active).then_some(tx.now());
    diesel::update(
        referrals::table.find((referral.referrer_id.user.0, referral.referred_id.user.0)),
    )
    .set((
        referrals::status.eq(to.name()),
        referrals::activated_at.eq(referral.activated_at.or(first)),
    ))
    .execute(tx.conn())
    .await?;
    let is_active = match (referral.status, to) {
        (_, ReferralStatus::Active) => true,
        (ReferralStatus::Active, _) => false,
        // The referral was not active before.
        _ => return Ok(()),
    };
    update_referrer(tx, request, is_active, referral, referrer, referred).await
}

/// Publishes to the locked referrer that a referral became active or inactive, and stores the role that follows.
async fn update_referrer(
    tx: &mut Tx,
    request: &Request,
    is_active: bool,
    referral: &Referral,
    referrer: &Miner,
    referred: UserId,
) -> Result<()> {
    let role = role_of(tx.conn(), referrer, referrer.role == Role::NodeOperator).await?;
    let event = if is_active {
        MinerEvent::ReferralActivated
    } else {
        MinerEvent::ReferralDeactivated
    };
    let mut events = MinerEvents::of(referrer, None);
    events.push(event(ReferralChanged {
        referral_id: referral.id.uuid,
        referrer_id: referral.referrer_id.uuid,
        referred_id: referral.referred_id.uuid,
        referred_user_id: referred.0,
        bonus_rate: referral.bonus.to_decimal(),
    }));
    events.role(role);
    let version = events.enqueue(tx, &request.request_id)?;
    store_role(tx, referrer.id, role, version).await
}
