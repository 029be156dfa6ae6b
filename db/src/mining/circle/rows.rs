//! Tables of circles as structs.

use diesel::dsl::Eq;
use domain::mining::{Circle, CircleInvitation, CircleMember};
use domain::text::fold;

use crate::clock::ReadAt;
use crate::mining::miner::rows::Profile;
use crate::prelude::*;
use crate::schema::{circle_invitations, circles};

/// An invitation with the moment it was read at.
#[derive(Clone, Debug, PartialEq, Eq, HasQuery)]
#[diesel(table_name = circle_invitations, base_query = circle_invitations::table.inner_join(circles::table))]
pub struct InvitationSeen {
    /// The invitation.
    #[diesel(deserialize_as = InvitationRow)]
    #[diesel(select_expression = <InvitationRow as Selectable<Pg>>::construct_selection())]
    #[diesel(select_expression_type = <InvitationRow as Selectable<Pg>>::SelectExpression)]
    pub invitation: CircleInvitation,
    /// Name of the circle.
    #[diesel(select_expression = circles::name)]
    pub circle_name: String,
    /// User of the circle's owner, who sent the invitation.
    #[diesel(select_expression = circles::owner_user_id, deserialize_as = Uuid)]
    pub inviter: UserId,
    /// Time of the platform's clock when it was read.
    #[diesel(select_expression = ReadAt)]
    pub at: Timestamp,
}

/// A circle with its members and the moment it was read at.
#[derive(Clone, Debug)]
pub struct CircleSeen {
    /// The circle.
    pub circle: Circle,
    /// Active members by time of joining, with their public profiles and their users.
    pub members: Vec<(CircleMember, Profile, UserId)>,
    /// Time of the platform's clock when it was read.
    pub at: Timestamp,
}

#[derive(HasQuery, Insertable)]
#[diesel(table_name = circles, check_for_backend(Pg))]
pub struct CircleRow {
    id: Uuid,
    owner_user_id: Uuid,
    owner_miner_id: Uuid,
    name: String,
    status: String,
    member_count: i32,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<CircleRow> for Circle {
    type Error = DbError;

    fn try_from(row: CircleRow) -> Result<Self> {
        Ok(Self {
            id: CircleId(row.id),
            owner_id: MinerId::from([row.owner_user_id, row.owner_miner_id]),
            status: read_name("circles", "status", &row.status)?,
            member_count: fit("circles", "member_count", row.member_count)?,
            name: row.name,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl TryFrom<&Circle> for CircleRow {
    type Error = DbError;

    fn try_from(circle: &Circle) -> Result<Self> {
        Ok(Self {
            id: circle.id.0,
            owner_user_id: circle.owner_id.user.0,
            owner_miner_id: circle.owner_id.uuid,
            name: circle.name.clone(),
            status: circle.status.name().to_owned(),
            member_count: fit("circles", "member_count", circle.member_count)?,
            version: circle.version,
            created_at: circle.created_at,
            updated_at: circle.updated_at,
        })
    }
}

/// The form of a circle's name in which searches compare it.
pub fn folded_name(circle: &Circle) -> Eq<circles::name_folded, String> {
    circles::name_folded.eq(fold(&circle.name))
}

#[derive(HasQuery)]
#[diesel(table_name = circle_invitations, check_for_backend(Pg))]
pub struct InvitationRow {
    circle_id: Uuid,
    id: Uuid,
    invitee_user_id: Uuid,
    invitee_miner_id: Uuid,
    status: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    decided_at: Option<Timestamp>,
}

impl TryFrom<InvitationRow> for CircleInvitation {
    type Error = DbError;

    fn try_from(row: InvitationRow) -> Result<Self> {
        Ok(Self {
            id: CircleInvitationId::from([row.circle_id, row.id]),
            invitee_id: MinerId::from([row.invitee_user_id, row.invitee_miner_id]),
            status: read_name("circle_invitations", "status", &row.status)?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            decided_at: row.decided_at,
        })
    }
}
