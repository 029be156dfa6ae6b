//! Balances of the conversion accounts, counted by a job each second: they keep no running balance.

use diesel::sql_types::Timestamptz;
use domain::money::Minor;

use crate::prelude::*;
use crate::schema::fx_positions as positions;

/// Counts the balances. Transfers until half a minute ago are summed once and for all: no transaction lasts longer.
pub async fn count(tx: &mut Tx) -> Result<()> {
    diesel::sql_query(
        "WITH fx AS (
             SELECT w.id, w.currency, p.closed_until, p.closed, p.currency IS NULL AS is_new,
                    greatest(coalesce(p.closed_until, '-infinity'), $1::timestamptz - interval '30 seconds') AS until
             FROM wallets w LEFT JOIN fx_positions p ON p.currency = w.currency
             WHERE w.owner_id = '00000000-0000-0000-0000-000000000000' AND w.kind = 'FX'
         ), moved AS (
             SELECT fx.currency,
                    coalesce(sum(CASE WHEN t.credit_wallet = fx.id THEN t.amount ELSE -t.amount END)
                        FILTER (WHERE t.posted_at <= fx.until), 0) AS closed,
                    coalesce(sum(CASE WHEN t.credit_wallet = fx.id THEN t.amount ELSE -t.amount END), 0) AS amount
             FROM fx JOIN transfers t ON (t.credit_wallet = fx.id OR t.debit_wallet = fx.id)
                 AND t.posted_at > coalesce(fx.closed_until, '-infinity')
             GROUP BY fx.currency
         )
         INSERT INTO fx_positions (currency, closed_until, closed, amount, counted_at)
         SELECT fx.currency, fx.until, coalesce(fx.closed, 0) + coalesce(m.closed, 0),
                coalesce(fx.closed, 0) + coalesce(m.amount, 0), clock_timestamp()
         FROM fx LEFT JOIN moved m ON m.currency = fx.currency
         ON CONFLICT (currency) DO UPDATE SET closed_until = excluded.closed_until, closed = excluded.closed,
             amount = excluded.amount, counted_at = excluded.counted_at",
    )
    .bind::<Timestamptz, _>(tx.now())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The counted balance of a currency's conversion account. A fault when the count is older than a minute.
pub(super) async fn position(conn: &mut Connection, currency: i16) -> Result<Minor> {
    let fresh = diesel::dsl::sql::<diesel::sql_types::Bool>(
        "counted_at > clock_timestamp() - interval '1 minute'",
    );
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
