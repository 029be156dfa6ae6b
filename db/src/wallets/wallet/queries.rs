//! Reads of the ledger.

use std::collections::{BTreeMap, BTreeSet};

use domain::money::{Currency, Minor, Money};
use domain::wallets::{OwnerKind, Wallet, WalletKey, WalletKind, WalletOwner};

use super::rows::{WalletRow, currency_of};
use rust_decimal::prelude::ToPrimitive;

use crate::Db;
use crate::prelude::*;
use crate::schema::{issuance_counts, wallets};
use crate::wallets::configuration;

/// Wallets by key; a MAIN wallet without a row reads as one with zero balances.
pub async fn by_key(db: &Db, conn: &mut Connection, keys: &[WalletKey]) -> Result<Vec<Wallet>> {
    db.know_currencies(conn, keys.iter().map(|key| key.currency))
        .await?;
    let kinds: BTreeSet<&str> = keys.iter().map(|key| key.kind.name()).collect();
    let rows: Vec<WalletRow> = WalletRow::query()
        .filter(wallets::owner_id.eq_any(keys.iter().map(|key| key.owner.id)))
        .filter(wallets::kind.eq_any(kinds))
        .load(conn)
        .await?;
    let stored = into_wallets(db, conn, rows).await?;
    let found = keys.iter().filter_map(|key| {
        let found = stored.iter().find(|wallet| wallet.key() == *key);
        found.cloned().or_else(|| {
            let currency = db.currencies().get(&key.currency);
            let is_main = key.kind == WalletKind::Main && key.owner.kind.has_main_wallet();
            currency
                .filter(|_| is_main)
                .map(|currency| empty(key.owner, *currency))
        })
    });
    Ok(found.collect())
}

/// Wallets by owner and row.
pub async fn by_id(
    db: &Db,
    conn: &mut Connection,
    ids: &[(Uuid, i64)],
) -> Result<Vec<((Uuid, i64), Wallet)>> {
    let rows: Vec<(WalletRow, i64)> = wallets::table
        .filter(wallets::owner_id.eq_any(ids.iter().map(|(owner, _)| *owner)))
        .filter(wallets::id.eq_any(ids.iter().map(|(_, id)| *id)))
        .select((WalletRow::as_select(), wallets::id))
        .load(conn)
        .await?;
    let (rows, found): (Vec<_>, Vec<i64>) = rows.into_iter().unzip();
    let wallets = into_wallets(db, conn, rows).await?.into_iter();
    Ok(wallets
        .zip(found)
        .map(|(wallet, id)| ((wallet.owner.id, id), wallet))
        .collect())
}

/// Ids of the wallets that have a row.
pub(super) async fn ids_of_keys(
    db: &Db,
    conn: &mut Connection,
    keys: &[WalletKey],
) -> Result<BTreeMap<WalletKey, i64>> {
    let kinds: BTreeSet<&str> = keys.iter().map(|key| key.kind.name()).collect();
    let rows: Vec<(WalletRow, i64)> = wallets::table
        .filter(wallets::owner_id.eq_any(keys.iter().map(|key| key.owner.id)))
        .filter(wallets::kind.eq_any(kinds))
        .select((WalletRow::as_select(), wallets::id))
        .load(conn)
        .await?;
    let ids = rows.into_iter().map(|(row, id)| {
        let key = row.into_wallet(db)?.key();
        Ok((key, id))
    });
    ids.collect()
}

/// The wallets of an owner: those that have a posting, accounts of campaigns aside, whose number has no limit, and the
/// accounts of the house; by currency and kind.
pub async fn wallets_of(db: &Db, conn: &mut Connection, owner: WalletOwner) -> Result<Vec<Wallet>> {
    let rows: Vec<WalletRow> = WalletRow::query()
        .filter(wallets::owner_kind.eq(owner.kind.name()))
        .filter(wallets::owner_id.eq(owner.id))
        .filter(
            wallets::version
                .gt(0)
                .or(wallets::owner_id.eq(WalletOwner::SYSTEM.id)),
        )
        .filter(wallets::for_id.eq(Uuid::nil()))
        .order((wallets::currency, wallets::kind))
        .load(conn)
        .await?;
    let mut wallets = into_wallets(db, conn, rows).await?;
    wallets.sort_by_key(|wallet| wallet.currency.code);
    Ok(wallets)
}

/// All MAIN wallets of these people that have a posting.
pub async fn wallets_of_people(
    db: &Db,
    conn: &mut Connection,
    people: &[UserId],
) -> Result<Vec<Wallet>> {
    let rows: Vec<WalletRow> = WalletRow::query()
        .filter(wallets::owner_kind.eq(OwnerKind::User.name()))
        .filter(wallets::owner_id.eq_any(people.iter().map(|user| user.0)))
        .filter(wallets::kind.eq(WalletKind::Main.name()))
        .filter(wallets::sequence.gt(0))
        .load(conn)
        .await?;
    into_wallets(db, conn, rows).await
}

/// Amount issued on a day in a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issuance {
    /// Time of the count; the day is its UTC day.
    pub counted_at: Timestamp,
    /// Amount issued.
    pub issued: Money,
    /// Daily ceiling.
    pub ceiling: Money,
}

impl Issuance {
    /// Issued amount and ceiling in whole units, as values of metrics.
    #[must_use]
    pub fn in_units(&self) -> (f64, f64) {
        let units = |money: Money| money.to_decimal().to_f64().unwrap_or(f64::MAX);
        (units(self.issued), units(self.ceiling))
    }
}

/// Issued amounts of the currencies that were counted, by currency.
pub async fn issuance(db: &Db, conn: &mut Connection) -> Result<Vec<Issuance>> {
    let configuration = configuration::in_force(conn).await?;
    let rows: Vec<(i16, i64, Timestamp)> = issuance_counts::table
        .select((
            issuance_counts::currency,
            issuance_counts::issued,
            issuance_counts::counted_at,
        ))
        .load(conn)
        .await?;
    let mut counts: Vec<Issuance> = rows
        .into_iter()
        .filter_map(|(number, issued, counted_at)| {
            let currency = currency_of(db.currencies(), number).ok()?;
            let mut settings = configuration.currencies.iter();
            let settings = settings.find(|settings| settings.code == currency.code)?;
            let money = |amount| Money { amount, currency };
            Some(Issuance {
                counted_at,
                issued: money(Minor(issued)),
                ceiling: money(settings.issuance_ceiling),
            })
        })
        .collect();
    counts.sort_by_key(|count| count.issued.currency.code);
    Ok(counts)
}

/// Rows as wallets; also of a currency that another instance has just added.
async fn into_wallets(db: &Db, conn: &mut Connection, rows: Vec<WalletRow>) -> Result<Vec<Wallet>> {
    if rows.iter().any(|row| !row.has_known_currency(db)) {
        db.reload_constants(conn).await?;
    }
    rows.into_iter().map(|row| row.into_wallet(db)).collect()
}

/// A wallet without postings.
fn empty(owner: WalletOwner, currency: Currency) -> Wallet {
    let nothing = Money {
        amount: Minor::ZERO,
        currency,
    };
    Wallet {
        owner,
        kind: WalletKind::Main,
        currency,
        for_id: Uuid::nil(),
        available: nothing,
        held: nothing,
        sequence: 0,
        version: 0,
        is_frozen: false,
        last_posted_at: None,
    }
}
