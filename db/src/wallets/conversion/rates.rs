//! Reads of rates: those in use, and those recorded.

use domain::money::CurrencyCode;
use domain::wallets::conversion::{Rate, RateKey, RateStatus, anchored_until, usable};
use domain::wallets::{Currencies, RateSource, WalletConfiguration};

use super::rows::RateRow;
use crate::Db;
use crate::paging::{count_rows, keyset, narrow};
use crate::platform::configuration::Section as _;
use crate::prelude::*;
use crate::schema::{configurations as versions, rate_snapshots as rates};

/// Currencies that are given and received.
pub type Pair = (CurrencyCode, CurrencyCode);

/// The rates of a pair: the one in use, which may not be usable, and whether it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// The newest accepted rate; none before the first.
    pub rate: Option<Rate>,
    /// Whether conversions can be made at it now.
    pub is_usable: bool,
}

/// The rate of a pair that is in use.
pub async fn in_use(
    conn: &mut Connection,
    currencies: &Currencies,
    configuration: &WalletConfiguration,
    pair: Pair,
    now: Timestamp,
) -> Result<InUse> {
    let rate = newest(conn, currencies, configuration, pair).await?;
    let opposite = newest(conn, currencies, configuration, (pair.1, pair.0)).await?;
    let is_usable = usable(configuration, rate.as_ref(), opposite.as_ref(), now).is_some()
        && !is_superseded(conn, currencies, configuration, rate.as_ref()).await?;
    Ok(InUse { rate, is_usable })
}

/// Whether a newer rate of the pair waits, which the one in use may be far from.
async fn is_superseded(
    conn: &mut Connection,
    currencies: &Currencies,
    configuration: &WalletConfiguration,
    rate: Option<&Rate>,
) -> Result<bool> {
    let Some(rate) = rate.filter(|_| configuration.rate_source == RateSource::Recorded) else {
        return Ok(false);
    };
    let newest = match numbers(currencies, (rate.from, rate.to)) {
        Some(numbers) => newest_time(conn, numbers).await?,
        None => None,
    };
    Ok(newest != Some(rate.observed_at))
}

/// The newest accepted rate of a pair.
pub(super) async fn newest(
    conn: &mut Connection,
    currencies: &Currencies,
    configuration: &WalletConfiguration,
    pair: Pair,
) -> Result<Option<Rate>> {
    if configuration.rate_source == RateSource::Static {
        let key = RateKey::Static {
            version: configuration.version,
            from: pair.0,
            to: pair.1,
        };
        return of_configuration(conn, key).await;
    }
    let Some((from, to)) = numbers(currencies, pair) else {
        return Ok(None);
    };
    let row: Option<RateRow> = RateRow::query()
        .filter(rates::from_currency.eq(from))
        .filter(rates::to_currency.eq(to))
        .filter(rates::status.eq(RateStatus::Accepted.name()))
        .order(rates::observed_at.desc())
        .first(conn)
        .await
        .optional()?;
    row.map(|row| row.into_rate(currencies)).transpose()
}

/// The rate from which others recorded at `now` may only be so far, whatever was recorded since: the newest one in use
/// that a person accepted or that was recorded an hour ago; without one the first of the pair.
pub(super) async fn anchor(
    conn: &mut Connection,
    currencies: &Currencies,
    (from, to): (i16, i16),
    now: Timestamp,
) -> Result<Option<Rate>> {
    let accepted = || {
        RateRow::query()
            .filter(rates::from_currency.eq(from))
            .filter(rates::to_currency.eq(to))
            .filter(rates::status.eq(RateStatus::Accepted.name()))
    };
    let is_settled = rates::recorded_at
        .le(anchored_until(now))
        .or(rates::decided_by.is_not_null());
    let row: Option<RateRow> = accepted()
        .filter(is_settled)
        .order(rates::observed_at.desc())
        .first(conn)
        .await
        .optional()?;
    let row = match row {
        Some(row) => Some(row),
        None => accepted()
            .order(rates::observed_at.asc())
            .first(conn)
            .await
            .optional()?,
    };
    row.map(|row| row.into_rate(currencies)).transpose()
}

