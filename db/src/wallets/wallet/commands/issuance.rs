//! Counting the amounts issued today, and pausing mining at its ceiling. Commands read the last count without a lock.

use diesel::sql_types::{Array, BigInt, Bool, SmallInt, Timestamptz};
use diesel::upsert::excluded;
use domain::money::{Currency, CurrencyCode, Minor};
use domain::wallets::WalletKind;
use domain::wallets::wallet::{
    Closed, Issuance, Sums, Tail, closing, count, end_of_day, start_of_day,
};

use crate::prelude::*;
use crate::schema::{issuance_counts as counts, issuance_pauses as pauses};
use crate::wallets::configuration;

#[derive(HasQuery)]
#[diesel(table_name = counts, check_for_backend(Pg))]
struct ClosedRow {
    currency: i16,
    closed_at: Timestamp,
    closed_mined: i64,
    closed_treasury: i64,
    opening_treasury: i64,
}

/// Sums of a currency in a part of the time since the books were closed.
#[derive(QueryableByName)]
struct SumRow {
    #[diesel(sql_type = SmallInt)]
    currency: i16,
    #[diesel(sql_type = Bool)]
    is_today: bool,
    #[diesel(sql_type = Bool)]
    is_open: bool,
    #[diesel(sql_type = BigInt)]
    mined: i64,
    #[diesel(sql_type = BigInt)]
    treasury: i64,
}

const SUMS: &str = "SELECT t.currency, t.posted_at >= $4 AS is_today, t.posted_at >= $5 AS is_open,
       coalesce(sum(t.amount) FILTER (WHERE t.debit_wallet = ANY($1)), 0)::bigint AS mined,
       (coalesce(sum(t.amount) FILTER (WHERE t.credit_wallet = ANY($2)), 0)
           - coalesce(sum(t.amount) FILTER (WHERE t.debit_wallet = ANY($2)), 0))::bigint AS treasury
    FROM transfers t
    WHERE t.posted_at >= $3 AND (t.debit_wallet = ANY($1) OR t.debit_wallet = ANY($2) OR t.credit_wallet = ANY($2))
    GROUP BY 1, 2, 3";

/// Counts what was issued today in each currency, and pauses mining for the rest of the UTC day at its ceiling.
pub async fn issuance_count(tx: &mut Tx) -> Result<()> {
    let now = tx.now();
    let closed: Vec<ClosedRow> = ClosedRow::query().load(tx.conn()).await?;
    // All currencies are counted together; one that was added since has no transfers before.
    let closed_at = closed.iter().map(|row| row.closed_at).max();
    let closed_at = closed_at.unwrap_or(Timestamp::UNIX_EPOCH);
    let accounts = |tx: &Tx, kind| -> Vec<i64> {
        let house = tx.constants().house.iter();
        house
            .filter(|((of, _), _)| *of == kind)
            .map(|(_, id)| *id)
            .collect()
    };
    let mining = accounts(tx, WalletKind::Mining);
    let treasuries = accounts(tx, WalletKind::Treasury);
    let sums: Vec<SumRow> = diesel::sql_query(SUMS)
        .bind::<Array<BigInt>, _>(mining)
        .bind::<Array<BigInt>, _>(treasuries)
        .bind::<Timestamptz, _>(closed_at)
        .bind::<Timestamptz, _>(start_of_day(now))
        .bind::<Timestamptz, _>(closing(closed_at, now))
        .load(tx.conn())
        .await?;
    let numbers: Vec<i16> = tx.currencies().values().map(|one| one.number).collect();
    let points = tx.currencies().get(&CurrencyCode::MP);
    let points = points.map(|points| points.number);
    let mut mined = Minor::ZERO;
    let mut rows = Vec::with_capacity(numbers.len());
    for number in numbers {
        let before = closed.iter().find(|row| row.currency == number);
        let before = before.map_or(
            Closed {
                at: closed_at,
                ..Closed::default()
            },
            ClosedRow::books,
        );
        let tail = tail_of(sums.iter().filter(|sum| sum.currency == number));
        let (issuance, after) = count(before, tail, now)?;
        if Some(number) == points {
            mined = issuance.issued;
        }
        rows.push((
            counts::currency.eq(number),
            counts::counted_at.eq(now),
            counts::issued.eq(issuance.issued.0),
            counts::treasury.eq(issuance.treasury.0),
            counts::closed_at.eq(after.at),
            counts::closed_mined.eq(after.mined.0),
            counts::closed_treasury.eq(after.treasury.0),
            counts::opening_treasury.eq(after.opening.0),
        ));
    }
    diesel::insert_into(counts::table)
        .values(rows)
        .on_conflict(counts::currency)
        .do_update()
        .set((
            counts::counted_at.eq(excluded(counts::counted_at)),
            counts::issued.eq(excluded(counts::issued)),
            counts::treasury.eq(excluded(counts::treasury)),
            counts::closed_at.eq(excluded(counts::closed_at)),
            counts::closed_mined.eq(excluded(counts::closed_mined)),
            counts::closed_treasury.eq(excluded(counts::closed_treasury)),
            counts::opening_treasury.eq(excluded(counts::opening_treasury)),
        ))
        .execute(tx.conn())
        .await?;
    pause(tx, mined).await
}

