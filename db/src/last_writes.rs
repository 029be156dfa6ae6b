//! Writes at the end of a transaction, in one statement: each statement is a round trip.

use diesel::QueryResult;
use diesel::expression::{AsExpression, TypedExpressionType};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, SqlType};
use diesel_async::RunQueryDsl;
use futures_util::future::try_join_all;

use crate::{Connection, DbError, Result};

/// A statement that changes rows.
pub(crate) type Statement = Box<dyn QueryFragment<Pg> + Send + Sync>;

/// A write that nothing in its transaction reads. Two of them never change the same row.
pub(crate) struct LastWrite {
    /// Table.
    pub table: &'static str,
    /// Number of rows it has to change.
    pub rows: usize,
    /// Whether another number means that a concurrent transaction changed rows, so that this one is retried.
    pub is_race: bool,
    /// The statement, without `RETURNING`.
    pub statement: Statement,
}

/// Sends writes as one statement. A cluster has no data-modifying `WITH` over shards, so it gets one statement each, in one
/// round trip.
pub(crate) async fn send(
    conn: &Connection,
    writes: Vec<LastWrite>,
    is_cluster: bool,
) -> Result<()> {
    let size = if is_cluster { 1 } else { writes.len() };
    let mut writes = writes.into_iter();
    let groups = std::iter::from_fn(|| {
        let group: Vec<_> = writes.by_ref().take(size).collect();
        (!group.is_empty()).then_some(group)
    });
    try_join_all(groups.map(|group| send_together(conn, group))).await?;
    Ok(())
}

async fn send_together(mut conn: &Connection, writes: Vec<LastWrite>) -> Result<()> {
    let (expected, statements): (Vec<_>, Vec<_>) = writes
        .into_iter()
        .map(|write| ((write.table, write.rows, write.is_race), write.statement))
        .unzip();
    let changed: Vec<i64> = Together(statements).get_result(&mut conn).await?;
    for ((table, rows, is_race), changed) in expected.into_iter().zip(changed) {
        if usize::try_from(changed) == Ok(rows) {
            continue;
        }
        let what = format!("{changed} changed, {rows} decided");
        return Err(if is_race {
            DbError::Contended(format!("rows of {table} were changed concurrently: {what}"))
        } else {
            DbError::inconsistent(table, "rows", what)
        });
    }
    Ok(())
}

/// Statements as one, which returns the number of rows that each changed.
struct Together(Vec<Statement>);

impl QueryFragment<Pg> for Together {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (number, statement) in self.0.iter().enumerate() {
            out.push_sql(if number == 0 { "WITH w" } else { ", w" });
            out.push_sql(&number.to_string());
            out.push_sql(" AS (");
            statement.walk_ast(out.reborrow())?;
            out.push_sql(" RETURNING 1)");
        }
        out.push_sql(" SELECT ARRAY[");
        for number in 0..self.0.len() {
            let separator = if number == 0 { "" } else { ", " };
            out.push_sql(&format!("{separator}(SELECT count(*) FROM w{number})"));
        }
        out.push_sql("]");
        Ok(())
    }

    /// The text depends on the kinds of statements only, so each connection prepares it once.
    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl QueryId for Together {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Together {
    type SqlType = Array<BigInt>;
}

/// SQL with a `?` for each value.
pub(crate) struct Text {
    text: &'static str,
    values: Vec<Statement>,
}

impl Text {
    /// SQL whose values follow.
    pub fn new(text: &'static str) -> Self {
        Self {
            text,
            values: Vec::new(),
        }
    }

    /// Adds the next value.
    pub fn bind<T, V>(mut self, value: V) -> Self
    where
        T: SqlType + TypedExpressionType,
        V: AsExpression<T>,
        V::Expression: QueryFragment<Pg> + Send + Sync + 'static,
    {
        self.values.push(Box::new(value.as_expression()));
        self
    }
}

impl QueryFragment<Pg> for Text {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut parts = self.text.split('?');
        out.push_sql(parts.next().unwrap_or_default());
        for (value, part) in self.values.iter().zip(parts) {
            value.walk_ast(out.reborrow())?;
            out.push_sql(part);
        }
        Ok(())
    }
}
