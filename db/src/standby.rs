//! Facts about the server of a connection: the primary of a database, or a standby of it.

use diesel::QueryableByName;
use diesel::pg::data_types::PgLsn;
use diesel::sql_types::{BigInt, Bool, Nullable, Oid, PgLsn as Lsn};
use diesel_async::RunQueryDsl;

use crate::read_after::Position;
use crate::{Connection, Result};

/// Cluster and database that a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    cluster: i64,
    database: u32,
}

/// Facts about the server of a connection.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct Observed {
    #[diesel(sql_type = BigInt)]
    cluster: i64,
    #[diesel(sql_type = Oid)]
    database: u32,
    #[diesel(sql_type = Bool)]
    is_standby: bool,
    #[diesel(sql_type = Bool)]
    is_distributed: bool,
    #[diesel(sql_type = Nullable<Lsn>)]
    replayed: Option<PgLsn>,
}

impl Observed {
    pub fn identity(&self) -> Identity {
        Identity {
            cluster: self.cluster,
            database: self.database,
        }
    }

    /// Position up to which it has replayed.
    pub fn replayed(&self) -> Position {
        Position(self.replayed.map_or(0, |position| position.0))
    }

    /// Checks that this is a replica of a database. The error says what to change.
    pub fn judge(&self, of: &Identity) -> Result<(), &'static str> {
        if self.identity() != *of {
            Err(
                "READ_DATABASE_URL leads to another database: let it lead to a standby of DATABASE_URL's server",
            )
        } else if !self.is_standby {
            Err(
                "READ_DATABASE_URL leads to a server that is no standby: let it lead to a standby of DATABASE_URL's server",
            )
        } else if self.is_distributed {
            Err("READ_DATABASE_URL doesn't work with a distributed database: remove it")
        } else {
            Ok(())
        }
    }
}

/// Observes a server.
pub(crate) async fn observe(conn: &mut Connection) -> Result<Observed> {
    let observed = diesel::sql_query(
        "SELECT (SELECT system_identifier FROM pg_control_system()) AS cluster,
                (SELECT oid FROM pg_database WHERE datname = current_database()) AS database,
                pg_is_in_recovery() AS is_standby,
                EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS is_distributed,
                pg_last_wal_replay_lsn() AS replayed",
    );
    Ok(observed.get_result(conn).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_servers() {
        let standby = Observed {
            cluster: 1,
            database: 2,
            is_standby: true,
            is_distributed: false,
            replayed: None,
        };
        let of = standby.identity();
        let refusal = |observed: Observed| observed.judge(&of).err().unwrap_or_default();
        assert_eq!(refusal(standby), "");
        let other = Observed {
            cluster: 3,
            ..standby
        };
        assert!(refusal(other).contains("another database"));
        let primary = Observed {
            is_standby: false,
            ..standby
        };
        assert!(refusal(primary).contains("no standby"));
        let distributed = Observed {
            is_distributed: true,
            ..standby
        };
        assert!(refusal(distributed).contains("distributed"));
    }
}
