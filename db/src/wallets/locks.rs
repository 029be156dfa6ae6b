//! Locks of a posting.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::{
    Array, BigInt, Bool, Nullable, SmallInt, Text as SqlText, Timestamptz, Uuid as SqlUuid,
};
use domain::money::{CurrencyCode, Minor};
use domain::wallets::{Balances, WalletKey, WalletOwner, WalletState};
use futures_util::future::{BoxFuture, try_join_all, try_join4};

use crate::clock;
use crate::prelude::*;
use crate::prepared::Prepared;

/// Ids of wallets by key.
pub(super) type WalletIds = BTreeMap<WalletKey, i64>;

/// Existing wallets of a posting.
pub(super) struct Locked {
    /// Ids of all of them.
    pub ids: WalletIds,
    /// Locked balances of those that keep one.
    pub balances: Balances,
    /// Time of the posting: never before an earlier one of the same wallets.
    pub posted_at: Timestamp,
}

/// Finds wallets by their owners' keys. Those that keep a balance are locked in ascending order, accounts of nil last; the
/// others are found without a lock, because a lock on them would serialize all postings of a campaign.
///
/// A locking statement returns the newest version of a row for which it waited, so it is also the read. The clock, and
/// what the caller reads or locks next, follow in the same round trip.
pub(super) async fn wallets<B>(
    tx: &mut Tx,
    keys: &BTreeSet<WalletKey>,
    behind: impl FnOnce(&Connection) -> BoxFuture<'_, Result<B>>,
) -> Result<(Locked, B)> {
    let (kept, others): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.kind.has_balance());
    let by_owner = |key: &&WalletKey| key.owner.id;
    let kept = per_statement(tx, kept, by_owner, |keys| Wanted::of(tx, keys))?;
    let others = per_statement(tx, others, by_owner, |keys| Wanted::of(tx, keys))?;
    let conn: &Connection = tx.conn();
    let (kept, others, now, behind) = try_join4(
        try_join_all(kept.iter().map(|wanted| wanted.load(LOCK, conn))),
        try_join_all(others.iter().map(|wanted| wanted.load(FIND, conn))),
        clock::pipelined(conn),
        behind(conn),
    )
    .await?;
    let mut locked = Locked {
        ids: BTreeMap::new(),
        balances: BTreeMap::new(),
        posted_at: now,
    };
    for (key, row) in kept.into_iter().flatten() {
        locked.ids.insert(key, row.id);
        locked.balances.insert(key, row.state());
        locked.posted_at = row
            .last_posted_at
            .max(Some(locked.posted_at))
            .unwrap_or(now);
    }
    let others = others.into_iter().flatten();
    locked.ids.extend(others.map(|(key, row)| (key, row.id)));
    Ok((locked, behind))
}

/// Balances of wallets as they are now, without a lock. A wallet without a row is frozen when its owner is.
pub(super) async fn unlocked(tx: &mut Tx, keys: &BTreeSet<WalletKey>) -> Result<Balances> {
    let by_owner = |key: &&WalletKey| key.owner.id;
    let keys_of = |keys| Wanted::of(tx, keys);
    let wanted = per_statement(tx, keys.iter().collect(), by_owner, keys_of)?;
    let conn: &Connection = tx.conn();
    let rows = try_join_all(wanted.iter().map(|wanted| wanted.load(FIND, conn))).await?;
    let rows = rows.into_iter().flatten();
    let mut balances: Balances = rows.map(|(key, row)| (key, row.state())).collect();
    for key in keys {
        if !balances.contains_key(key) {
            let is_frozen = super::wallet::is_frozen(tx.conn(), key.owner).await?;
            let state = WalletState {
                is_frozen,
                ..WalletState::default()
            };
            balances.insert(*key, state);
        }
    }
    Ok(balances)
}

