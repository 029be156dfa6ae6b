//! The table `mining_sessions` as structs.

use chrono::TimeDelta;
use diesel::AsChangeset;
use domain::mining::{Bps, Rate, RatePerHour, Session, SessionState, SessionStatus};
use domain::money::Minor;

use crate::clock::ReadAt;
use crate::prelude::*;
use crate::schema::mining_sessions;

const TABLE: &str = "mining_sessions";

/// A session with the moment it was read at.
#[derive(Clone, Debug, PartialEq, Eq, HasQuery)]
#[diesel(table_name = mining_sessions)]
pub struct SessionSeen {
    /// The session.
    #[diesel(deserialize_as = SessionRow)]
    #[diesel(select_expression = <SessionRow as Selectable<Pg>>::construct_selection())]
    #[diesel(select_expression_type = <SessionRow as Selectable<Pg>>::SelectExpression)]
    pub session: Session,
    /// Time of the platform's clock when it was read.
    #[diesel(select_expression = ReadAt)]
    pub at: Timestamp,
}

#[derive(AsChangeset, HasQuery, Insertable, serde::Deserialize)]
#[diesel(table_name = mining_sessions, check_for_backend(Pg), treat_none_as_null = true)]
pub struct SessionRow {
    user_id: Uuid,
    id: Uuid,
    status: String,
    started_at: Timestamp,
    ends_at: Timestamp,
    claim_window_hours: i32,
    base_rate: i64,
    role_bonus_bps: i32,
    circle_bonus_bps: i32,
    referral_bonus_bps: i32,
    streak_bonus_bps: i32,
    hourly_rate: i64,
    started_in_grace: bool,
    configuration_version: i32,
    claimed_at: Option<Timestamp>,
    points_earned: Option<i64>,
    streak_bonus: Option<i64>,
    referral_points: Option<i64>,
    expired_at: Option<Timestamp>,
    window_stopped_at: Option<Timestamp>,
    window_extension_microseconds: i64,
}

impl TryFrom<SessionRow> for Session {
    type Error = DbError;

    fn try_from(row: SessionRow) -> Result<Self> {
        let bad = |column| DbError::inconsistent(TABLE, column, row.id);
        let points = |column, stored: Option<i64>| stored.map(Minor).ok_or_else(|| bad(column));
        let state = match read_name(TABLE, "status", &row.status)? {
            SessionStatus::Active => SessionState::Active,
            SessionStatus::Completed => SessionState::Completed,
            SessionStatus::Claimed => SessionState::Claimed {
                at: row.claimed_at.ok_or_else(|| bad("claimed_at"))?,
                points_earned: points("points_earned", row.points_earned)?,
                milestone_points: points("streak_bonus", row.streak_bonus)?,
                referral_points: points("referral_points", row.referral_points)?,
            },
            SessionStatus::Expired => SessionState::Expired {
                at: row.expired_at.ok_or_else(|| bad("expired_at"))?,
            },
        };
        Ok(Self {
            id: SessionId::from([row.user_id, row.id]),
            started_at: row.started_at,
            ends_at: row.ends_at,
            claim_window_hours: fit(TABLE, "claim_window_hours", row.claim_window_hours)?,
            window_stopped_at: row.window_stopped_at,
            window_extension: TimeDelta::microseconds(row.window_extension_microseconds),
            rate: Rate {
                base: RatePerHour(row.base_rate),
                role: Bps(row.role_bonus_bps),
                circle: Bps(row.circle_bonus_bps),
                referral: Bps(row.referral_bonus_bps),
                streak: Bps(row.streak_bonus_bps),
            },
            hourly_rate: RatePerHour(row.hourly_rate),
            started_in_grace: row.started_in_grace,
            configuration_version: row.configuration_version,
            state,
        })
    }
}

impl TryFrom<&Session> for SessionRow {
    type Error = DbError;

    fn try_from(session: &Session) -> Result<Self> {
        let bad = |column| DbError::inconsistent(TABLE, column, session.id);
        let extension = session.window_extension.num_microseconds();
        let mut row = Self {
            user_id: session.id.user.0,
            id: session.id.uuid,
            status: SessionStatus::Active.name().to_owned(),
            started_at: session.started_at,
            ends_at: session.ends_at,
            claim_window_hours: fit(TABLE, "claim_window_hours", session.claim_window_hours)?,
            base_rate: session.rate.base.0,
            role_bonus_bps: session.rate.role.0,
            circle_bonus_bps: session.rate.circle.0,
            referral_bonus_bps: session.rate.referral.0,
            streak_bonus_bps: session.rate.streak.0,
            hourly_rate: session.hourly_rate.0,
            started_in_grace: session.started_in_grace,
            configuration_version: session.configuration_version,
            claimed_at: None,
            points_earned: None,
            streak_bonus: None,
            referral_points: None,
            expired_at: None,
            window_stopped_at: session.window_stopped_at,
            window_extension_microseconds: extension
                .ok_or_else(|| bad("window_extension_microseconds"))?,
        };
        let status = match &session.state {
            SessionState::Active => SessionStatus::Active,
            SessionState::Completed => SessionStatus::Completed,
            SessionState::Claimed {
                at,
                points_earned,
                milestone_points,
                referral_points,
            } => {
                row.claimed_at = Some(*at);
                row.points_earned = Some(points_earned.0);
                row.streak_bonus = Some(milestone_points.0);
                row.referral_points = Some(referral_points.0);
                SessionStatus::Claimed
            }
            SessionState::Expired { at } => {
                row.expired_at = Some(*at);
                SessionStatus::Expired
            }
        };
        status.name().clone_into(&mut row.status);
        Ok(row)
    }
}
