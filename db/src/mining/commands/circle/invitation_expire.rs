//! Storing that invitations expired. Time alone ends them; this tells whoever listens.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::mining::{Circle, CircleInvitation, InvitationStatus};
use uuid::Uuid;

use super::events::CircleEvents;
use super::{invitations, members};
use crate::mining::circles::{CircleRow, InvitationRow};
use crate::schema::{circle_invitations, circles};
use crate::text::Text as _;
use crate::{DbError, Tx};

/// Invitations of one transaction, at most.
const AT_ONCE: i64 = 50;

/// Stores the expiry of pending invitations, a bounded number of them; answers how many.
///
/// Waits for nobody: circles that somebody else has locked are left for the next time, so no two can wait for each other.
pub async fn circle_invitations_expire(tx: &mut Tx) -> Result<usize, DbError> {
    let now = tx.now();
    let is_due = circle_invitations::status.eq(InvitationStatus::Pending.text());
    let due: Vec<Uuid> = circle_invitations::table
        .filter(is_due)
        .filter(circle_invitations::expires_at.le(now))
        .order(circle_invitations::expires_at)
        .limit(AT_ONCE)
        .select(circle_invitations::circle_id)
        .load(tx.conn())
        .await?;
    let ids: BTreeSet<Uuid> = due.into_iter().collect();
    let locked: Vec<CircleRow> = circles::table
        .filter(circles::id.eq_any(ids))
        .order(circles::id)
        .select(CircleRow::as_select())
        .for_no_key_update()
        .skip_locked()
        .load(tx.conn())
        .await?;
    let mut stored = 0;
    for row in locked {
        let circle = Circle::try_from(row)?;
        // At most as many as can be pending, so the batch stays bounded.
        let expired: Vec<InvitationRow> = circle_invitations::table
            .filter(is_due)
            .filter(circle_invitations::expires_at.le(now))
            .filter(circle_invitations::circle_id.eq(circle.id.0))
            .order(circle_invitations::id)
            .select(InvitationRow::as_select())
            .load(tx.conn())
            .await?;
        if expired.is_empty() {
            continue;
        }
        let mut events = CircleEvents::of(&circle);
        for row in expired {
            let invitation = CircleInvitation::try_from(row)?;
            invitations::end(tx, &mut events, &invitation, InvitationStatus::Expired).await?;
            stored += 1;
        }
        members::store(tx, "circle-invitations", &circle, events).await?;
    }
    Ok(stored)
}
