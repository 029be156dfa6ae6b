//! Rules that all contexts share: approvals by a second person, changes of the configuration, and names of people.

mod approval;
mod configuration;
mod users;

pub use approval::{Approval, ApprovalRefusal, ApprovalRefusalKind, ApprovalState, ApprovalStatus};
pub use configuration::{
    ConfigurationProblem, ConfigurationProblemKind, ConfigurationRefusal, Field, Judged,
};
pub use users::DisplayName;
