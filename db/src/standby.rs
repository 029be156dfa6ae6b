//! Facts about the server of a connection: the primary of a database, or a standby of it.

use diesel::QueryableByName;
use diesel::pg::data_types::PgLsn;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Oid, PgLsn as Lsn};
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
pub(crate) struct ServerFacts {
    #[diesel(sql_type = BigInt)]
    cluster: i64,
    #[diesel(sql_type = Oid)]
    database: u32,
    #[diesel(sql_type = Bool)]
    is_standby: bool,
    #[diesel(sql_type = Bool)]
    is_distributed: bool,
    /// Timeline of the primary's log, or the last one that a standby has replayed.
    #[diesel(sql_type = Integer)]
    timeline: i32,
    #[diesel(sql_type = Nullable<Lsn>)]
    position: Option<PgLsn>,
}

impl ServerFacts {
    pub fn identity(&self) -> Identity {
        Identity {
            cluster: self.cluster,
            database: self.database,
        }
    }

    /// End of the primary's log, or of what a standby has replayed.
    pub fn position(&self) -> Position {
        Position(self.position.map_or(0, |position| position.0))
    }

    /// Timeline of the log. A promotion starts a new one, and positions of different ones can't be compared.
    pub fn timeline(&self) -> i32 {
        self.timeline
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
pub(crate) async fn observe(conn: &mut Connection) -> Result<ServerFacts> {
    let observed = diesel::sql_query(
        "SELECT (SELECT system_identifier FROM pg_control_system()) AS cluster,
                (SELECT oid FROM pg_database WHERE datname = current_database()) AS database,
                pg_is_in_recovery() AS is_standby,
                EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS is_distributed,
                CASE WHEN pg_is_in_recovery() THEN (SELECT min_recovery_end_timeline FROM pg_control_recovery())
                     ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
                END AS timeline,
                CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END AS position",
    );
    Ok(observed.get_result(conn).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_servers() {
        let standby = ServerFacts {
            cluster: 1,
            database: 2,
            is_standby: true,
            is_distributed: false,
            timeline: 1,
            position: None,
        };
        let of = standby.identity();
        let refusal = |observed: ServerFacts| observed.judge(&of).err().unwrap_or_default();
        assert_eq!(refusal(standby), "");
        let other = ServerFacts {
            cluster: 3,
            ..standby
        };
        assert!(refusal(other).contains("another database"));
        let primary = ServerFacts {
            is_standby: false,
            ..standby
        };
        assert!(refusal(primary).contains("no standby"));
        let distributed = ServerFacts {
            is_distributed: true,
            ..standby
        };
        assert!(refusal(distributed).contains("distributed"));
    }
}
