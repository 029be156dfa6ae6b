//! User errors of circles and invitations.

use domain::mining::{CircleRefusal, InvitationRefusal};

use crate::prelude::*;

user_error! {
    CircleUserError, CircleRefusal, "circles";
    /// Time from which the command can succeed; null except with CIRCLE_COOLDOWN.
    retry_at: DateTime,
}

user_error! {
    CircleInvitationUserError, InvitationRefusal, "invitations into circles";
    /// Number allowed; null except with INVITATION_LIMIT, INVITEE_LIMIT and CIRCLE_FULL.
    limit: i32,
    /// Time from which the command can succeed; null when waiting does not help.
    retry_at: DateTime,
}
