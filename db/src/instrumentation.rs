//! Numbers and durations of the statements of pooled connections.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use diesel::connection::{Instrumentation, InstrumentationEvent};

use crate::operation_trace;

/// Numbers of what the pool's connections sent.
#[derive(Default)]
pub(crate) struct Sent {
    pub statements: AtomicU64,
    pub round_trips: AtomicU64,
}

/// Counts and times the statements of a connection. It is called in the task of the operation that sends them.
pub(crate) struct StatementObserver {
    sent: Arc<Sent>,
    /// Start times of the statements without a result yet: several when they are pipelined.
    started: VecDeque<Instant>,
}

impl StatementObserver {
    /// Counts into these numbers.
    pub fn by(sent: Arc<Sent>) -> Self {
        Self {
            sent,
            started: VecDeque::new(),
        }
    }
}

impl Instrumentation for StatementObserver {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.sent.statements.fetch_add(1, Ordering::Relaxed);
                if self.started.is_empty() {
                    self.sent.round_trips.fetch_add(1, Ordering::Relaxed);
                }
                self.started.push_back(Instant::now());
            }
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                if let Some(started) = self.started.pop_front() {
                    let took = operation_trace::statement(query, started, error.is_some());
                    metrics::histogram!("goodgo_statement_duration_seconds").record(took);
                }
                // Statements pipelined behind a failed one end without an event.
                if error.is_some() {
                    self.started.clear();
                }
            }
            _ => {}
        }
    }
}
