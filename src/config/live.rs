//! Settings of sockets and streams.

use std::time::Duration;

use super::reader::Reader;
use crate::realtime::{LiveSettings, QuotaLimits};

impl Reader {
    /// Reads `GOODGO_SOCKET_…`, `GOODGO_SOCKETS_PER_…` and `GOODGO_LEAVE_SECONDS`. The times of the shutdown are shortened
    /// to fit into `drain`.
    pub fn live(&mut self, leave_seconds: u64, drain: Duration) -> LiveSettings {
        let usual = LiveSettings::default();
        let mut seconds = |name, default: Duration, least| {
            Duration::from_secs(self.number(name, default.as_secs(), least, 3_600))
        };
        let init_timeout = seconds("GOODGO_SOCKET_INIT_SECONDS", usual.init_timeout, 1);
        let ping_every = seconds("GOODGO_SOCKET_PING_SECONDS", usual.ping_every, 1);
        let write_timeout = seconds("GOODGO_SOCKET_WRITE_SECONDS", usual.write_timeout, 1);
        let leave = Duration::from_secs(leave_seconds);
        let leave = seconds("GOODGO_LEAVE_SECONDS", leave, 0).min(drain);
        let span =
            seconds("GOODGO_SOCKET_DRAIN_SECONDS", usual.drain, 0).min(drain.saturating_sub(leave));
        let mut most = |name, default| self.number(name, default, 1, 1_000_000);
        let quota = QuotaLimits {
            per_address: most("GOODGO_SOCKETS_PER_ADDRESS", usual.quota.per_address),
            waiting_per_address: most(
                "GOODGO_SOCKETS_WAITING_PER_ADDRESS",
                usual.quota.waiting_per_address,
            ),
            per_user: most("GOODGO_SOCKETS_PER_USER", usual.quota.per_user),
            per_service: most("GOODGO_SOCKETS_PER_SERVICE", usual.quota.per_service),
        };
        let (bytes, operations) = (usual.max_message_bytes, usual.max_operations);
        LiveSettings {
            init_timeout,
            ping_every,
            write_timeout,
            max_message_bytes: self.number("GOODGO_SOCKET_MESSAGE_BYTES", bytes, 1_024, 1 << 30),
            max_operations: self.number("GOODGO_SOCKET_OPERATIONS", operations, 1, 10_000),
            quota,
            leave,
            drain: span,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(values: &[(&str, &str)], drain_seconds: u64) -> (LiveSettings, Vec<String>) {
        let values = values.iter();
        let mut reader = Reader {
            values: values
                .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                .collect::<BTreeMap<_, _>>(),
            problems: Vec::new(),
        };
        let live = reader.live(2, Duration::from_secs(drain_seconds));
        (live, reader.problems)
    }

    #[test]
    fn fits_socket_shutdown_into_the_drain_time() {
        for (drain_seconds, leave, drain) in [(10, 2, 2), (3, 2, 1), (1, 1, 0), (0, 0, 0)] {
            let (live, problems) = read(&[], drain_seconds);
            assert_eq!(problems, Vec::<String>::new());
            let seconds = (live.leave.as_secs(), live.drain.as_secs());
            assert_eq!(seconds, (leave, drain), "{drain_seconds}");
        }
    }

    #[test]
    fn rejects_zero() {
        for name in [
            "GOODGO_SOCKET_INIT_SECONDS",
            "GOODGO_SOCKET_PING_SECONDS",
            "GOODGO_SOCKET_WRITE_SECONDS",
            "GOODGO_SOCKET_OPERATIONS",
            "GOODGO_SOCKETS_PER_USER",
        ] {
            let (_, problems) = read(&[(name, "0")], 10);
            assert_eq!(problems.len(), 1, "{name}: {problems:?}");
        }
    }
}
