//! The key that signs links, shared by all instances.

use crate::prelude::*;
use crate::schema::link_keys;

/// Reads the key. The migration made it.
pub async fn key(conn: &mut Connection) -> Result<Vec<u8>> {
    Ok(link_keys::table.select(link_keys::key).first(conn).await?)
}
