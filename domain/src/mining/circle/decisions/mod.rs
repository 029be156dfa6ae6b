//! What members, owners and administrators may do about circles. Each answers what follows, or why not; storing it is
//! for whoever asks.
//!
//! The bonus is not for rotating through: a place that falls free, and whoever left, wait before the next time.

use super::{Circle, CircleInvitation, CircleName, CircleRefusal, CircleStatus, InvitationStatus};
use crate::ids::MinerId;
use crate::mining::{Miner, MinerStatus, MiningRefusal};
use crate::time::{Timestamp, hours, plus};

/// A circle with who is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// The circle.
    pub circle: Circle,
    /// Active members in the order they joined, the owner first.
    pub members: Vec<MinerId>,
}

impl Roster {
    /// Whether somebody is a member.
    #[must_use]
    pub fn has(&self, miner: MinerId) -> bool {
        self.members.contains(&miner)
    }

    fn is_full(&self) -> bool {
        self.members.len() >= Circle::MOST_MEMBERS
    }
}

/// Makes a circle of whoever is in none.
///
/// Refusals, in this order: [`MiningRefusal::MinerSuspended`], [`MiningRefusal::MinerBanned`],
/// [`CircleRefusal::NameInvalid`], [`CircleRefusal::AlreadyIn`], [`CircleRefusal::Cooldown`].
pub fn create(
    caller: &Miner,
    name: &str,
    left_at: Option<Timestamp>,
    cooldown_hours: u32,
    now: Timestamp,
) -> Result<CircleName, MiningRefusal> {
    active(caller)?;
    let name = CircleName::parse(name).ok_or(CircleRefusal::NameInvalid)?;
    free(caller)?;
    cooled(left_at, cooldown_hours, now)?;
    Ok(name)
}

/// Gives the caller's circle another name.
///
/// Refusals, in this order: [`MiningRefusal::MinerBanned`], [`CircleRefusal::NameInvalid`],
/// [`CircleRefusal::NotInCircle`], [`CircleRefusal::NotOwner`].
pub fn rename<'a>(
    caller: &Miner,
    roster: Option<&'a Roster>,
    name: &str,
) -> Result<(&'a Roster, CircleName), MiningRefusal> {
    not_banned(caller)?;
    let name = CircleName::parse(name).ok_or(CircleRefusal::NameInvalid)?;
    Ok((owned(caller, roster)?, name))
}

/// What inviting somebody depends on besides them.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// Who has an invitation into the circle that can still be answered.
    pub pending: &'a [MinerId],
    /// Invitations the circle sent in the last 24 hours.
    pub lately: usize,
    /// Invitations of others that wait for the same invitee.
    pub waiting_for_invitee: usize,
}

/// Invites somebody into the caller's circle.
///
/// Refusals, in this order: [`MiningRefusal::MinerSuspended`], [`MiningRefusal::MinerBanned`],
/// [`CircleRefusal::NotInCircle`], [`CircleRefusal::NotOwner`], [`CircleRefusal::InviteeNotFound`],
/// [`CircleRefusal::SelfInvitation`], [`CircleRefusal::InviteeInCircle`], [`CircleRefusal::AlreadyInvited`],
/// [`CircleRefusal::InvitationLimit`], [`CircleRefusal::InviteeLimit`], [`CircleRefusal::Full`].
pub fn send<'a>(
    caller: &Miner,
    roster: Option<&'a Roster>,
    invitee: Option<&'a Miner>,
    sent: Sent<'_>,
) -> Result<(&'a Roster, &'a Miner), MiningRefusal> {
    active(caller)?;
    let roster = owned(caller, roster)?;
    let invitee = invitee
        .filter(|invitee| invitee.status != MinerStatus::Banned)
        .ok_or(CircleRefusal::InviteeNotFound)?;
    if invitee.id == caller.id {
        return Err(CircleRefusal::SelfInvitation.into());
    }
    if invitee.circle_id.is_some() {
        return Err(CircleRefusal::InviteeInCircle.into());
    }
    if sent.pending.contains(&invitee.id) {
        return Err(CircleRefusal::AlreadyInvited.into());
    }
    // Taking one back makes no room for another: nobody is to be bothered without end.
    if sent.pending.len().max(sent.lately) >= CircleInvitation::MOST_PENDING {
        let limit = CircleInvitation::MOST_PENDING;
        return Err(CircleRefusal::InvitationLimit { limit }.into());
    }
    if sent.waiting_for_invitee >= CircleInvitation::MOST_WAITING {
        return Err(CircleRefusal::InviteeLimit.into());
    }
    if roster.is_full() {
        return Err(CircleRefusal::Full.into());
    }
    Ok((roster, invitee))
}

