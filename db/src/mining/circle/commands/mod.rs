//! Commands on circles and invitations, one file each.

mod create;
mod disband;
mod invitation_accept;
mod invitation_decline;
mod invitation_expire;
mod invitation_send;
mod leave;
mod rename;

pub use create::{CIRCLE_CREATE, circle_create};
pub use disband::{CIRCLE_DISBAND, CIRCLE_FORCE_DISBAND, circle_disband, circle_force_disband};
pub use invitation_accept::{CIRCLE_INVITATION_ACCEPT, circle_invitation_accept};
pub use invitation_decline::{
    CIRCLE_INVITATION_CANCEL, CIRCLE_INVITATION_DECLINE, circle_invitation_cancel,
    circle_invitation_decline,
};
pub use invitation_expire::circle_invitations_expire;
pub use invitation_send::{CIRCLE_INVITATION_SEND, circle_invitation_send};
pub use leave::{CIRCLE_LEAVE, CIRCLE_MEMBER_REMOVE, circle_leave, circle_member_remove};
pub use rename::{CIRCLE_RENAME, circle_rename};

use crate::command::{Described, described};

/// Descriptors of these commands.
pub(in crate::mining) const COMMANDS: &[Described] = described!(
    CIRCLE_CREATE,
    CIRCLE_RENAME,
    CIRCLE_MEMBER_REMOVE,
    CIRCLE_LEAVE,
    CIRCLE_DISBAND,
    CIRCLE_FORCE_DISBAND,
    CIRCLE_INVITATION_SEND,
    CIRCLE_INVITATION_ACCEPT,
    CIRCLE_INVITATION_DECLINE,
    CIRCLE_INVITATION_CANCEL,
);
