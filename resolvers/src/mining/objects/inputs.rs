//! How miners are named, filtered and ordered.

use async_graphql::{Enum, ID, InputObject, OneofObject};
use db::mining::queries::{MinerFilter as Filter, MinerOrderField as OrderField};
use uuid::Uuid;

use super::{MinerRole, MinerStatus, ReferralStatus};
use crate::errors::ApiError;

/// Names a miner, in one of the ways they are known.
#[derive(OneofObject)]
pub enum MinerBy {
    /// Global id.
    Id(ID),
    /// Key for the platform's other services.
    Uuid(Uuid),
    /// Whose it is.
    UserId(Uuid),
    /// Their referral code.
    Code(String),
}

/// Which miners to list.
#[derive(InputObject, Default)]
pub struct MinerFilter {
    /// A user id, a miner's key, or the beginning of a referral code; 100 characters at most.
    pub search: Option<String>,
    /// Only with this status.
    pub status: Option<MinerStatus>,
    /// Only with this role.
    pub role: Option<MinerRole>,
}

impl TryFrom<MinerFilter> for Filter {
    type Error = ApiError;

    fn try_from(filter: MinerFilter) -> Result<Self, ApiError> {
        Ok(Self {
            search: search(filter.search)?,
            status: filter.status.map(Into::into),
            role: filter.role.map(Into::into),
        })
    }
}

/// What a list is searched for, if for anything.
pub(super) fn search(text: Option<String>) -> Result<Option<String>, ApiError> {
    let is_bad = |text: &String| text.chars().count() > 100 || text.contains('\0');
    if text.as_ref().is_some_and(is_bad) {
        return Err(ApiError::bad_input(
            "`search` has at most 100 characters and no NUL",
        ));
    }
    Ok(text.filter(|text| !text.trim().is_empty()))
}

/// Which referrals to list.
#[derive(InputObject, Default)]
pub struct ReferralFilter {
    /// Only with this status.
    pub status: Option<ReferralStatus>,
    /// Only of whom this miner brought.
    pub referrer: Option<MinerBy>,
    /// Only the one that brought this miner.
    pub referred: Option<MinerBy>,
}

/// What to order miners by; ties by key.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "OrderField")]
pub enum MinerOrderField {
    /// When they registered.
    CreatedAt,
    /// Lifetime points.
    TotalMinedPoints,
}

/// Which way.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderDirection {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// An order of miners.
#[derive(InputObject)]
pub struct MinerOrder {
    /// By what.
    pub field: MinerOrderField,
    /// Which way.
    pub direction: OrderDirection,
}
