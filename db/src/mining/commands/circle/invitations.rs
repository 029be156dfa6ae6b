//! What becomes of invitations, whoever decides about them.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::mining::{CircleInvitation, InvitationStatus};
use domain::time::Timestamp;

use super::events::CircleEvents;
use crate::schema::circle_invitations;
use crate::text::Text as _;
use crate::{DbError, Tx};

/// Stores an invitation's end, and tells it. It must be pending, and its circle locked.
pub(super) async fn end(
    tx: &mut Tx,
    events: &mut CircleEvents,
    invitation: &CircleInvitation,
    status: InvitationStatus,
) -> Result<(), DbError> {
    let name = match status {
        InvitationStatus::Accepted => "CircleInvitationAccepted",
        InvitationStatus::Declined => "CircleInvitationDeclined",
        InvitationStatus::Cancelled => "CircleInvitationCancelled",
        InvitationStatus::Expired => "CircleInvitationExpired",
        InvitationStatus::Pending => {
            return Err(DbError::inconsistent(
                "circle_invitations",
                "status",
                invitation.id,
            ));
        }
    };
    let decided_at: Option<Timestamp> = (status != InvitationStatus::Expired).then(|| tx.now());
    let ended = diesel::update(circle_invitations::table.find(invitation.id.0))
        .filter(circle_invitations::status.eq(InvitationStatus::Pending.text()))
        .set((
            circle_invitations::status.eq(status.text()),
            circle_invitations::decided_at.eq(decided_at),
        ))
        .execute(tx.conn())
        .await?;
    if ended != 1 {
        return Err(DbError::inconsistent(
            "circle_invitations",
            "status",
            invitation.id,
        ));
    }
    events.invitation(name, invitation);
    Ok(())
}

/// Takes pending invitations back; those that time has ended expired before.
pub(super) async fn withdraw<'a>(
    tx: &mut Tx,
    events: &mut CircleEvents,
    pending: impl Iterator<Item = &'a CircleInvitation> + Send,
) -> Result<(), DbError> {
    for invitation in pending {
        let status = match invitation.status_at(tx.now()) {
            InvitationStatus::Expired => InvitationStatus::Expired,
            _ => InvitationStatus::Cancelled,
        };
        end(tx, events, invitation, status).await?;
    }
    Ok(())
}
