//! Positions in the primary's log, by which a caller reads their own writes from a replica.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use diesel::pg::data_types::PgLsn;
use diesel::sql_types::PgLsn as Lsn;
use diesel_async::RunQueryDsl;
use parking_lot::Mutex;

use crate::{Connection, Result};

#[diesel::declare_sql_function]
extern "SQL" {
    /// End of what was written to the log so far.
    fn pg_current_wal_insert_lsn() -> Lsn;
    /// End of what a standby has replayed.
    fn pg_last_wal_replay_lsn() -> Nullable<Lsn>;
}

/// A position in the primary's log, as `16/B374D848`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub(crate) u64);

impl Position {
    /// A position that no replica reaches.
    pub(crate) const NEVER: Self = Self(u64::MAX);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// A text is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let half = |text: &str| {
            let is_hex =
                (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
            let half = is_hex.then(|| u64::from_str_radix(text, 16));
            half.and_then(Result::ok).ok_or(NoPosition)
        };
        let (high, low) = text.split_once('/').ok_or(NoPosition)?;
        Ok(Self(half(high)? << 32 | half(low)?))
    }
}

/// Position of the last write of one client: of a request, or of all operations of a socket. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct ReadAfter {
    sent: Option<Position>,
    written: Arc<Mutex<Option<Position>>>,
}

impl ReadAfter {
    /// The position that the client sent, if any.
    #[must_use]
    pub fn sent(position: Option<Position>) -> Self {
        Self {
            sent: position,
            ..Self::default()
        }
    }

    /// Position of the last write since.
    #[must_use]
    pub fn written(&self) -> Option<Position> {
        *self.written.lock()
    }

    pub(crate) fn write(&self, position: Position) {
        let mut written = self.written.lock();
        // A known position was read behind earlier writes, so it also covers one without a known position.
        *written = match *written {
            Some(Position::NEVER) => Some(position),
            before => before.max(Some(position)),
        };
    }

    pub(crate) fn position(&self) -> Option<Position> {
        self.written().or(self.sent)
    }
}

/// Reads the primary's position.
pub(crate) async fn current_position(conn: &mut Connection) -> Result<Position> {
    let position: PgLsn = diesel::select(pg_current_wal_insert_lsn())
        .get_result(conn)
        .await?;
    Ok(Position(position.0))
}

/// Reads the position up to which a standby has replayed.
pub(crate) async fn replayed_position(conn: &mut Connection) -> Result<Option<Position>> {
    let position: Option<PgLsn> = diesel::select(pg_last_wal_replay_lsn())
        .get_result(conn)
        .await?;
    Ok(position.map(|position| Position(position.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_positions_as_it_writes_them() {
        for text in ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"] {
            let position: Position = text.parse().unwrap();
            assert_eq!(position.to_string(), text);
        }
        assert!("1/0".parse::<Position>().unwrap() > "0/FFFFFFFF".parse().unwrap());
        for bad in [
            "",
            "/",
            "1",
            "1/",
            "/1",
            "1/2/3",
            "+1/2",
            "1/ 2",
            "g/0",
            "123456789/0",
        ] {
            assert_eq!(bad.parse::<Position>(), Err(NoPosition), "{bad}");
        }
    }

    #[test]
    fn keeps_the_newest_written_position() {
        let sent = ReadAfter::sent(Some(Position(9)));
        let same = sent.clone();
        assert_eq!((sent.position(), sent.written()), (Some(Position(9)), None));
        same.write(Position(7));
        same.write(Position(5));
        // A restored database has lower positions than the client knows.
        assert_eq!(sent.position(), Some(Position(7)));
        assert_eq!(sent.written(), Some(Position(7)));
    }
}
