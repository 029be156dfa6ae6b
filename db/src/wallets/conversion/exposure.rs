//! Balances of the conversion accounts, counted by a job each second: they keep no running balance.

use diesel::dsl::sql;
use diesel::sql_types::{Array, BigInt, SmallInt, Timestamptz};
use diesel::upsert::excluded;
use domain::money::Minor;
use domain::time::{minutes, plus};
use domain::wallets::WalletKind;

use crate::prelude::*;
use crate::schema::{fx_positions as positions, wallets};

/// What moved through the conversion account of a currency since the books were closed.
#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = SmallInt)]
    currency: i16,
    #[diesel(sql_type = BigInt)]
    closed: i64,
    #[diesel(sql_type = BigInt)]
    amount: i64,
}

/// Counts the balances. Transfers until two minutes ago are summed once and for all: no transaction lasts longer.
pub async fn count(tx: &mut Tx) -> Result<()> {
    let house = wallets::owner_id.eq(Uuid::nil());
    let accounts: Vec<(i64, i16)> = wallets::table
        .filter(house.and(wallets::kind.eq(WalletKind::Fx.name())))
        .select((wallets::id, wallets::currency))
        .load(tx.conn())
        .await?;
    let before: Vec<(i16, Timestamp, i64)> = positions::table
        .select((
            positions::currency,
            positions::closed_until,
            positions::closed,
        ))
        .load(tx.conn())
        .await?;
    // All are counted together; a currency that was added since has no transfers before.
    let closed_until = before.iter().map(|(_, until, _)| *until).max();
    let since = closed_until.unwrap_or(Timestamp::UNIX_EPOCH);
    let until = plus(tx.now(), -minutes(2)).max(since);
    let ids: Vec<i64> = accounts.iter().map(|(id, _)| *id).collect();
    let moved: Vec<Moved> = diesel::sql_query(
        "SELECT t.currency, coalesce(sum(m.amount) FILTER (WHERE t.posted_at <= $2), 0)::bigint AS closed, sum(m.amount)::bigint AS amount
         FROM transfers t, LATERAL (SELECT CASE WHEN t.credit_wallet = ANY($3) THEN t.amount ELSE -t.amount END AS amount) m
         WHERE t.posted_at > $1 AND (t.debit_wallet = ANY($3) OR t.credit_wallet = ANY($3))
         GROUP BY t.currency",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<Timestamptz, _>(until)
    .bind::<Array<BigInt>, _>(ids)
    .load(tx.conn())
    .await?;
    let mut rows = Vec::with_capacity(accounts.len());
    for (_, currency) in accounts {
        let closed = before.iter().find(|(of, ..)| *of == currency);
        let closed = Minor(closed.map_or(0, |(.., closed)| *closed));
        let moved = moved.iter().find(|moved| moved.currency == currency);
        let (more, all) = moved.map_or((0, 0), |moved| (moved.closed, moved.amount));
        rows.push((
            positions::currency.eq(currency),
            positions::closed_until.eq(until),
            positions::closed.eq(closed.plus(Minor(more))?.0),
            positions::amount.eq(closed.plus(Minor(all))?.0),
            positions::counted_at.eq(sql::<Timestamptz>("clock_timestamp()")),
        ));
    }
    diesel::insert_into(positions::table)
        .values(rows)
        .on_conflict(positions::currency)
        .do_update()
        .set((
            positions::closed_until.eq(excluded(positions::closed_until)),
            positions::closed.eq(excluded(positions::closed)),
            positions::amount.eq(excluded(positions::amount)),
            positions::counted_at.eq(excluded(positions::counted_at)),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The counted balance of a currency's conversion account. A fault when the count is older than a minute.
pub(super) async fn position(conn: &mut Connection, currency: i16) -> Result<Minor> {
    let fresh =
        sql::<diesel::sql_types::Bool>("counted_at > clock_timestamp() - interval '1 minute'");
    let counted: Option<i64> = positions::table
        .find(currency)
        .filter(fresh)
        .select(positions::amount)
        .first(conn)
        .await
        .optional()?;
    let counted = counted.ok_or_else(|| {
        DbError::Unavailable("the balance of the conversion account is not counted".to_owned())
    })?;
    Ok(Minor(counted))
}
