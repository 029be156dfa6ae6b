//! Observability: metrics, traces at a collector, log lines, alerts and a dashboard.

mod alerts;
mod collector;
mod expressions;
mod metrics;
mod slow;
mod traces;
