//! Ends of invitations, shared by the commands that end them.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::mining::{CircleInvitation, InvitationStatus};
use domain::time::Timestamp;

use super::events::CircleEvents;
use crate::schema::circle_invitations;
use crate::{DbError, Result, Tx};

/// Stores the final state of a pending invitation whose circle is locked, with its event.
pub(super) async fn end(
    tx: &mut Tx,
    events: &mut CircleEvents<'_>,
    invitation: &CircleInvitation,
    status: InvitationStatus,
) -> Result<()> {
    let decided_at: Option<Timestamp> = (status != InvitationStatus::Expired).then(|| tx.now());
    let ended = diesel::update(
        circle_invitations::table.find((invitation.id.circle.0, invitation.id.uuid)),
    )
    .filter(circle_invitations::status.eq(InvitationStatus::Pending.name()))
    .set((
        circle_invitations::status.eq(status.name()),
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
    events.invitation(invitation, status);
    Ok(())
}

/// Cancels pending invitations; stores those that expired before as expired.
pub(super) async fn cancel_all<'a>(
    tx: &mut Tx,
    events: &mut CircleEvents<'_>,
    pending: impl Iterator<Item = &'a CircleInvitation> + Send,
) -> Result<()> {
    for invitation in pending {
        let status = match invitation.status_at(tx.now()) {
            InvitationStatus::Expired => InvitationStatus::Expired,
            _ => InvitationStatus::Cancelled,
        };
        end(tx, events, invitation, status).await?;
    }
    Ok(())
}
