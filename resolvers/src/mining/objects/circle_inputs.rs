//! How circles, invitations and invitees are named, and circles filtered.

use async_graphql::{ID, InputObject, OneofObject};
use db::mining::circles::CircleFilter as Filter;
use db::mining::commands::MinerRef;
use domain::ids::{CircleId, CircleInvitationId, MinerId};
use uuid::Uuid;

use super::CircleStatus;
use crate::errors::ApiError;
use crate::node::GlobalId;

/// Names a circle, in one of the ways it is known.
#[derive(OneofObject)]
pub enum CircleBy {
    /// Global id.
    Id(ID),
    /// Key for the platform's other services.
    Uuid(Uuid),
}

impl TryFrom<CircleBy> for CircleId {
    type Error = ApiError;

    fn try_from(by: CircleBy) -> Result<Self, ApiError> {
        match by {
            CircleBy::Uuid(id) => Ok(Self(id)),
            CircleBy::Id(id) => match GlobalId::decode(&id)? {
                GlobalId::Circle(id) => Ok(id),
                _ => Err(ApiError::bad_input(
                    "this is the id of something else than a circle",
                )),
            },
        }
    }
}

/// Names an invitation into a circle, in one of the ways it is known.
#[derive(OneofObject)]
pub enum CircleInvitationBy {
    /// Global id.
    Id(ID),
    /// Key for the platform's other services.
    Uuid(Uuid),
}

impl TryFrom<CircleInvitationBy> for CircleInvitationId {
    type Error = ApiError;

    fn try_from(by: CircleInvitationBy) -> Result<Self, ApiError> {
        match by {
            CircleInvitationBy::Uuid(id) => Ok(Self(id)),
            CircleInvitationBy::Id(id) => invitation_id(&id),
        }
    }
}

/// Reads the global id of an invitation.
pub(crate) fn invitation_id(id: &ID) -> Result<CircleInvitationId, ApiError> {
    match GlobalId::decode(id)? {
        GlobalId::CircleInvitation(id) => Ok(id),
        _ => Err(ApiError::bad_input(
            "this is the id of something else than an invitation",
        )),
    }
}

/// Reads the global id of a miner's profile.
pub(crate) fn profile_id(id: &ID) -> Result<MinerId, ApiError> {
    match GlobalId::decode(id)? {
        GlobalId::MinerProfile(id) => Ok(id),
        _ => Err(ApiError::bad_input(
            "this is the id of something else than a miner's profile",
        )),
    }
}

/// Names who is invited, in one of the ways miners know each other.
#[derive(OneofObject)]
pub enum CircleInviteeBy {
    /// Their referral code: 8 characters.
    Code(String),
    /// Global id of their profile.
    ProfileId(ID),
}

impl TryFrom<CircleInviteeBy> for MinerRef {
    type Error = ApiError;

    fn try_from(by: CircleInviteeBy) -> Result<Self, ApiError> {
        match by {
            CircleInviteeBy::Code(code) => Ok(Self::Code(code)),
            CircleInviteeBy::ProfileId(id) => profile_id(&id).map(Self::Id),
        }
    }
}

/// Which circles to list.
#[derive(InputObject, Default)]
pub struct CircleFilter {
    /// A part of the name, in any case; 100 characters at most.
    pub search: Option<String>,
    /// Only with this status.
    pub status: Option<CircleStatus>,
}

impl TryFrom<CircleFilter> for Filter {
    type Error = ApiError;

    fn try_from(filter: CircleFilter) -> Result<Self, ApiError> {
        Ok(Self {
            search: super::inputs::search(filter.search)?,
            status: filter.status.map(Into::into),
        })
    }
}
