//! Faults: failures that are not refusals.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;

use crate::Owner;

/// The result of what can end in a fault.
pub type Result<T, E = DbError> = std::result::Result<T, E>;

/// A fault. Refusals are data and not listed here.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The same command with the same key is running; retry later.
    #[error("a command with this idempotency key is being executed")]
    InProgress,
    /// The key belongs to a request with another input.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The connection was lost during the commit, and the outcome could not be determined in time.
    #[error("the connection was lost while committing")]
    OutcomeUnknown,
    /// No connection was available in time.
    #[error("no database connection: {0}")]
    Unavailable(String),
    /// A statement or a wait for a lock timed out.
    #[error("the database took too long: {0}")]
    Timeout(String),
    /// Serialization failures, deadlocks or membership changes exceeded the retries.
    #[error("could not be serialized after several tries: {0}")]
    Contended(String),
    /// Owners have no row yet; the transaction is retried after they were inserted.
    #[error("owners without a row: {0:?}")]
    UnknownOwners(Vec<Owner>),
    /// A stored value is inconsistent.
    #[error("inconsistent row in {table}, column {column}: {value}")]
    Inconsistent {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// The value, or the key of the row.
        value: String,
    },
    /// Any other error of the database.
    #[error(transparent)]
    Query(DieselError),
}

impl DbError {
    /// A fault for an inconsistent stored value.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers pass owned texts, ids and errors"
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

    /// Whether the transaction was rolled back and can be retried.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Contended(_) | Self::UnknownOwners(_))
            || self.is_missing_partition()
            || self.is_closed()
    }

    /// Whether the partition of the day was missing.
    pub(crate) fn is_missing_partition(&self) -> bool {
        // PostgreSQL reports it as a check violation without a constraint name; all our checks are named.
        matches!(self, Self::Query(DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, info))
            if info.constraint_name().is_none())
    }

    /// Whether the connection is closed.
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
        let error = match error {
            // A row's own conversion names table, column and value.
            DieselError::DeserializationError(error) => match error.downcast() {
                Ok(inconsistent) => return *inconsistent,
                Err(error) => DieselError::DeserializationError(error),
            },
            error => error,
        };
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