impl ClosedRow {
    fn books(&self) -> Closed {
        Closed {
            at: self.closed_at,
            mined: Minor(self.closed_mined),
            treasury: Minor(self.closed_treasury),
            opening: Minor(self.opening_treasury),
        }
    }
}

fn tail_of<'s>(sums: impl Iterator<Item = &'s SumRow>) -> Tail {
    let mut tail = Tail::default();
    for sum in sums {
        let part = match (sum.is_today, sum.is_open) {
            (false, false) => &mut tail.earlier,
            (false, true) => &mut tail.earlier_open,
            (true, false) => &mut tail.today,
            (true, true) => &mut tail.today_open,
        };
        *part = Sums {
            mined: Minor(sum.mined),
            treasury: Minor(sum.treasury),
        };
    }
    tail
}

/// Amount of a currency that may still be issued today, for commands of staff outside of wallets. A fault when the count is
/// older than a minute.
pub(crate) async fn left_to_issue(tx: &mut Tx, code: CurrencyCode) -> Result<Minor> {
    let Some(currency) = tx.currency(code).await? else {
        return Ok(Minor::ZERO);
    };
    let counted = issuance_of(tx, currency).await?;
    let configuration = configuration::in_force(tx.conn()).await?;
    let settings = configuration.currency(code);
    let ceiling = settings.map_or(Minor::ZERO, |settings| settings.issuance_ceiling);
    let mined = Issuance {
        treasury: Minor::ZERO,
        ..counted
    };
    Ok(mined.available(ceiling)?)
}

/// Starts a pause of mining when the ceiling of points is reached, and ends it when the ceiling is raised.
async fn pause(tx: &mut Tx, issued: Minor) -> Result<()> {
    let now = tx.now();
    let Some(points) = tx.currency(CurrencyCode::MP).await? else {
        return Ok(());
    };
    let configuration = configuration::in_force(tx.conn()).await?;
    let settings = configuration.currency(CurrencyCode::MP);
    let ceiling = settings.map_or(Minor::ZERO, |settings| settings.issuance_ceiling);
    let open = pauses::table
        .filter(pauses::currency.eq(points.number))
        .filter(pauses::until_at.gt(now));
    let is_open: Option<Timestamp> = open
        .select(pauses::from_at)
        .first(tx.conn())
        .await
        .optional()?;
    match (issued >= ceiling, is_open) {
        (true, None) => {
            let pause = (
                pauses::currency.eq(points.number),
                pauses::from_at.eq(now),
                pauses::until_at.eq(end_of_day(now)),
            );
            tracing::warn!(
                "The issuance ceiling of points is reached: claims are refused until the end of the UTC day"
            );
            diesel::insert_into(pauses::table)
                .values(pause)
                .execute(tx.conn())
                .await?;
        }
        (false, Some(_)) => {
            diesel::update(open)
                .set(pauses::until_at.eq(now))
                .execute(tx.conn())
                .await?;
        }
        _ => {}
    }
    Ok(())
}

/// The amounts of a currency as last counted, for commands of staff. A fault when the count is older than a minute.
pub(super) async fn issuance_of(tx: &mut Tx, currency: Currency) -> Result<Issuance> {
    let counted: Option<(Timestamp, i64, i64)> = counts::table
        .find(currency.number)
        .select((counts::counted_at, counts::issued, counts::treasury))
        .first(tx.conn())
        .await
        .optional()?;
    match counted {
        Some((at, issued, treasury)) if Issuance::is_current(at, tx.now()) => Ok(Issuance {
            issued: Minor(issued),
            treasury: Minor(treasury),
        }),
        _ => Err(DbError::Unavailable(
            "the issued amounts were not counted for a minute".to_owned(),
        )),
    }
}
