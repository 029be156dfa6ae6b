//! Positions in the primary's log, by which a caller reads their own writes from a replica.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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

/// Time for which only the primary is read after a write of unknown outcome: longer than any transaction takes.
const PINNED_FOR: Duration = Duration::from_secs(300);

/// A position in the primary's log, as `16/B374D848`.
///
/// Above all of them are times, as `FFFFFFFF/6A0F3C00` in seconds since 1970, until which only the primary is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub(crate) u64);

impl Position {
    /// The first time.
    const TIMES: u64 = 0xFFFF_FFFF << 32;

    /// Pins reads to the primary, after a write whose position is not known.
    pub(crate) fn unknown() -> Self {
        let until = since_1970().saturating_add(PINNED_FOR.as_secs());
        Self(Self::TIMES | until.min(u64::from(u32::MAX)))
    }

    /// Whether only the primary may be read.
    pub(crate) fn is_pinned(self) -> bool {
        self.is_time() && self.0 & 0xFFFF_FFFF > since_1970()
    }

    fn is_time(self) -> bool {
        self.0 >= Self::TIMES
    }
}

#[expect(clippy::disallowed_methods, reason = "no rule depends on this timeout")]
fn since_1970() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
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

/// Position of the last write of one client: the one of its earlier requests, and of this request. Clones share it.
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

    /// The position for the client to send next; none without a write since.
    #[must_use]
    pub fn to_send(&self) -> Option<Position> {
        self.written.lock().as_ref()?;
        self.position()
    }

    /// Notes a write.
    pub(crate) fn write(&self, position: Position) {
        let mut written = self.written.lock();
        *written = (*written).max(Some(position));
    }

    /// The position that reads need.
    pub(crate) fn position(&self) -> Option<Position> {
        let written = *self.written.lock();
        let pinned = [self.sent, written].into_iter().flatten();
        let pinned = pinned.filter(|position| position.is_pinned()).max();
        // A restored database has lower positions than the client knows.
        let mut known = [written, self.sent].into_iter().flatten();
        pinned.or_else(|| known.find(|position| !position.is_time()))
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
        assert_eq!((sent.position(), sent.to_send()), (Some(Position(9)), None));
        same.write(Position(7));
        same.write(Position(5));
        assert_eq!(sent.position(), Some(Position(7)));
        assert_eq!(sent.to_send(), Some(Position(7)));
    }

    #[test]
    fn reads_the_primary_for_a_time_after_an_unknown_outcome() {
        let unknown = Position::unknown();
        assert!(unknown.is_pinned() && !Position(u64::MAX >> 32).is_pinned());
        let text = unknown.to_string();
        assert_eq!(text.parse(), Ok(unknown), "{text}");
        let request = ReadAfter::default();
        request.write(unknown);
        // A later write does not show what became of the earlier one.
        request.write(Position(7));
        assert_eq!(request.to_send(), Some(unknown));
        let next = ReadAfter::sent(Some(unknown));
        assert_eq!((next.position(), next.to_send()), (Some(unknown), None));
        next.write(Position(8));
        assert_eq!(next.to_send(), Some(unknown));
        let past: Position = "FFFFFFFF/1".parse().unwrap();
        let later = ReadAfter::sent(Some(past));
        assert_eq!(later.position(), None);
        later.write(Position(9));
        assert_eq!(later.to_send(), Some(Position(9)));
    }
}
