//! Reads of circles, members and invitations. Reads for many parents take one statement, whatever the number of
//! parents.

use diesel::dsl::sql;
use diesel::sql_types::{Array, Bool, Text as SqlText};
use domain::mining::{Circle, CircleMember, CircleStatus, InvitationStatus};
use domain::money::Minor;

use super::rows::{CircleRow, CircleSeen, InvitationSeen};
use crate::clock::ReadAt;
use crate::mining::miner::rows::Profile;
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::{circle_invitations, circle_members, circles, miners, users};
use crate::search::Part;

/// Circles by id.
pub async fn by_id(conn: &mut Connection, ids: &[CircleId]) -> Result<Vec<Circle>> {
    let query = CircleRow::query().filter(circles::id.eq_any(ids.iter().map(|id| id.0)));
    values(query.load(conn).await?)
}

/// Active members of circles by time of joining, in one statement.
pub async fn members(conn: &mut Connection, ids: &[CircleId]) -> Result<Vec<CircleMember>> {
    let rows: Vec<(Uuid, Uuid, Uuid, Timestamp)> = circle_members::table
        .filter(circle_members::circle_id.eq_any(ids.iter().map(|id| id.0)))
        .filter(circle_members::left_at.is_null())
        .order((
            circle_members::circle_id,
            circle_members::joined_at,
            circle_members::id,
        ))
        .select((
            circle_members::circle_id,
            circle_members::user_id,
            circle_members::miner_id,
            circle_members::joined_at,
        ))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(circle, user, miner, joined_at)| CircleMember {
            circle_id: CircleId(circle),
            miner_id: MinerId::from([user, miner]),
            joined_at,
        })
        .collect())
}

/// Active members of circles with public profile and user, by time of joining, in one statement.
pub async fn member_profiles(
    conn: &mut Connection,
    ids: &[CircleId],
) -> Result<Vec<(CircleMember, Profile, UserId)>> {
    type Row = (Uuid, Timestamp, Uuid, Uuid, String, i64, String);
    let rows: Vec<Row> = circle_members::table
        .inner_join(miners::table.on(miners::user_id.eq(circle_members::user_id)))
        .inner_join(users::table.on(users::id.eq(miners::user_id)))
        .filter(circle_members::circle_id.eq_any(ids.iter().map(|id| id.0)))
        .filter(circle_members::left_at.is_null())
        .order((
            circle_members::circle_id,
            circle_members::joined_at,
            circle_members::id,
        ))
        .select((
            circle_members::circle_id,
            circle_members::joined_at,
            miners::id,
            miners::user_id,
            miners::role,
            miners::lifetime_points,
            users::display_name,
        ))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(
            |(circle, joined_at, id, user, role, points, display_name)| {
                let member = CircleMember {
                    circle_id: CircleId(circle),
                    miner_id: MinerId::from([user, id]),
                    joined_at,
                };
                let profile = Profile {
                    id: MinerId::from([user, id]),
                    display_name,
                    role: read_name("miners", "role", &role)?,
                    lifetime_points: Minor(points),
                };
                Ok((member, profile, UserId(user)))
            },
        )
        .collect()
}

/// Circles with their members and the time of the read, in two statements; subscribers of a circle share one result.
pub async fn seen(conn: &mut Connection, ids: &[CircleId]) -> Result<Vec<CircleSeen>> {
    let rows: Vec<(CircleRow, Timestamp)> = circles::table
        .filter(circles::id.eq_any(ids.iter().map(|id| id.0)))
        .select((CircleRow::as_select(), ReadAt))
        .load(conn)
        .await?;
    let members = member_profiles(conn, ids).await?;
    rows.into_iter()
        .map(|(row, at)| {
            let circle = Circle::try_from(row)?;
            let of_circle = members
                .iter()
                .filter(|(member, ..)| member.circle_id == circle.id);
            Ok(CircleSeen {
                members: of_circle.cloned().collect(),
                circle,
                at,
            })
        })
        .collect()
}

/// Circle of each of these users; users in no circle are left out.
pub async fn of_people(
    conn: &mut Connection,
    people: &[UserId],
) -> Result<Vec<(UserId, CircleId)>> {
    let rows: Vec<(Uuid, Option<Uuid>)> = miners::table
        .filter(miners::user_id.eq_any(people.iter().map(|user| user.0)))
        .filter(miners::circle_id.is_not_null())
        .select((miners::user_id, miners::circle_id))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(user, circle)| Some((UserId(user), CircleId(circle?))))
        .collect())
}

/// Conditions on circles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CircleFilter {
    /// Part of the name, ignoring case.
    pub search: Option<String>,
    /// Status.
    pub status: Option<CircleStatus>,
}

