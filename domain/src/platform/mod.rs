//! Rules that all contexts share: approvals by a second person and changes of the configuration.

mod approval;
mod configuration;

pub use approval::{Approval, ApprovalRefusal, ApprovalRefusalKind, ApprovalState, ApprovalStatus};
pub use configuration::{
    ConfigurationProblem, ConfigurationProblemKind, ConfigurationRefusal, Field, Judged,
};
