//! Balances that no row has: at past times, and of accounts without a running balance.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{TimeDelta, Timelike};
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use domain::money::{Minor, Money};
use domain::wallets::{WalletKey, WalletOwner};

use super::queries::ids_of_keys;
use crate::Db;
use crate::clock;
use crate::prelude::*;
use crate::schema::{owners, wallets};

/// Time after which no open transaction can post any more.
const LONGEST_TRANSACTION: TimeDelta = TimeDelta::minutes(2);

/// A wallet at a time.
pub type WalletAt = (WalletKey, Timestamp);

/// Available and held amount of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Amount that could be spent.
    pub available: Money,
    /// Amount reserved by holds.
    pub held: Money,
}

/// Reasons why a past balance is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBalance {
    /// The time is not in the past.
    Future,
    /// The account keeps no running balance: only those at the ends of UTC days are known.
    EndsOfDays,
    /// A posting can still change it.
    NotFinal,
}

/// Balances of wallets at times in the past, which never change.
///
/// A posting is stamped after it has locked its wallets, never before an earlier one of the same wallet. So a balance is
/// final when nobody has locked the wallet now, or when the wallet has a later entry. Where the wallet does not exist, the
/// posting that makes it has locked its owner.
pub async fn balances_at(
    db: &Db,
    conn: &mut Connection,
    wanted: &[WalletAt],
) -> Result<Vec<(WalletAt, Result<Balance, NoBalance>)>> {
    let keys: Vec<WalletKey> = wanted.iter().map(|(key, _)| *key).collect();
    db.know_currencies(conn, keys.iter().map(|key| key.currency))
        .await?;
    let now = clock::now(conn).await?;
    let mut ids = ids_of_keys(db, conn, &keys).await?;
    let is_missing = |key: &&WalletKey| !ids.contains_key(key);
    let missing: Vec<WalletKey> = keys.iter().filter(is_missing).copied().collect();
    let settled = settled_owners(conn, &missing).await?;
    if !missing.is_empty() {
        // A posting that held the owner's lock may have made them meanwhile.
        ids.extend(ids_of_keys(db, conn, &missing).await?);
    }
    let later = last_postings(conn, &ids).await?;
    let judge = |(key, at): &WalletAt| -> Result<Option<i64>, NoBalance> {
        if *at >= now {
            return Err(NoBalance::Future);
        }
        let id = ids.get(key).copied();
        if !key.kind.has_balance() {
            let is_midnight = at.num_seconds_from_midnight() == 0 && at.nanosecond() == 0;
            return match is_midnight {
                false => Err(NoBalance::EndsOfDays),
                true if now - *at < LONGEST_TRANSACTION => Err(NoBalance::NotFinal),
                true => Ok(id),
            };
        }
        let is_final = match id.map(|id| later.get(&(key.owner.id, id))) {
            Some(last) => last.is_none_or(|last| last.is_some_and(|last| last > *at)),
            None => settled.contains(&key.owner),
        };
        if is_final {
            Ok(id)
        } else {
            Err(NoBalance::NotFinal)
        }
    };
    let judged: Vec<_> = wanted.iter().map(judge).collect();
    let mut found = Vec::new();
    for ((key, at), judged) in wanted.iter().zip(&judged) {
        if let Ok(Some(id)) = judged {
            found.push((*key, *id, *at));
        }
    }
    let (kept, summed): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|(key, ..)| key.kind.has_balance());
    let mut amounts = kept_amounts(conn, &kept).await?;
    for (key, id, at) in summed {
        let sum = sum_before(conn, id, at).await?;
        amounts.insert((key.owner.id, id, at), (sum, None));
    }
    let balances = wanted.iter().zip(judged).map(|(wanted, judged)| {
        let (key, at) = wanted;
        let balance = match judged {
            Ok(id) => {
                let amounts = id.and_then(|id| amounts.get(&(key.owner.id, id, *at)));
                let (available, held) = amounts.copied().unwrap_or_default();
                let currency = db.currencies().get(&key.currency).copied();
                let unknown = || DbError::inconsistent("currencies", "code", key.currency);
                let currency = currency.ok_or_else(unknown)?;
                let money = |amount: Option<i64>| Money {
                    amount: Minor(amount.unwrap_or(0)),
                    currency,
                };
                Ok(Balance {
                    available: money(available),
                    held: money(held),
                })
            }
            Err(reason) => Err(reason),
        };
        Ok((*wanted, balance))
    });
    balances.collect()
}