/// Rates by key.
pub async fn by_key(db: &Db, conn: &mut Connection, keys: &[RateKey]) -> Result<Vec<Rate>> {
    let recorded = keys.iter().filter_map(|key| match key {
        RateKey::Recorded(id) => Some(*id),
        RateKey::Static { .. } => None,
    });
    let rows: Vec<RateRow> = RateRow::query()
        .filter(rates::id.eq_any(recorded))
        .load(conn)
        .await?;
    let currencies = db.currencies();
    let found = rows.into_iter().map(|row| row.into_rate(currencies));
    let mut found: Vec<_> = found.collect::<Result<_>>()?;
    for key in keys {
        if matches!(key, RateKey::Static { .. }) {
            found.extend(of_configuration(conn, *key).await?);
        }
    }
    Ok(found)
}

/// A rate of a version of the configuration.
async fn of_configuration(conn: &mut Connection, key: RateKey) -> Result<Option<Rate>> {
    let RateKey::Static { version, from, to } = key else {
        return Ok(None);
    };
    let stored: Option<(serde_json::Value, Timestamp)> = versions::table
        .filter(versions::section.eq(WalletConfiguration::INFO.name))
        .filter(versions::version.eq(version))
        .select((versions::body, versions::updated_at))
        .first(conn)
        .await
        .optional()?;
    let Some((body, at)) = stored else {
        return Ok(None);
    };
    let configuration = WalletConfiguration::read(version, &body)?;
    let value = configuration
        .pair(from, to)
        .and_then(|pair| pair.static_rate);
    Ok(value.map(|value| Rate {
        key,
        from,
        to,
        value,
        observed_at: at,
        recorded_at: at,
        recorded_by: None,
        status: RateStatus::Accepted,
        decided_by: None,
    }))
}

/// Time of the newest rate of a pair, whatever its status.
pub(super) async fn newest_time(
    conn: &mut Connection,
    (from, to): (i16, i16),
) -> Result<Option<Timestamp>> {
    let newest = rates::table
        .filter(rates::from_currency.eq(from))
        .filter(rates::to_currency.eq(to))
        .order(rates::observed_at.desc())
        .select(rates::observed_at)
        .first(conn)
        .await;
    Ok(newest.optional()?)
}

/// Conditions on recorded rates, which all have to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateFilter {
    /// Number of the currency that is given.
    pub from: i16,
    /// Number of the currency that is received.
    pub to: i16,
    /// Status.
    pub status: Option<RateStatus>,
}

/// Narrows a query to the rates that meet the conditions.
macro_rules! filter_rates {
    ($query:ident, $filter:expr) => {
        let filter: &RateFilter = $filter;
        $query = $query.filter(
            rates::from_currency
                .eq(filter.from)
                .and(rates::to_currency.eq(filter.to)),
        );
        narrow!($query, status = filter.status => rates::status.eq(status.name()));
    };
}

/// One page of the recorded rates that meet the conditions, newest first.
pub async fn list(
    db: &Db,
    conn: &mut Connection,
    filter: &RateFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<Rate>> {
    let mut query = RateRow::query().into_boxed::<Pg>();
    filter_rates!(query, filter);
    let query = keyset!(query, page, [rates::observed_at desc, rates::id desc]);
    let rows: Vec<RateRow> = query.load(conn).await?;
    let currencies = db.currencies();
    let found = rows.into_iter().map(|row| row.into_rate(currencies));
    Ok(page.slice(found.collect::<Result<_>>()?))
}

/// Number of the recorded rates that meet the conditions.
pub async fn count(conn: &mut Connection, filter: &RateFilter) -> Result<Count> {
    let mut query = rates::table.select(rates::id).into_boxed::<Pg>();
    filter_rates!(query, filter);
    count_rows(conn, query).await
}

/// Numbers of two currencies; none unless both exist.
pub(super) fn numbers(currencies: &Currencies, (from, to): Pair) -> Option<(i16, i16)> {
    let number = |code| currencies.get(&code).map(|currency| currency.number);
    Some((number(from)?, number(to)?))
}
