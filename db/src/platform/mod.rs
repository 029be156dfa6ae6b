//! Shared by all contexts: audit log, approvals, configuration, jobs, users.

pub mod approval;
pub mod audit;
pub mod configuration;
mod events;
pub mod job;
pub mod users;

use domain::platform::{ApprovalRefusal, ConfigurationRefusal};

pub use events::{ApprovalChanged, PlatformEvent};

use crate::command::{Described, refusable};

refusable!(ApprovalRefusal, ConfigurationRefusal);

/// Descriptors of the platform's commands.
pub const COMMANDS: &[&[Described]] = &[
    approval::commands::COMMANDS,
    configuration::commands::COMMANDS,
];
