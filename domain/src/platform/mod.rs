//! Rules that all contexts share: dual control, approvals by a second person, changes of the configuration, and names of
//! people.

mod approval;
mod configuration;
mod dual_control;
mod users;

pub use approval::*;
pub use configuration::*;
pub use dual_control::*;
pub use users::*;
