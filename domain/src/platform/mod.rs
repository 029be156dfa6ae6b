//! Rules that all contexts share: dual control, approvals by a second person, changes of the configuration, and names of
//! people.

mod approval;
mod configuration;
mod dual_control;
mod users;

pub use approval::{Approval, ApprovalRefusal, ApprovalRefusalKind, ApprovalState, ApprovalStatus};
pub use configuration::{
    ConfigurationProblem, ConfigurationProblemKind, ConfigurationRefusal, Field, Judged,
};
pub use dual_control::{
    DoneAlone, dual_control_limit, first_hour, hour_before, hour_of, needs_second_person,
};
pub use users::DisplayName;
