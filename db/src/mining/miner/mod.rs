//! Miners: registration, status, role, points, history.

pub mod commands;
pub mod locks;
pub mod queries;
pub(crate) mod rows;

use domain::ids::MinerId;
use domain::mining::{Miner, RateFacts, Role};

pub use rows::{MinerSeen, Profile};

use crate::mining::referral;
use crate::{Connection, DbError, Result};

/// Facts on which a miner's rate depends.
pub(super) async fn facts_of(conn: &mut Connection, miner: MinerId) -> Result<RateFacts> {
    queries::rate_facts(conn, &[miner])
        .await?
        .pop()
        .map(|(_, facts)| facts)
        .ok_or_else(|| DbError::inconsistent("miners", "id", miner))
}

/// Role that facts or a grant give a locked miner.
pub(super) async fn role_of(
    conn: &mut Connection,
    miner: &Miner,
    is_granted: bool,
) -> Result<Role> {
    let active = referral::queries::active_referrals(conn, miner.id).await?;
    let facts = facts_of(conn, miner.id).await?;
    Ok(Role::from_facts(is_granted, active, facts.circle_valid))
}
