//! Ends of sockets and streams: at shutdown, and when a token expires.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use tokio::time::{self, Duration, Instant};

use crate::auth::clock::instance_now;
use crate::http::HttpState;
use crate::http::refusal::Refusal;

/// The message for clients of a server that shuts down.
pub const RESTART_MESSAGE: &str = "the server restarts: connect again";

/// Seconds after which a refused client should retry.
const RETRY_AFTER_SECONDS: u32 = 1;

/// Refuses new sockets and streams during the shutdown.
pub fn refuse_while_draining(state: &HttpState) -> Result<(), Refusal> {
    if !*state.draining.borrow() {
        return Ok(());
    }
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Err(Refusal {
        retry_after_seconds: Some(RETRY_AFTER_SECONDS),
        ..Refusal::http(status, RESTART_MESSAGE)
    })
}

/// Waits until a socket or stream has to end: a random time after the shutdown signal, so that not all clients reconnect
/// at once.
pub async fn closing_time(state: &HttpState) {
    let mut draining = state.draining.clone();
    if draining.wait_for(|is_draining| *is_draining).await.is_err() {
        // The sender was dropped, so there will be no signal.
        return std::future::pending().await;
    }
    drop(draining);
    let live = &state.settings.live;
    let random = u32::from_ne_bytes(state.services.db.ids().bytes());
    let share = f64::from(random) / f64::from(u32::MAX);
    time::sleep(live.leave + live.drain.mul_f64(share)).await;
}

/// The time of an expiry by the monotonic clock. Returns `None` if it is too far in the future.
pub fn instant_of(expires_at: DateTime<Utc>) -> Option<Instant> {
    let left = (expires_at - instance_now()).to_std().unwrap_or_default();
    Instant::now().checked_add(left)
}

/// Waits until a time, or forever without one.
pub async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// An interval that starts after one period and delays missed ticks.
pub fn ticks_every(period: Duration) -> time::Interval {
    let mut ticks = time::interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    ticks
}