/// Owners of wallets without a row for whom nobody makes one at the moment. Must be asked before those are read again.
async fn settled_owners(
    conn: &mut Connection,
    keys: &[WalletKey],
) -> Result<BTreeSet<WalletOwner>> {
    if keys.is_empty() {
        return Ok(BTreeSet::new());
    }
    let wanted: BTreeSet<Uuid> = keys.iter().map(|key| key.owner.id).collect();
    let all: Vec<(Uuid, String)> = owners::table
        .filter(owners::owner_id.eq_any(wanted.clone()))
        .select((owners::owner_id, owners::owner_kind))
        .load(conn)
        .await?;
    // Autocommit: the locks are gone again when the statement ends.
    let unlocked: Vec<(Uuid, String)> = owners::table
        .filter(owners::owner_id.eq_any(wanted))
        .select((owners::owner_id, owners::owner_kind))
        .for_no_key_update()
        .skip_locked()
        .load(conn)
        .await?;
    let is_settled = |owner: &WalletOwner| {
        let row = (owner.id, owner.kind.name().to_owned());
        !all.contains(&row) || unlocked.contains(&row)
    };
    Ok(keys
        .iter()
        .map(|key| key.owner)
        .filter(is_settled)
        .collect())
}

/// Times of the last postings of the wallets that are locked now.
async fn last_postings(
    conn: &mut Connection,
    ids: &BTreeMap<WalletKey, i64>,
) -> Result<BTreeMap<(Uuid, i64), Option<Timestamp>>> {
    let owners: BTreeSet<Uuid> = ids.keys().map(|key| key.owner.id).collect();
    let rows = wallets::table
        .filter(wallets::owner_id.eq_any(owners))
        .filter(wallets::id.eq_any(ids.values().copied().collect::<Vec<_>>()));
    let unlocked: BTreeSet<(Uuid, i64)> = rows
        .clone()
        .select((wallets::owner_id, wallets::id))
        .for_share()
        .skip_locked()
        .load(conn)
        .await?
        .into_iter()
        .collect();
    let is_unlocked = |(key, id): (&WalletKey, &i64)| unlocked.contains(&(key.owner.id, *id));
    if ids.iter().all(is_unlocked) {
        return Ok(BTreeMap::new());
    }
    let last: Vec<(Uuid, i64, Option<Timestamp>)> = rows
        .select((wallets::owner_id, wallets::id, wallets::last_posted_at))
        .load(conn)
        .await?;
    let last = last
        .into_iter()
        .map(|(owner, id, last)| ((owner, id), last));
    Ok(last.filter(|(key, _)| !unlocked.contains(key)).collect())
}

#[derive(QueryableByName)]
struct AmountsRow {
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
    #[diesel(sql_type = Nullable<BigInt>)]
    available: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    held: Option<i64>,
}

type Amounts = BTreeMap<(Uuid, i64, Timestamp), (Option<i64>, Option<i64>)>;