/// Locks the owners of wallets that have to be created, so that a concurrent freeze sees the new wallets; returns those
/// that are frozen, and the time after the locks: a posting is not stamped before, so that past balances of a wallet
/// without a row can be final.
///
/// Never waits, because wallets come after owners in the order of locks. An owner without a row, or one that is being
/// frozen, is [`DbError::UnknownOwners`], after which the command is run again.
pub(super) async fn owners_of(
    tx: &mut Tx,
    missing: &BTreeSet<WalletKey>,
) -> Result<(BTreeSet<WalletOwner>, Option<Timestamp>)> {
    if missing.is_empty() {
        return Ok((BTreeSet::new(), None));
    }
    let mut owners: BTreeSet<_> = missing.iter().map(|key| key.owner).collect();
    let wanted: Vec<_> = owners.iter().copied().collect();
    let wanted = per_statement(tx, wanted, |owner| owner.id, Ok)?;
    let conn: &Connection = tx.conn();
    let shares = try_join_all(wanted.iter().map(|owners| share(owners, conn)));
    let (found, locked_at) = tokio::try_join!(shares, clock::pipelined(conn))?;
    let mut frozen = BTreeSet::new();
    for (owner, is_frozen) in found.into_iter().flatten() {
        owners.remove(&owner);
        if is_frozen {
            frozen.insert(owner);
        }
    }
    if owners.is_empty() {
        Ok((frozen, Some(locked_at)))
    } else {
        let unknown = owners.into_iter().map(Into::into);
        Err(DbError::UnknownOwners(unknown.collect()))
    }
}

/// Distributes objects over statements: one for all owners on one database, one per owner on a cluster, where a locking
/// statement has to stay on one shard. The order is the same.
fn per_statement<T: Clone, S>(
    tx: &Tx,
    mut objects: Vec<T>,
    owner_of: impl Fn(&T) -> Uuid,
    statement: impl Fn(Vec<T>) -> Result<S>,
) -> Result<Vec<S>> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    if !tx.is_cluster() {
        return Ok(vec![statement(objects)?]);
    }
    objects.sort_by_key(|object| (owner_of(object).is_nil(), owner_of(object)));
    let of_owners = objects.chunk_by(|one, next| owner_of(one) == owner_of(next));
    of_owners
        .map(|of_owner| statement(of_owner.to_vec()))
        .collect()
}

/// Finding statement for owners that meet a condition.
macro_rules! find {
    ($owners:literal, $end:literal) => {
        concat!(
            "SELECT k.position, w.id, w.available, w.held, w.sequence, w.is_frozen, w.last_posted_at
             FROM unnest($2, $3, $4, $5, $6) WITH ORDINALITY AS k (owner_id, owner_kind, currency, kind, for_id, position)
             JOIN wallets w USING (owner_id, owner_kind, currency, kind, for_id)
             WHERE w.owner_id ",
            $owners,
            $end
        )
    };
}

/// Statements for one owner and for several. With a list PostgreSQL would plan the common case of one owner anew each time.
struct Texts {
    one: &'static str,
    several: &'static str,
}

const FIND: Texts = Texts {
    one: find!("= $1", ""),
    several: find!("= ANY($1)", ""),
};
const LOCK: Texts = Texts {
    one: find!("= $1", " ORDER BY w.id FOR NO KEY UPDATE OF w"),
    several: find!(
        "= ANY($1)",
        " ORDER BY w.owner_id = '00000000-0000-0000-0000-000000000000', w.owner_id, w.id FOR NO KEY UPDATE OF w"
    ),
};

/// Wallets to find, column by column.
struct Wanted {
    keys: Vec<WalletKey>,
    owner_ids: Vec<Uuid>,
    owner_kinds: Vec<&'static str>,
    currencies: Vec<i16>,
    kinds: Vec<&'static str>,
    for_ids: Vec<Uuid>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    available: i64,
    #[diesel(sql_type = BigInt)]
    held: i64,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Bool)]
    is_frozen: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_posted_at: Option<Timestamp>,
}