/// Applies a filter to a boxed query over `circles`.
macro_rules! filter_circles {
    ($query:ident, $filter:expr) => {
        let filter: &CircleFilter = $filter;
        narrow!($query,
            status = filter.status => circles::status.eq(status.name()),
        );
        if let Some(search) = filter.search.as_deref().map(Part::of) {
            let found = sql::<Bool>("search_grams(circles.name_folded) @> ")
                .bind::<Array<SqlText>, _>(search.grams())
                .sql(" AND circles.name_folded LIKE ")
                .bind::<SqlText, _>(search.pattern());
            $query = $query.filter(found);
        }
    };
}

/// A page of circles, newest first.
pub async fn list(
    conn: &mut Connection,
    filter: &CircleFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<Circle>> {
    let mut query = CircleRow::query().into_boxed::<Pg>();
    filter_circles!(query, filter);
    let query = keyset!(query, page, [circles::created_at desc, circles::id desc]);
    let rows: Vec<CircleRow> = query.load(conn).await?;
    page.slice(rows).try_map(Circle::try_from)
}

/// Number of circles that a filter selects.
pub async fn count(conn: &mut Connection, filter: &CircleFilter) -> Result<Count> {
    let mut query = circles::table.select(circles::id).into_boxed::<Pg>();
    filter_circles!(query, filter);
    count_rows(conn, query).await
}

/// Invitations by id.
pub async fn invitations_by_id(
    conn: &mut Connection,
    ids: &[CircleInvitationId],
) -> Result<Vec<InvitationSeen>> {
    let query = InvitationSeen::query()
        .filter(circle_invitations::circle_id.eq_any(ids.iter().map(|id| id.circle.0)))
        .filter(circle_invitations::id.eq_any(ids.iter().map(|id| id.uuid)));
    Ok(query.load(conn).await?)
}

/// Id of an invitation by its UUID alone, as the platform's other services send it. The circle is unknown, so it reads all
/// shards.
pub async fn invitation_id(conn: &mut Connection, id: Uuid) -> Result<Option<CircleInvitationId>> {
    let circle = circle_invitations::table.filter(circle_invitations::id.eq(id));
    let circle = circle.select(circle_invitations::circle_id);
    let circle: Option<Uuid> = circle.first(conn).await.optional()?;
    Ok(circle.map(|circle| CircleInvitationId::from([circle, id])))
}

/// Pending invitations of circles, newest first, in one statement.
pub async fn pending_invitations(
    conn: &mut Connection,
    ids: &[CircleId],
) -> Result<Vec<InvitationSeen>> {
    Ok(InvitationSeen::query()
        .filter(circle_invitations::circle_id.eq_any(ids.iter().map(|id| id.0)))
        .filter(circle_invitations::status.eq(InvitationStatus::Pending.name()))
        .filter(circle_invitations::expires_at.gt(ReadAt))
        .order((
            circle_invitations::created_at.desc(),
            circle_invitations::id.desc(),
        ))
        .load(conn)
        .await?)
}

/// Filters by invitee and, if given, by status at the time of the read: a row with status PENDING is EXPIRED once its
/// `expires_at` has passed.
macro_rules! filter_received {
    ($query:ident, $invitee:expr, $status:expr) => {
        $query = $query.filter(circle_invitations::invitee_user_id.eq($invitee.0));
        let is_over = || sql::<Bool>("circle_invitations.expires_at <= (SELECT app_now())");
        let pending = InvitationStatus::Pending.name();
        $query = match $status {
            None => $query,
            Some(InvitationStatus::Pending) => $query
                .filter(circle_invitations::status.eq(pending))
                .filter(diesel::dsl::not(is_over())),
            Some(status @ InvitationStatus::Expired) => $query.filter(
                circle_invitations::status
                    .eq(status.name())
                    .or(circle_invitations::status.eq(pending).and(is_over())),
            ),
            Some(status) => $query.filter(circle_invitations::status.eq(status.name())),
        };
    };
}

/// A page of the invitations a miner received, newest first.
pub async fn received(
    conn: &mut Connection,
    invitee: UserId,
    status: Option<InvitationStatus>,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<InvitationSeen>> {
    let mut query = InvitationSeen::query().into_boxed::<Pg>();
    filter_received!(query, invitee, status);
    let query =
        keyset!(query, page, [circle_invitations::created_at desc, circle_invitations::id desc]);
    Ok(page.slice(query.load(conn).await?))
}

/// Number of invitations that a miner received.
pub async fn received_count(
    conn: &mut Connection,
    invitee: UserId,
    status: Option<InvitationStatus>,
) -> Result<Count> {
    let mut query = circle_invitations::table
        .select(circle_invitations::id)
        .into_boxed::<Pg>();
    filter_received!(query, invitee, status);
    count_rows(conn, query).await
}
