//! Commands on miners, one file each.

mod ban;
mod decision;
mod kyc_complete;
mod node_operator;
mod points_adjust;
mod register;
mod status;
mod streak_reset;

pub use ban::{MINER_BAN, miner_ban};
pub use decision::MinerDecision;
pub use kyc_complete::{KYC_COMPLETE, KycCompleted, kyc_complete};
pub use node_operator::{
    MINER_NODE_OPERATOR_GRANT, MINER_NODE_OPERATOR_REVOKE, miner_node_operator_grant,
    miner_node_operator_revoke,
};
pub use points_adjust::{MINER_POINTS_ADJUST, PointsAdjusted, PointsProposal, miner_points_adjust};
pub use register::{MINER_REGISTER, miner_register};
pub use status::{MINER_RESTORE, MINER_SUSPEND, miner_restore, miner_suspend};
pub use streak_reset::{MINER_STREAK_RESET, miner_streak_reset};

use crate::command::{Described, described};

/// Descriptors of these commands.
pub(in crate::mining) const COMMANDS: &[Described] = described!(
    MINER_REGISTER,
    MINER_SUSPEND,
    MINER_RESTORE,
    MINER_BAN,
    MINER_POINTS_ADJUST,
    MINER_STREAK_RESET,
    MINER_NODE_OPERATOR_GRANT,
    MINER_NODE_OPERATOR_REVOKE,
    KYC_COMPLETE,
);