impl Row {
    fn state(&self) -> WalletState {
        WalletState {
            available: Minor(self.available),
            held: Minor(self.held),
            sequence: self.sequence,
            is_frozen: self.is_frozen,
        }
    }
}

impl Wanted {
    fn of(tx: &Tx, keys: Vec<&WalletKey>) -> Result<Self> {
        let numbers = keys.iter().map(|key| number_of(tx, key.currency));
        Ok(Self {
            owner_ids: keys.iter().map(|key| key.owner.id).collect(),
            owner_kinds: keys.iter().map(|key| key.owner.kind.name()).collect(),
            currencies: numbers.collect::<Result<_>>()?,
            kinds: keys.iter().map(|key| key.kind.name()).collect(),
            for_ids: keys.iter().map(|key| key.for_id).collect(),
            keys: keys.into_iter().copied().collect(),
        })
    }

    async fn load(&self, texts: Texts, mut conn: &Connection) -> Result<Vec<(WalletKey, Row)>> {
        let query = match only(&self.owner_ids) {
            Some(owner) => diesel::sql_query(texts.one)
                .into_boxed()
                .bind::<SqlUuid, _>(owner),
            None => diesel::sql_query(texts.several)
                .into_boxed()
                .bind::<Array<SqlUuid>, _>(&self.owner_ids),
        };
        let query = query
            .bind::<Array<SqlUuid>, _>(&self.owner_ids)
            .bind::<Array<SqlText>, _>(&self.owner_kinds)
            .bind::<Array<SmallInt>, _>(&self.currencies)
            .bind::<Array<SqlText>, _>(&self.kinds)
            .bind::<Array<SqlUuid>, _>(&self.for_ids);
        let rows: Vec<Row> = Prepared::new(query).load(&mut conn).await?;
        rows.into_iter()
            .map(|row| Ok((*at(&self.keys, row.position)?, row)))
            .collect()
    }
}

#[derive(QueryableByName)]
struct OwnerRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Bool)]
    is_frozen: bool,
}

async fn share(owners: &[WalletOwner], mut conn: &Connection) -> Result<Vec<(WalletOwner, bool)>> {
    let ids: Vec<_> = owners.iter().map(|owner| owner.id).collect();
    let kinds: Vec<_> = owners.iter().map(|owner| owner.kind.name()).collect();
    let query = diesel::sql_query(
        "SELECT k.position, o.is_frozen
         FROM unnest($2, $3) WITH ORDINALITY AS k (owner_id, owner_kind, position)
         JOIN owners o USING (owner_id, owner_kind)
         WHERE o.owner_id = ANY($1) FOR SHARE OF o SKIP LOCKED",
    );
    let query = query
        .into_boxed()
        .bind::<Array<SqlUuid>, _>(&ids)
        .bind::<Array<SqlUuid>, _>(&ids)
        .bind::<Array<SqlText>, _>(kinds);
    let rows: Vec<OwnerRow> = Prepared::new(query).load(&mut conn).await?;
    rows.into_iter()
        .map(|row| Ok((*at(owners, row.position)?, row.is_frozen)))
        .collect()
}

/// The object at an ordinality of `unnest`.
fn at<T>(objects: &[T], position: i64) -> Result<&T> {
    let index = usize::try_from(position - 1).ok();
    index
        .and_then(|index| objects.get(index))
        .ok_or_else(|| DbError::inconsistent("unnest", "position", position))
}

/// Number of a currency.
pub(super) fn number_of(tx: &Tx, code: CurrencyCode) -> Result<i16> {
    let currency = tx.currencies().get(&code);
    currency
        .map(|currency| currency.number)
        .ok_or_else(|| DbError::inconsistent("currencies", "code", code))
}

/// The owner, if all are the same.
pub(super) fn only(owners: &[Uuid]) -> Option<Uuid> {
    let (first, rest) = owners.split_first()?;
    rest.iter().all(|owner| owner == first).then_some(*first)
}
