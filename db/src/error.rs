//! Faults: what goes wrong without anybody having asked for something impossible.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;

/// A fault. Refusals are not here: they are data.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The same command with the same key is running.
    #[error("a command with this idempotency key is being executed")]
    InProgress,
    /// The key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// Whether the transaction was committed could not be found out in time.
    #[error("the connection was lost while committing")]
    OutcomeUnknown,
    /// No connection could be had in time.
    #[error("no database connection: {0}")]
    Unavailable(String),
    /// A statement or a wait for a lock took too long.
    #[error("the database took too long: {0}")]
    Timeout(String),
    /// Two transactions could not be put in order, again and again.
    #[error("could not be serialized after several tries: {0}")]
    Contended(String),
    /// A row holds what no row should.
    #[error("inconsistent row in {table}, column {column}: {value}")]
    Inconsistent {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// What it holds, or which row.
        value: String,
    },
    /// Anything else the database said.
    #[error(transparent)]
    Query(DieselError),
}

impl DbError {
    /// A row that holds what no row should.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers have texts, ids and errors at hand, by value"
    )]
    pub(crate) fn inconsistent(
        table: &'static str,
        column: &'static str,
        value: impl ToString,
    ) -> Self {
        Self::Inconsistent {
            table,
            column,
            value: value.to_string(),
        }
    }

    /// Whether the transaction was rolled back for no fault of its own and may be tried again.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Contended(_)) || self.is_missing_partition() || self.is_closed()
    }

    /// Whether the day's partition was missing.
    pub(crate) fn is_missing_partition(&self) -> bool {
        // Reported as a violated check without a name; every check of ours has one.
        matches!(self, Self::Query(DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, info))
            if info.constraint_name().is_none())
    }

    /// Whether the connection is gone.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Query(DieselError::DatabaseError(kind, info)) => {
                matches!(
                    kind,
                    DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand
                ) || info.message().starts_with("terminating connection")
                    || info.message().contains("shutting down")
                    || info.message().contains("starting up")
                    || info.message().contains("recovery mode")
            }
            Self::Query(DieselError::BrokenTransactionManager) => true,
            _ => false,
        }
    }
}

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        if let DieselError::DatabaseError(kind, info) = &error {
            let message = info.message();
            if matches!(kind, DatabaseErrorKind::SerializationFailure)
                || message == "deadlock detected"
            {
                return Self::Contended(message.to_owned());
            }
            if message.starts_with("canceling statement due to") {
                return Self::Timeout(message.to_owned());
            }
        }
        Self::Query(error)
    }
}

impl From<domain::money::Overflow> for DbError {
    fn from(overflow: domain::money::Overflow) -> Self {
        Self::inconsistent("domain", "value", overflow)
    }
}

impl From<PoolError> for DbError {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
