//! Prints `schema.rs` from a migrated database, without diesel's command line.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use crate::{Connection, Result};

/// Prints the `table!` macros of all tables, with the columns' comments as documentation.
pub async fn print(conn: &mut Connection) -> Result<String> {
    let tables = diesel::dsl::sql::<Text>(include_str!("tables.sql"));
    Ok(tables.get_result(conn).await?)
}