/// What accepting an invitation depends on.
#[derive(Clone, Copy, Debug)]
pub struct Acceptance<'a> {
    /// Who accepts.
    pub caller: &'a Miner,
    /// The invitation, if there is one.
    pub invitation: Option<&'a CircleInvitation>,
    /// Its circle.
    pub roster: Option<&'a Roster>,
    /// When the caller last left a circle in a way that cools.
    pub left_at: Option<Timestamp>,
    /// When others left the circle, in any order; what is older than the cooldown may be among them.
    pub places_left_at: &'a [Timestamp],
    /// How long free places and who left wait.
    pub cooldown_hours: u32,
    /// The moment.
    pub now: Timestamp,
}

/// Joins a circle by an invitation; everything is checked again.
///
/// Refusals, in this order: [`MiningRefusal::MinerSuspended`], [`MiningRefusal::MinerBanned`],
/// [`CircleRefusal::AlreadyIn`], [`CircleRefusal::InvitationNotFound`], [`CircleRefusal::InvitationNotPending`],
/// [`CircleRefusal::InvitationExpired`], [`CircleRefusal::Cooldown`], [`CircleRefusal::Full`],
/// [`CircleRefusal::PlaceCooling`].
pub fn accept<'a>(
    asked: &Acceptance<'a>,
) -> Result<(&'a CircleInvitation, &'a Roster), MiningRefusal> {
    let caller = asked.caller;
    active(caller)?;
    free(caller)?;
    let invitation = received(caller, asked.invitation, asked.now)?;
    // A disbanded circle has no pending invitations: they went with it.
    let roster = asked.roster.ok_or(CircleRefusal::InvitationNotFound)?;
    cooled(asked.left_at, asked.cooldown_hours, asked.now)?;
    if roster.is_full() {
        return Err(CircleRefusal::Full.into());
    }
    if let Some(until) = places_wait_until(asked, roster) {
        return Err(CircleRefusal::PlaceCooling { until }.into());
    }
    Ok((invitation, roster))
}

/// Declines an invitation.
///
/// Refusals, in this order: [`MiningRefusal::MinerBanned`], [`CircleRefusal::InvitationNotFound`],
/// [`CircleRefusal::InvitationNotPending`], [`CircleRefusal::InvitationExpired`].
pub fn decline<'a>(
    caller: &Miner,
    invitation: Option<&'a CircleInvitation>,
    now: Timestamp,
) -> Result<&'a CircleInvitation, MiningRefusal> {
    not_banned(caller)?;
    received(caller, invitation, now)
}

/// Takes an invitation of the caller's circle back.
///
/// Refusals, in this order: [`MiningRefusal::MinerBanned`], [`CircleRefusal::NotInCircle`],
/// [`CircleRefusal::NotOwner`], [`CircleRefusal::InvitationNotFound`], [`CircleRefusal::InvitationNotPending`],
/// [`CircleRefusal::InvitationExpired`].
pub fn cancel<'a>(
    caller: &Miner,
    roster: Option<&'a Roster>,
    invitation: Option<&'a CircleInvitation>,
    now: Timestamp,
) -> Result<(&'a Roster, &'a CircleInvitation), MiningRefusal> {
    not_banned(caller)?;
    let roster = owned(caller, roster)?;
    let invitation = invitation
        .filter(|invitation| invitation.circle_id == roster.circle.id)
        .ok_or(CircleRefusal::InvitationNotFound)?;
    pending(invitation, now)?;
    Ok((roster, invitation))
}

/// Removes a member from the caller's circle.
///
/// Refusals, in this order: [`MiningRefusal::MinerBanned`], [`CircleRefusal::NotInCircle`],
/// [`CircleRefusal::NotOwner`], [`CircleRefusal::MemberNotFound`], [`CircleRefusal::OwnerCannotBeRemoved`].
pub fn remove<'a>(
    caller: &Miner,
    roster: Option<&'a Roster>,
    member: MinerId,
) -> Result<&'a Roster, MiningRefusal> {
    not_banned(caller)?;
    let roster = owned(caller, roster)?;
    if !roster.has(member) {
        return Err(CircleRefusal::MemberNotFound.into());
    }
    if member == roster.circle.owner_id {
        return Err(CircleRefusal::OwnerCannotBeRemoved.into());
    }
    Ok(roster)
}

/// Leaves the caller's circle.
///
/// Refusals, in this order: [`MiningRefusal::MinerBanned`], [`CircleRefusal::NotInCircle`],
/// [`CircleRefusal::OwnerCannotLeave`].
pub fn leave<'a>(caller: &Miner, roster: Option<&'a Roster>) -> Result<&'a Roster, MiningRefusal> {
    not_banned(caller)?;
    let roster = joined(caller, roster)?;
    if roster.circle.owner_id == caller.id {
        return Err(CircleRefusal::OwnerCannotLeave.into());
    }
    Ok(roster)
}

