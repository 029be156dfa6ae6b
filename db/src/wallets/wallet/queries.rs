//! Reads of the ledger.

use diesel::sql_types::{Array, BigInt, SmallInt, Text as SqlText, Uuid as SqlUuid};
use domain::money::{Currency, CurrencyCode, Minor, Money};
use domain::wallets::{OwnerKind, Wallet, WalletKind, WalletOwner};
use rust_decimal::prelude::ToPrimitive;

use super::rows::{EntryRow, LedgerEntry, WalletRow};
use crate::Db;
use crate::prelude::*;
use crate::schema::{currencies, issuance_counts, wallets};
use crate::wallets::configuration;

/// MAIN wallets by owner and currency; a missing wallet reads as one with zero balances.
pub async fn wallets_by_owner(
    db: &Db,
    conn: &mut Connection,
    keys: &[(WalletOwner, CurrencyCode)],
) -> Result<Vec<Wallet>> {
    db.know_currencies(conn, keys.iter().map(|(_, code)| *code))
        .await?;
    let owner_ids: Vec<_> = keys.iter().map(|(owner, _)| owner.id).collect();
    let rows: Vec<WalletRow> = WalletRow::query()
        .filter(wallets::owner_id.eq_any(owner_ids))
        .filter(wallets::kind.eq(WalletKind::Main.name()))
        .load(conn)
        .await?;
    let stored = into_wallets(db, conn, rows).await?;
    Ok(keys
        .iter()
        .filter_map(|(owner, code)| {
            let found = stored
                .iter()
                .find(|wallet| wallet.owner == *owner && wallet.currency.code == *code);
            found.cloned().or_else(|| {
                db.currencies()
                    .get(code)
                    .map(|currency| empty(*owner, *currency))
            })
        })
        .collect())
}

/// All MAIN wallets of an owner that have a posting, by currency.
pub async fn wallets_of(db: &Db, conn: &mut Connection, owner: WalletOwner) -> Result<Vec<Wallet>> {
    let rows: Vec<WalletRow> = WalletRow::query()
        .filter(wallets::owner_kind.eq(owner.kind.name()))
        .filter(wallets::owner_id.eq(owner.id))
        .filter(wallets::kind.eq(WalletKind::Main.name()))
        .filter(wallets::sequence.gt(0))
        .order(wallets::currency)
        .load(conn)
        .await?;
    into_wallets(db, conn, rows).await
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

/// One page of each wallet's statement, newest first, in one statement for all of them.
///
/// The key of a page is the entry's sequence.
pub async fn entries(
    db: &Db,
    conn: &mut Connection,
    keys: &[(WalletOwner, CurrencyCode)],
    page: &Page<i64>,
) -> Result<Vec<((WalletOwner, CurrencyCode), Slice<LedgerEntry>)>> {
    db.know_currencies(conn, keys.iter().map(|(_, code)| *code))
        .await?;
    let numbers: Vec<i16> = keys
        .iter()
        .map(|(_, code)| {
            db.currencies()
                .get(code)
                .map_or(0, |currency| currency.number)
        })
        .collect();
    let direction = if page.from_end { "ASC" } else { "DESC" };
    let rows: Vec<EntryRow> = diesel::sql_query(format!(
        "SELECT w.owner_kind, w.owner_id, e.*
         FROM unnest($1, $2, $3) AS k (owner_kind, owner_id, currency)
         JOIN wallets w ON w.owner_id = k.owner_id AND w.owner_kind = k.owner_kind AND w.currency = k.currency
             AND w.kind IN ('MAIN', 'CLEARING', 'CAMPAIGN_TREASURY')
         CROSS JOIN LATERAL (
             SELECT sequence, transaction_id, side, bucket, currency, amount, balance_after, reason, reference_kind, reference_id, posted_at
             FROM entries
             WHERE owner_id = w.owner_id AND wallet = w.id AND sequence IS NOT NULL
               AND sequence < $4 AND sequence > $5
             ORDER BY sequence {direction} LIMIT $6
         ) e
         WHERE w.owner_id = ANY($2)"
    ))
    .bind::<Array<SqlText>, _>(keys.iter().map(|(owner, _)| owner.kind.name()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(keys.iter().map(|(owner, _)| owner.id).collect::<Vec<_>>())
    .bind::<Array<SmallInt>, _>(numbers)
    .bind::<BigInt, _>(page.after.unwrap_or(i64::MAX))
    .bind::<BigInt, _>(page.before.unwrap_or(0))
    .bind::<BigInt, _>(page.fetch())
    .load(conn)
    .await?;
    let entries = rows.into_iter().map(|row| row.into_entry(db));
    page.slices(keys, entries, |entry| {
        (entry.owner, entry.amount.currency.code)
    })
}

/// Amount issued today in a currency, and its daily ceiling, in whole units: values of metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct IssuanceGauge {
    /// Code of the currency.
    pub currency: String,
    /// Amount issued on the UTC day of the last count.
    pub issued: f64,
    /// Daily ceiling.
    pub ceiling: f64,
}

/// Issued amounts of the currencies that were counted.
pub async fn issuance(conn: &mut Connection) -> Result<Vec<IssuanceGauge>> {
    let configuration = configuration::in_force(conn).await?;
    let rows: Vec<(String, i64)> = issuance_counts::table
        .inner_join(currencies::table.on(currencies::number.eq(issuance_counts::currency)))
        .select((currencies::code, issuance_counts::issued))
        .load(conn)
        .await?;
    let gauges = rows.into_iter().filter_map(|(currency, issued)| {
        let mut settings = configuration.currencies.iter();
        let settings = settings.find(|settings| settings.code.as_str() == currency)?;
        let value = |amount: Minor| amount.to_decimal(settings.scale).to_f64();
        Some(IssuanceGauge {
            issued: value(Minor(issued))?,
            ceiling: value(settings.issuance_ceiling)?,
            currency,
        })
    });
    Ok(gauges.collect())
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
        available: nothing,
        held: nothing,
        sequence: 0,
        is_frozen: false,
        last_posted_at: None,
    }
}
