//! The instance's clock: the one place that reads it, for nothing but the expiry of tokens.

use chrono::{DateTime, Utc};

/// What time this machine has.
///
/// Everything else goes by the database's clock. Tokens are made by other machines and stop being good when these say
/// so, whatever a development clock has been advanced to.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "expiry of tokens goes by the instance's clock, and this is the only place that reads it"
)]
pub fn instance_now() -> DateTime<Utc> {
    Utc::now()
}
