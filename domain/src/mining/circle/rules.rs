//! Rules of circles: create, rename, remove a member, leave, disband.
//!
//! Freed places and former members have a cooldown: members cannot rotate through a circle for the bonus.

use super::{Circle, CircleName, CircleRefusal, CircleStatus, InvitationRefusal};
use crate::ids::{MinerId, UserId};
use crate::mining::Miner;
use crate::time::{Timestamp, hours, plus};

/// A circle with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// The circle.
    pub circle: Circle,
    /// Active members by time of joining, the owner first.
    pub members: Vec<MinerId>,
}

impl Roster {
    /// Whether the miner is a member.
    #[must_use]
    pub fn has(&self, miner: MinerId) -> bool {
        self.members.contains(&miner)
    }

    pub(super) fn is_full(&self) -> bool {
        self.members.len() >= Circle::MOST_MEMBERS
    }
}

/// Reason why the caller may not act for a circle.
pub(super) enum NotOwned {
    NotInCircle,
    NotOwner,
}

/// Maps [`NotOwned`] to the refusals of both aggregates whose commands act for the caller's circle.
macro_rules! not_owned {
    ($($refusal:ty),+) => {
        $(impl From<NotOwned> for $refusal {
            fn from(cause: NotOwned) -> Self {
                match cause {
                    NotOwned::NotInCircle => Self::NotInCircle,
                    NotOwned::NotOwner => Self::NotOwner,
                }
            }
        })+
    };
}
not_owned!(CircleRefusal, InvitationRefusal);

/// Checks a new circle; returns its name.
///
/// Refusals, in this order: [`CircleRefusal::MinerSuspended`], [`CircleRefusal::MinerBanned`],
/// [`CircleRefusal::NameInvalid`], [`CircleRefusal::AlreadyIn`], [`CircleRefusal::Cooldown`].
pub fn create(
    caller: &Miner,
    name: &str,
    cooldown_hours: u32,
    now: Timestamp,
) -> Result<CircleName, CircleRefusal> {
    caller.status.may_mine()?;
    let name = CircleName::parse(name).ok_or(CircleRefusal::NameInvalid)?;
    if caller.circle_id.is_some() {
        return Err(CircleRefusal::AlreadyIn);
    }
    match cooldown_end(caller.circle_left_at, cooldown_hours, now) {
        None => Ok(name),
        Some(retry_at) => Err(CircleRefusal::Cooldown { retry_at }),
    }
}

/// Renames the caller's circle; returns the renamed circle and the previous name.
///
/// Refusals, in this order: [`CircleRefusal::MinerBanned`], [`CircleRefusal::NameInvalid`],
/// [`CircleRefusal::NotInCircle`], [`CircleRefusal::NotOwner`].
pub fn rename(
    caller: &Miner,
    roster: Option<&Roster>,
    name: &str,
) -> Result<(Circle, String), CircleRefusal> {
    caller.status.not_banned()?;
    let name = CircleName::parse(name).ok_or(CircleRefusal::NameInvalid)?;
    let mut circle = owned(caller, roster)?.circle.clone();
    let before = std::mem::replace(&mut circle.name, name.as_str().to_owned());
    Ok((circle, before))
}

/// Removes a member from the caller's circle; returns the circle and the member.
///
/// Refusals, in this order: [`CircleRefusal::MinerBanned`], [`CircleRefusal::NotInCircle`],
/// [`CircleRefusal::NotOwner`], [`CircleRefusal::MemberNotFound`], [`CircleRefusal::OwnerCannotBeRemoved`].
pub fn remove<'a>(
    caller: &Miner,
    roster: Option<&'a Roster>,
    member: UserId,
) -> Result<(&'a Roster, MinerId), CircleRefusal> {
    caller.status.not_banned()?;
    let roster = owned(caller, roster)?;
    let member = roster.members.iter().find(|id| id.user == member);
    let member = *member.ok_or(CircleRefusal::MemberNotFound)?;
    if member == roster.circle.owner_id {
        return Err(CircleRefusal::OwnerCannotBeRemoved);
    }
    Ok((roster, member))
}

/// Takes the caller out of their circle.
///
/// Refusals, in this order: [`CircleRefusal::MinerBanned`], [`CircleRefusal::NotInCircle`],
/// [`CircleRefusal::OwnerCannotLeave`].
pub fn leave<'a>(caller: &Miner, roster: Option<&'a Roster>) -> Result<&'a Roster, CircleRefusal> {
    caller.status.not_banned()?;
    let roster = joined(caller, roster)?;
    if roster.circle.owner_id == caller.id {
        return Err(CircleRefusal::OwnerCannotLeave);
    }
    Ok(roster)
}

/// Disbands the caller's circle.
///
/// Refusals, in this order: [`CircleRefusal::MinerBanned`], [`CircleRefusal::NotInCircle`],
/// [`CircleRefusal::NotOwner`].
pub fn disband<'a>(
    caller: &Miner,
    roster: Option<&'a Roster>,
) -> Result<&'a Roster, CircleRefusal> {
    caller.status.not_banned()?;
    Ok(owned(caller, roster)?)
}

/// Disbands any circle; `by` is the miner of the administrator, if they have one.
///
/// Refusals, in this order: [`CircleRefusal::NotFound`], [`CircleRefusal::OwnCircle`], [`CircleRefusal::Disbanded`].
pub fn force_disband(
    roster: Option<&Roster>,
    by: Option<MinerId>,
) -> Result<&Roster, CircleRefusal> {
    let roster = roster.ok_or(CircleRefusal::NotFound)?;
    if by.is_some_and(|by| by == roster.circle.owner_id || roster.has(by)) {
        return Err(CircleRefusal::OwnCircle);
    }
    if roster.circle.status == CircleStatus::Disbanded {
        return Err(CircleRefusal::Disbanded);
    }
    Ok(roster)
}

fn joined<'a>(caller: &Miner, roster: Option<&'a Roster>) -> Result<&'a Roster, NotOwned> {
    let roster = roster.filter(|roster| roster.has(caller.id));
    roster.ok_or(NotOwned::NotInCircle)
}

pub(super) fn owned<'a>(
    caller: &Miner,
    roster: Option<&'a Roster>,
) -> Result<&'a Roster, NotOwned> {
    let roster = joined(caller, roster)?;
    if roster.circle.owner_id != caller.id {
        return Err(NotOwned::NotOwner);
    }
    Ok(roster)
}

/// End of the cooldown that started when a member left; none when it has ended or nobody left.
pub(super) fn cooldown_end(
    left_at: Option<Timestamp>,
    cooldown_hours: u32,
    now: Timestamp,
) -> Option<Timestamp> {
    let end = plus(left_at?, hours(cooldown_hours));
    (end > now).then_some(end)
}
