//! Logging to standard error, as text or JSON.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

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
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = if config.json {
        lines.json().try_init()
    } else {
        lines.try_init()
    };
    started.map_err(|error| anyhow::anyhow!("logging can't be started: {error}"))
}
