//! User errors of sessions.

use domain::mining::SessionRefusal;

use crate::prelude::*;

user_error! {
    MiningSessionUserError, SessionRefusal, "sessions";
    /// Sessions per UTC day; null except with DAILY_SESSION_LIMIT.
    limit: i32,
    /// Time from which the command can succeed; null when waiting does not help.
    retry_at: DateTime,
}
