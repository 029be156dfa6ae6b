//! When what is open has to end, and when a token does.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use resolvers::errors::Code;
use tokio::time::{self, Duration, Instant};

use crate::auth::clock::instance_now;
use crate::http::HttpState;
use crate::http::refusal::Refusal;

/// What clients read of a server that stops.
pub const RESTARTS: &str = "the server restarts: connect again";

/// When a client that was refused for that should come again, in seconds: to another instance, or to a new one.
const COME_BACK: u32 = 1;

/// Refuses whatever stays open, once the process is about to stop.
pub fn refuse_while_draining(state: &HttpState) -> Result<(), Refusal> {
    if !*state.draining.borrow() {
        return Ok(());
    }
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Err(Refusal {
        retry_after_seconds: Some(COME_BACK),
        ..Refusal::http(status, Code::Unavailable, RESTARTS)
    })
}

/// Waits until one socket or stream has to end: a moment of its own after the process was told to stop, because all at
/// once would come back at once.
pub async fn time_to_leave(state: &HttpState) {
    let mut draining = state.draining.clone();
    if draining.wait_for(|is_draining| *is_draining).await.is_err() {
        // Whoever would have told is gone.
        return std::future::pending().await;
    }
    drop(draining);
    let live = &state.settings.live;
    let dice = u32::from_ne_bytes(state.services.db.ids().bytes());
    let share = f64::from(dice) / f64::from(u32::MAX);
    time::sleep(live.leave + live.drain.mul_f64(share)).await;
}

/// When an expiry comes, by the clock that can't be set; none, if that is too far off to be told.
pub fn instant_of(expires_at: DateTime<Utc>) -> Option<Instant> {
    let left = (expires_at - instance_now()).to_std().unwrap_or_default();
    Instant::now().checked_add(left)
}

/// Waits for a moment, if there is one.
pub async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Ticks from now on; one that was missed is not made up for.
pub fn every(period: Duration) -> time::Interval {
    let mut ticks = time::interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    ticks
}
