//! Logging to standard error, as text or JSON.
//!
//! Libraries log messages, parameters of statements and headers below the level info. These lines may contain secrets, so
//! they are left out at every `LOG_LEVEL`.

use std::io::IsTerminal;

use anyhow::Context;
use tracing::{Level, Metadata};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, filter, fmt};

use crate::config::LogConfig;

/// Starts logging to standard error.
pub fn start(config: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(&config.filter)
        .with_context(|| {
            format!(
                "LOG_LEVEL is {:?}: set a level such as info, or goodgo=debug",
                config.filter
            )
        })?;
    let lines = fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines = if config.json {
        lines.json().boxed()
    } else {
        lines.boxed()
    };
    let started = tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .with(filter::filter_fn(is_safe))
        .try_init();
    started.map_err(|error| anyhow::anyhow!("logging can't be started: {error}"))
}

/// Our crates, whose lines contain no secrets.
const OWN: [&str; 5] = ["goodgo", "resolvers", "db", "domain", "devdb"];

/// Whether a line is ours, or important enough that libraries put no data into it.
fn is_safe(line: &Metadata<'_>) -> bool {
    let target = line.target().split("::").next().unwrap_or_default();
    *line.level() <= Level::INFO || OWN.contains(&target)
}