/// Balances that the last entries before the times state. By the primary key; equal times are in the order of the sequence.
async fn kept_amounts(
    conn: &mut Connection,
    wanted: &[(WalletKey, i64, Timestamp)],
) -> Result<Amounts> {
    if wanted.is_empty() {
        return Ok(Amounts::new());
    }
    let rows: Vec<AmountsRow> = diesel::sql_query(
        "SELECT k.owner_id, k.id, k.at,
                (SELECT balance_after FROM entries e WHERE e.owner_id = k.owner_id AND e.wallet = k.id AND e.bucket = 'AVAILABLE'
                     AND e.posted_at <= k.at AND e.sequence IS NOT NULL ORDER BY e.posted_at DESC, e.sequence DESC LIMIT 1) AS available,
                (SELECT balance_after FROM entries e WHERE e.owner_id = k.owner_id AND e.wallet = k.id AND e.bucket = 'HELD'
                     AND e.posted_at <= k.at AND e.sequence IS NOT NULL ORDER BY e.posted_at DESC, e.sequence DESC LIMIT 1) AS held
         FROM unnest($1, $2, $3) AS k (owner_id, id, at)",
    )
    .bind::<Array<SqlUuid>, _>(wanted.iter().map(|(key, ..)| key.owner.id).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(wanted.iter().map(|(_, id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(wanted.iter().map(|(.., at)| *at).collect::<Vec<_>>())
    .load(conn)
    .await?;
    let amounts = rows
        .into_iter()
        .map(|row| ((row.owner_id, row.id, row.at), (row.available, row.held)));
    Ok(amounts.collect())
}

#[derive(QueryableByName)]
struct SumRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    amount: Option<i64>,
}

/// Sum of an account's transfers before a time.
async fn sum_before(conn: &mut Connection, id: i64, at: Timestamp) -> Result<Option<i64>> {
    let sum: SumRow = diesel::sql_query(
        "SELECT $1 AS id, sum(CASE side WHEN 'CREDIT' THEN amount ELSE -amount END)::bigint AS amount
         FROM entries WHERE wallet = $1 AND posted_at < $2",
    )
    .bind::<BigInt, _>(id)
    .bind::<Timestamptz, _>(at)
    .get_result(conn)
    .await?;
    Ok(sum.amount)
}

/// Balances of accounts that keep none: the sums of all their transfers. An account without transfers is at zero.
pub async fn sums(
    db: &Db,
    conn: &mut Connection,
    keys: &[WalletKey],
) -> Result<Vec<(WalletKey, Money)>> {
    let (campaigns, house): (Vec<WalletKey>, Vec<WalletKey>) =
        keys.iter().partition(|key| key.kind.is_per_campaign());
    let mut sums = BTreeMap::new();
    if !house.is_empty() {
        sums.extend(sums_of_house(db, conn, &house).await?);
    }
    if !campaigns.is_empty() {
        sums.extend(sums_of_campaigns(db, conn, &campaigns).await?);
    }
    let money = |key: &WalletKey| {
        let currency = *db.currencies().get(&key.currency)?;
        let amount = Minor(sums.get(key).copied().unwrap_or_default());
        Some((*key, Money { amount, currency }))
    };
    Ok(keys.iter().filter_map(money).collect())
}

async fn sums_of_house(
    db: &Db,
    conn: &mut Connection,
    keys: &[WalletKey],
) -> Result<Vec<(WalletKey, i64)>> {
    let house = &db.constants().house;
    let id_of = |key: &WalletKey| house.get(&(key.kind, key.currency)).copied();
    let rows: Vec<SumRow> = diesel::sql_query(
        "SELECT wallet AS id, sum(CASE side WHEN 'CREDIT' THEN amount ELSE -amount END)::bigint AS amount
         FROM entries WHERE wallet = ANY($1) GROUP BY wallet",
    )
    .bind::<Array<BigInt>, _>(keys.iter().filter_map(id_of).collect::<Vec<_>>())
    .load(conn)
    .await?;
    let sum_of = |key: &WalletKey| {
        let id = id_of(key)?;
        let sum = rows.iter().find(|row| row.id == id)?;
        Some((*key, sum.amount?))
    };
    Ok(keys.iter().filter_map(sum_of).collect())
}

#[derive(QueryableByName)]
struct CampaignSumRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    amount: i64,
}

async fn sums_of_campaigns(
    db: &Db,
    conn: &mut Connection,
    keys: &[WalletKey],
) -> Result<Vec<(WalletKey, i64)>> {
    let numbers = keys.iter().map(|key| {
        let currency = db.currencies().get(&key.currency);
        currency.map_or(0, |currency| currency.number)
    });
    let rows: Vec<CampaignSumRow> = diesel::sql_query(
        "SELECT k.position, sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END)::bigint AS amount
         FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS k (owner_id, kind, currency, for_id, position)
         JOIN wallets w USING (owner_id, kind, currency, for_id)
         JOIN entries e ON e.owner_id = w.owner_id AND e.wallet = w.id
         WHERE w.owner_id = ANY($1) GROUP BY k.position",
    )
    .bind::<Array<SqlUuid>, _>(keys.iter().map(|key| key.owner.id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(keys.iter().map(|key| key.kind.name()).collect::<Vec<_>>())
    .bind::<Array<SmallInt>, _>(numbers.collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(keys.iter().map(|key| key.for_id).collect::<Vec<_>>())
    .load(conn)
    .await?;
    let sum_of = |row: &CampaignSumRow| {
        let index = usize::try_from(row.position - 1).ok()?;
        Some((*keys.get(index)?, row.amount))
    };
    Ok(rows.iter().filter_map(sum_of).collect())
}
