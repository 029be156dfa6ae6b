//! Commands about circles, one file for each.
//!
//! A circle's row guards its members and its invitations: whoever changes one of them locks it first, several by
//! ascending ids, then invitations, then the miners concerned. So between the locks and the end nobody else joins,
//! leaves, invites or answers.

mod ban;
mod create;
mod disband;
mod events;
mod invitation_accept;
mod invitation_cancel;
mod invitation_decline;
mod invitation_expire;
mod invitation_send;
mod invitations;
mod leave;
mod lock;
mod member_remove;
mod members;
mod rename;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(super) use ban::{apply_ban, lock_for_ban};
pub use create::circle_create;
pub use disband::{CircleDecision, circle_disband, circle_disband_for};
pub use invitation_accept::{InvitationAccepted, circle_invitation_accept};
pub use invitation_cancel::circle_invitation_cancel;
pub use invitation_decline::circle_invitation_decline;
pub use invitation_expire::circle_invitations_expire;
pub use invitation_send::circle_invitation_send;
pub use leave::{CircleLeft, circle_leave};
pub use member_remove::circle_member_remove;
pub use rename::circle_rename;

/// What a command about a circle gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircleDone {
    /// The circle.
    pub circle_id: Uuid,
}

/// What a command about an invitation gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationDone {
    /// The invitation.
    pub invitation_id: Uuid,
}
