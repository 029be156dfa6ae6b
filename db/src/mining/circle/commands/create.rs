//! Creating a circle.

use diesel_async::RunQueryDsl;
use domain::ids::CircleId;
use domain::mining::circle::{CircleRefusal, CircleRefusalKind, create};
use domain::mining::{Circle, CircleStatus};

use crate::mining::circle::rows::{CircleRow, folded_name};
use crate::mining::circle::{events::CircleEvents, membership};
use crate::mining::{configuration, miner::locks::lock_caller};
use crate::prelude::*;
use crate::schema::circles;

/// Descriptor of [`circle_create`].
pub const CIRCLE_CREATE: Command<CircleRefusal> = Command {
    name: "mining.circle_create",
    action: Action::CircleCreate,
    key: KeyRule::Optional,
    refusals: codes!(CircleRefusalKind: MinerNotFound, MinerSuspended, MinerBanned, NameInvalid, AlreadyIn, Cooldown),
};

/// Creates a circle with the caller as owner and first member; returns its id.
pub async fn circle_create(tx: &mut Tx, request: &Request, name: &str) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_CREATE, async |tx, _| {
        let now = tx.now();
        let caller = lock_caller::<CircleRefusal>(tx, request).await?;
        let cooldown = configuration::in_force(tx.conn())
            .await?
            .mining
            .circle_cooldown_hours;
        let name = create(&caller, name, cooldown, now)?;
        let mut circle = Circle {
            id: CircleId(tx.new_id()),
            owner_id: caller.id,
            name: name.as_str().to_owned(),
            status: CircleStatus::of(1),
            member_count: 1,
            version: 0,
            created_at: now,
            updated_at: now,
        };
        let mut events = CircleEvents::of(&circle);
        events.created();
        circle.version = events.enqueue(tx, &request.request_id)?;
        diesel::insert_into(circles::table)
            .values((CircleRow::try_from(&circle)?, folded_name(&circle)))
            .execute(tx.conn())
            .await?;
        membership::enter(tx, circle.id, caller.id).await?;
        let movers = [(caller.id, None)];
        membership::rewrite_roles(tx, request, &mut [caller], &circle, &movers).await?;
        Ok(circle.id.0)
    })
    .await
}
