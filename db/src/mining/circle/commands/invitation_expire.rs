//! Expiry of invitations. They expire by time alone; the job stores the state and publishes the events.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, HasQuery, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::mining::{Circle, CircleInvitation, InvitationStatus};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::mining::circle::events::CircleEvents;
use crate::mining::circle::rows::{CircleRow, InvitationRow};
use crate::mining::circle::{invitations, membership};
use crate::row_locks::{LockRows, lock_rows};
use crate::schema::{circle_invitations, circles};
use crate::{Result, Tx};

/// Largest number of invitations per transaction.
const AT_ONCE: i64 = 50;

/// Stores the expiry of a bounded number of pending invitations; returns how many.
///
/// Skips circles that another transaction has locked; the next run finds them.
pub async fn circle_invitations_expire(tx: &mut Tx) -> Result<usize> {
    let now = tx.now();
    let is_due = circle_invitations::status.eq(InvitationStatus::Pending.name());
    let due: Vec<Uuid> = circle_invitations::table
        .filter(is_due)
        .filter(circle_invitations::expires_at.le(now))
        .order(circle_invitations::expires_at)
        .limit(AT_ONCE)
        .select(circle_invitations::circle_id)
        .load(tx.conn())
        .await?;
    let ids: BTreeSet<Uuid> = due.into_iter().collect();
    let lock: LockRows<CircleRow> = |ids, mut conn| {
        let query = CircleRow::query().filter(circles::id.eq_any(ids));
        let query = query.order(circles::id).for_no_key_update().skip_locked();
        async move { Ok(query.load(&mut conn).await?) }.boxed()
    };
    let locked = lock_rows(tx, ids, lock).await?;
    let mut stored = 0;
    for row in locked {
        let circle = Circle::try_from(row)?;
        // Bounded by the number of invitations that can be pending.
        let expired: Vec<InvitationRow> = InvitationRow::query()
            .filter(is_due)
            .filter(circle_invitations::expires_at.le(now))
            .filter(circle_invitations::circle_id.eq(circle.id.0))
            .order(circle_invitations::id)
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
        membership::store(tx, "job circle_invitation_expiry", &circle, events).await?;
    }
    Ok(stored)
}
