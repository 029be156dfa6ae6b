//! The instance's clock. This is the only place that reads it.

use chrono::{DateTime, Utc};

/// The time of this machine.
///
/// The clock is used for the expiry of tokens, which other machines issue, for ids and for the start times of spans. All other
/// times come from the database's clock, which development can move.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the only place that reads the instance's clock"
)]
pub fn instance_now() -> DateTime<Utc> {
    Utc::now()
}
