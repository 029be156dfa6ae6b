//! Fixed SQL that is prepared once per connection.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, BoxedSqlQuery, Query, QueryFragment, QueryId, SqlQuery};

/// A query whose text depends on no value. diesel prepares `sql_query` anew for each execution, which costs a round trip.
pub(crate) struct Prepared<'a>(BoxedSqlQuery<'a, Pg, SqlQuery>);

impl<'a> Prepared<'a> {
    /// Marks the text as fixed.
    pub fn new(query: BoxedSqlQuery<'a, Pg, SqlQuery>) -> Self {
        Self(query)
    }
}

impl QueryFragment<Pg> for Prepared<'_> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl QueryId for Prepared<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Prepared<'_> {
    type SqlType = diesel::sql_types::Untyped;
}
