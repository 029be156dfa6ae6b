//! Miners: registration, status, role, points, history.

pub mod commands;
pub(crate) mod events;
pub mod locks;
pub mod queries;
pub(crate) mod rows;

use domain::mining::{Miner, RateFacts, Role};

pub use events::{MinerEvent, PointsChanged, ReferralChanged, SessionEnded, StatusChanged};
pub use rows::{MinerSeen, Profile};

use crate::mining::referral;
use crate::{Connection, Result};

/// Facts on which a locked miner's rate depends.
pub(super) async fn facts_of(conn: &mut Connection, miner: &Miner) -> Result<RateFacts> {
    Ok(RateFacts {
        role: miner.role,
        circle_valid: miner.is_circle_valid,
        referral_sum: referral::queries::active_bonus(conn, miner.id.user).await?,
    })
}

/// Role that facts or a grant give a locked miner.
pub(super) async fn role_of(
    conn: &mut Connection,
    miner: &Miner,
    is_granted: bool,
) -> Result<Role> {
    let active = referral::queries::active_referrals(conn, miner.id.user).await?;
    Ok(Role::from_facts(is_granted, active, miner.is_circle_valid))
}
