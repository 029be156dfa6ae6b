//! Keys by which staff find miners, and locks and stores of miners.

use domain::mining::{Barred, Miner, ReferralCode, Role, Streak};
use domain::money::Minor;
use futures_util::FutureExt;

use super::rows::{MinerChange, MinerRow};
use crate::command::Refusal;
use crate::prelude::*;
use crate::row_locks::{LockRows, lock_rows};
use crate::schema::{miners, referral_codes};

/// Key of a miner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MinerRef {
    /// Id in the platform's other services.
    Uuid(Uuid),
    /// User.
    User(UserId),
    /// Referral code, as typed.
    Code(String),
}

impl MinerRef {
    pub(in crate::mining) async fn find(&self, conn: &mut Connection) -> Result<Option<MinerId>> {
        let user = match self {
            Self::User(user) => user.0,
            Self::Uuid(id) => {
                // Reads all shards: people give this id, not programs.
                let user = miners::table.filter(miners::id.eq(id));
                match user.select(miners::user_id).first(conn).await.optional()? {
                    Some(user) => user,
                    None => return Ok(None),
                }
            }
            Self::Code(text) => match user_of_code(conn, text).await? {
                Some(user) => user.0,
                None => return Ok(None),
            },
        };
        let id = miners::table.find(user).select(miners::id);
        let id: Option<Uuid> = id.first(conn).await.optional()?;
        Ok(id.map(|id| MinerId::from([user, id])))
    }
}

/// User of the miner with a referral code, given as typed.
pub(in crate::mining) async fn user_of_code(
    conn: &mut Connection,
    text: &str,
) -> Result<Option<UserId>> {
    let Some(code) = ReferralCode::parse(text) else {
        return Ok(None);
    };
    let user = referral_codes::table.find(code.as_str());
    let user: Option<Uuid> = user
        .select(referral_codes::user_id)
        .first(conn)
        .await
        .optional()?;
    Ok(user.map(UserId))
}

/// Locks a user's miner, if there is one.
pub(in crate::mining) async fn lock_miner(
    conn: &mut Connection,
    user: UserId,
) -> Result<Option<Miner>> {
    let query = MinerRow::query().filter(miners::user_id.eq(user.0));
    let row: Option<MinerRow> = query.for_no_key_update().first(conn).await.optional()?;
    row.map(Miner::try_from).transpose()
}

/// Locks the caller's miner; refused when the caller has none.
pub(in crate::mining) async fn lock_caller<R: Refusal + From<Barred>>(
    tx: &mut Tx,
    request: &Request,
) -> Result<Miner, Stop<R>> {
    let miner = lock_miner(tx.conn(), request.person()?.id).await?;
    miner.ok_or_else(no_miner)
}

/// The refusal of a caller without a miner.
pub(in crate::mining) fn no_miner<R: Refusal + From<Barred>>() -> Stop<R> {
    Stop::Refused(Barred::NoMiner.into())
}

/// Locking query for miners of users, in ascending order.
macro_rules! of_users {
    ($users:ident) => {
        MinerRow::query()
            .filter(miners::user_id.eq_any($users))
            .order(miners::user_id)
            .for_no_key_update()
    };
}

/// Locks existing miners in ascending order of their users.
pub(in crate::mining) async fn lock_miners(
    tx: &mut Tx,
    ids: &[impl Into<UserId> + Copy + Sync],
) -> Result<Vec<Miner>> {
    let users = ids.iter().map(|id| Into::<UserId>::into(*id).0);
    let lock: LockRows<MinerRow> =
        |users, mut conn| async move { Ok(of_users!(users).load(&mut conn).await?) }.boxed();
    values(lock_rows(tx, users, lock).await?)
}

/// Locks those of these miners that no other transaction has locked, in ascending order of their users.
pub(in crate::mining) async fn lock_free_miners(
    tx: &mut Tx,
    users: &[UserId],
) -> Result<Vec<Miner>> {
    let users = users.iter().map(|user| user.0);
    let lock: LockRows<MinerRow> = |users, mut conn| {
        async move { Ok(of_users!(users).skip_locked().load(&mut conn).await?) }.boxed()
    };
    values(lock_rows(tx, users, lock).await?)
}

/// A miner of a locked list.
pub(in crate::mining) fn seek(locked: &[Miner], id: impl Into<UserId>) -> Result<&Miner> {
    let user = id.into();
    let mut locked = locked.iter();
    locked
        .find(|miner| miner.id.user == user)
        .ok_or_else(|| DbError::inconsistent("miners", "user_id", user))
}

/// Removes a miner from a locked list.
pub(in crate::mining) fn take(locked: &mut Vec<Miner>, id: impl Into<UserId>) -> Result<Miner> {
    let user = id.into();
    locked
        .iter()
        .position(|miner| miner.id.user == user)
        .map(|place| locked.swap_remove(place))
        .ok_or_else(|| DbError::inconsistent("miners", "user_id", user))
}

/// Stores lifetime points, streak and version of a locked miner, at the end of the transaction.
pub(in crate::mining) fn store_miner(
    tx: &mut Tx,
    miner: &Miner,
    lifetime_points: Minor,
    streak: &Streak,
    version: i64,
) -> Result<()> {
    let change = MinerChange::of(lifetime_points, streak, version, tx.now())?;
    let update = diesel::update(miners::table.find(miner.id.user.0)).set(change);
    tx.write_last("miners", 1, update);
    Ok(())
}

/// Stores the role of a locked miner.
pub(in crate::mining) async fn store_role(
    tx: &mut Tx,
    miner: MinerId,
    role: Role,
    version: i64,
) -> Result<()> {
    diesel::update(miners::table.find(miner.user.0))
        .set((
            miners::role.eq(role.name()),
            miners::version.eq(version),
            miners::updated_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}
