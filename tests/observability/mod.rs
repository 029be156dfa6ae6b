//! What operators see: metrics, traces at a collector, lines in the log, alerts and a dashboard.

mod alerts;
mod collector;
mod expressions;
mod metrics;
mod slow;
mod traces;
