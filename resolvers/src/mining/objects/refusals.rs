//! Why mining says no.

use async_graphql::{Enum, SimpleObject};
use db::idempotency::Refused;

use crate::errors::ApiError;

/// Why mining says no.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MiningErrorCode {
    /// The caller has no miner: register one.
    MinerNotFound,
    /// The miner is suspended.
    MinerSuspended,
    /// The miner is banned.
    MinerBanned,
    /// Mining is switched off for everybody.
    MiningDisabled,
    /// A session is running.
    SessionActive,
    /// A complete session waits to be claimed.
    SessionUnclaimed,
    /// As many sessions as allowed were started this UTC day.
    DailySessionLimit,
    /// There is no session to claim.
    SessionNotFound,
    /// The last session was claimed already.
    SessionAlreadyClaimed,
    /// The session still runs.
    SessionNotComplete,
    /// The session was not claimed in time.
    SessionExpired,
    /// No active miner has this referral code.
    ReferralCodeUnknown,
}

/// What a person can mend about a command of mining.
#[derive(SimpleObject, Clone, Debug)]
pub struct MiningUserError {
    /// For programs.
    pub code: MiningErrorCode,
    /// Path of the field of `input` it is about, if it is about one.
    pub field: Option<Vec<String>>,
    /// For people.
    pub message: String,
}

impl TryFrom<Refused> for MiningUserError {
    type Error = ApiError;

    fn try_from(refused: Refused) -> Result<Self, ApiError> {
        let code = <MiningErrorCode as async_graphql::resolver_utils::EnumType>::items()
            .iter()
            .find(|item| item.name == refused.code)
            .map(|item| item.value)
            .ok_or_else(|| {
                tracing::error!(code = refused.code, "Unknown refusal {}", refused.code);
                ApiError::new(
                    crate::errors::Code::InternalServerError,
                    "an unknown refusal",
                )
            })?;
        Ok(Self {
            code,
            field: refused.field,
            message: refused.message,
        })
    }
}
