//! Commands on circles and invitations.

pub(in crate::mining) mod circles;
pub(in crate::mining) mod invitations;

pub use circles::*;
pub use invitations::*;