/// Ends the caller's circle for good.
///
/// Refusals, in this order: [`MiningRefusal::MinerBanned`], [`CircleRefusal::NotInCircle`],
/// [`CircleRefusal::NotOwner`].
pub fn disband<'a>(
    caller: &Miner,
    roster: Option<&'a Roster>,
) -> Result<&'a Roster, MiningRefusal> {
    not_banned(caller)?;
    owned(caller, roster)
}

/// Ends somebody else's circle for good; `by` is the miner of who decides, if they have one.
///
/// Refusals, in this order: [`CircleRefusal::NotFound`], [`CircleRefusal::OwnCircle`], [`CircleRefusal::Disbanded`].
pub fn disband_for(roster: Option<&Roster>, by: Option<MinerId>) -> Result<&Roster, MiningRefusal> {
    let roster = roster.ok_or(CircleRefusal::NotFound)?;
    if by.is_some_and(|by| by == roster.circle.owner_id || roster.has(by)) {
        return Err(CircleRefusal::OwnCircle.into());
    }
    if roster.circle.status == CircleStatus::Disbanded {
        return Err(CircleRefusal::Disbanded.into());
    }
    Ok(roster)
}

fn active(caller: &Miner) -> Result<(), MiningRefusal> {
    match caller.status {
        MinerStatus::Active => Ok(()),
        MinerStatus::Suspended => Err(MiningRefusal::MinerSuspended),
        MinerStatus::Banned => Err(MiningRefusal::MinerBanned),
    }
}

fn not_banned(caller: &Miner) -> Result<(), MiningRefusal> {
    match caller.status {
        MinerStatus::Active | MinerStatus::Suspended => Ok(()),
        MinerStatus::Banned => Err(MiningRefusal::MinerBanned),
    }
}

fn free(caller: &Miner) -> Result<(), CircleRefusal> {
    match caller.circle_id {
        None => Ok(()),
        Some(_) => Err(CircleRefusal::AlreadyIn),
    }
}

fn joined<'a>(caller: &Miner, roster: Option<&'a Roster>) -> Result<&'a Roster, MiningRefusal> {
    let roster = roster.filter(|roster| roster.has(caller.id));
    Ok(roster.ok_or(CircleRefusal::NotInCircle)?)
}

fn owned<'a>(caller: &Miner, roster: Option<&'a Roster>) -> Result<&'a Roster, MiningRefusal> {
    let roster = joined(caller, roster)?;
    if roster.circle.owner_id != caller.id {
        return Err(CircleRefusal::NotOwner.into());
    }
    Ok(roster)
}

fn received<'a>(
    caller: &Miner,
    invitation: Option<&'a CircleInvitation>,
    now: Timestamp,
) -> Result<&'a CircleInvitation, MiningRefusal> {
    // Somebody else's reads as not found.
    let invitation = invitation
        .filter(|invitation| invitation.invitee_id == caller.id)
        .ok_or(CircleRefusal::InvitationNotFound)?;
    pending(invitation, now)?;
    Ok(invitation)
}

fn pending(invitation: &CircleInvitation, now: Timestamp) -> Result<(), CircleRefusal> {
    match invitation.status_at(now) {
        InvitationStatus::Pending => Ok(()),
        InvitationStatus::Expired => Err(CircleRefusal::InvitationExpired),
        InvitationStatus::Accepted | InvitationStatus::Declined | InvitationStatus::Cancelled => {
            Err(CircleRefusal::InvitationNotPending)
        }
    }
}

/// The end of the cooldown of somebody or a place that went at a moment; none when it is over.
fn waits_until(left_at: Timestamp, cooldown_hours: u32, now: Timestamp) -> Option<Timestamp> {
    let until = plus(left_at, hours(cooldown_hours));
    (until > now).then_some(until)
}

fn cooled(
    left_at: Option<Timestamp>,
    cooldown_hours: u32,
    now: Timestamp,
) -> Result<(), CircleRefusal> {
    let until = left_at.and_then(|left_at| waits_until(left_at, cooldown_hours, now));
    until.map_or(Ok(()), |until| Err(CircleRefusal::Cooldown { until }))
}

/// When the first place is free for somebody new; none when one is.
fn places_wait_until(asked: &Acceptance<'_>, roster: &Roster) -> Option<Timestamp> {
    let mut waiting: Vec<Timestamp> = asked
        .places_left_at
        .iter()
        .filter_map(|left_at| waits_until(*left_at, asked.cooldown_hours, asked.now))
        .collect();
    waiting.sort_unstable();
    let taken = roster.members.len().saturating_add(waiting.len());
    // So many have to be over, the last of them included, before one place is neither taken nor waits.
    let too_many = taken.checked_sub(Circle::MOST_MEMBERS)?;
    waiting.get(too_many).copied()
}

#[cfg(test)]
mod tests;
