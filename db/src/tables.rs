//! Prints `schema.rs` from a migrated database, without diesel's command line.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use crate::{Connection, DbError};

#[derive(diesel::QueryableByName)]
struct Printed {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Prints the `table!` macros of all tables, with the columns' comments as documentation.
pub async fn print(conn: &mut Connection) -> Result<String, DbError> {
    let printed: Printed = diesel::sql_query(include_str!("tables.sql"))
        .get_result(conn)
        .await?;
    Ok(printed.text)
}
