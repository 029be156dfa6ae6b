//! Faults: failures that are not refusals.

use diesel::ConnectionError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::PoolError as DieselPoolError;
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
    /// A command of the same owner that excludes this one is running; retry later.
    #[error(
        "another command of this kind is being executed for the same owner: nothing was executed, retry"
    )]
    OwnerBusy,
    /// The key belongs to a request with another input.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The configuration names no such service.
    #[error(
        "the configuration has no name for this service: an administrator adds it to `issuers` of the section `wallet`"
    )]
    IssuerUnknown,
    /// A service names another one in the reference of what it makes.
    #[error("`reference.issuer` is not the calling service: leave it out")]
    IssuerForeign,
    /// A service names no owner.
    #[error("`owner` is required for services: name the owner of the wallet")]
    OwnerRequired,
    /// A service names no person.
    #[error("`userId` is required for services: name the person")]
    UserRequired,
    /// A person names the person.
    #[error("`userId` is for services: leave it out")]
    UserSuperfluous,
    /// A holder or a service redeems a voucher without an order.
    #[error("`orderId` is required: only the merchant redeems vouchers without an order")]
    OrderRequired,
    /// A person names an owner whose wallets are not theirs.
    #[error("the wallets of this owner are not yours")]
    OwnerForeign,
    /// Staff name a reference without its service.
    #[error("`reference.issuer` is required: name the service")]
    IssuerMissing,
    /// The caller stored as many idempotency keys in an hour as allowed.
    #[error(
        "{} idempotency keys were stored within an hour: retry in {retry_after_seconds} seconds",
        crate::KEYS_PER_HOUR
    )]
    KeysExceeded {
        /// Seconds until another key can be stored.
        retry_after_seconds: u32,
    },
    /// The connection was lost during the commit, and the outcome could not be determined in time.
    #[error("the connection was lost while committing")]
    OutcomeUnknown,
    /// The database is out of resources, or can't be reached.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// All connections of the pool were in use for too long.
    #[error("all connections to the database are in use")]
    PoolExhausted,
    /// No more connections are accepted, or the database is out of other resources.
    #[error("no connection can be opened: {0}")]
    LimitReached(String),
    /// The connection is closed, or leads to a server that only reads: another connection is needed.
    #[error("the connection is of no use: {0}")]
    Closed(String),
    /// A statement or a wait for a lock timed out.
    #[error("the database took too long: {0}")]
    Timeout(String),
    /// Serialization failures, deadlocks or membership changes exceeded the retries.
    #[error("could not be serialized after several tries: {0}")]
    Contended(String),
    /// Other transactions hold all that is left of something; the transaction is run again, because one may fail.
    #[error("others hold all that is left")]
    AllTaken,
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
    /// A text has a character that the database cannot store.
    #[error("a text has a character that cannot be stored, such as U+0000: remove it")]
    TextInvalid,
    /// The smallest amount that a caller expects of a conversion can never be reached exactly.
    #[error(
        "`minToAmount` has to be above 0, and no finer than the smallest unit of the currency received"
    )]
    LeastInvalid,
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
            || self.is_unknown_currency()
            || self.is_closed()
    }

    /// Whether the partition of the day was missing.
    pub(crate) fn is_missing_partition(&self) -> bool {
        // PostgreSQL reports it as a check violation without a constraint name; all our checks are named.
        matches!(self, Self::Query(DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, info))
            if info.constraint_name().is_none())
    }

    /// Whether a new row, such as a wallet or a sum, has the number of a currency that is no longer there.
    pub(crate) fn is_unknown_currency(&self) -> bool {
        matches!(self, Self::Query(DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, info))
            if info.constraint_name().is_some_and(|name| name.ends_with("_currency_fkey")))
    }

    /// Whether another connection is needed.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// Whether a COMMIT that failed with this may have taken effect.
    pub(crate) fn leaves_outcome_open(&self) -> bool {
        matches!(
            self,
            Self::Closed(_) | Self::Unavailable(_) | Self::Timeout(_)
        )
    }

    /// The fault of an error with an SQLSTATE. None for errors of statements.
    fn of_state(code: &str, message: &str) -> Option<Self> {
        let class: fn(String) -> Self = match (code.get(..2)?, code) {
            // NUL in a text, and in a text of a JSON value.
            (_, "22021" | "22P05") => return Some(Self::TextInvalid),
            // 57P01 to 57P05: the server stops, crashed, starts, dropped the database, or ended an idle session. 25P03:
            // it ended an idle transaction. 25006: it only reads.
            ("08", _) | (_, "25006" | "25P03") => Self::Closed,
            ("57", _) if code.starts_with("57P") => Self::Closed,
            (_, "40001" | "40P01") => Self::Contended,
            (_, "55P03" | "57014") => Self::Timeout,
            // XX000 comes from a coordinator that lost a worker.
            ("53" | "58", _) | (_, "XX000") => Self::Unavailable,
            _ => return None,
        };
        Some(class(message.to_owned()))
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
        match &error {
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                info,
            ) => Self::Closed(info.message().to_owned()),
            DieselError::BrokenTransactionManager => Self::Closed(error.to_string()),
            // `wire` puts the SQLSTATE in front of the message.
            DieselError::DatabaseError(_, info) => info
                .message()
                .split_once(": ")
                .and_then(|(code, _)| Self::of_state(code, info.message()))
                .unwrap_or(Self::Query(error)),
            _ => Self::Query(error),
        }
    }
}

impl From<domain::money::Overflow> for DbError {
    fn from(overflow: domain::money::Overflow) -> Self {
        Self::inconsistent("domain", "value", overflow)
    }
}

impl From<PoolError> for DbError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(DieselPoolError::ConnectionError(error)) => error.into(),
            error => Self::Unavailable(error.to_string()),
        }
    }
}

/// No connection could be opened.
impl From<ConnectionError> for DbError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::CouldntSetupConfiguration(error) => match Self::from(error) {
                Self::Unavailable(reason) => Self::LimitReached(reason),
                error => Self::Unavailable(error.to_string()),
            },
            error => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies_errors_by_sqlstate() {
        let class = |code: &str| {
            let message = format!("{code}: Meldung");
            let fault = DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message));
            match DbError::from(fault) {
                DbError::Closed(_) => "closed",
                DbError::Contended(_) => "contended",
                DbError::Timeout(_) => "timeout",
                DbError::Unavailable(_) => "unavailable",
                DbError::TextInvalid => "text",
                _ => "query",
            }
        };
        for (codes, expected) in [
            ("08006 08P01 57P01 57P02 57P03 25006 25P03", "closed"),
            ("40001 40P01", "contended"),
            ("55P03 57014", "timeout"),
            ("53100 53300 58030 XX000", "unavailable"),
            ("22021 22P05", "text"),
            ("42601 23505 57000 XX001 23514", "query"),
        ] {
            for code in codes.split(' ') {
                assert_eq!(class(code), expected, "{code}");
            }
        }
    }
}
