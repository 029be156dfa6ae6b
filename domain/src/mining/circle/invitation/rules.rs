//! Rules of invitations: send, accept, decline, cancel.

use super::{CircleInvitation, InvitationStatus};
use crate::ids::MinerId;
use crate::mining::circle::rules::{cooldown_end, owned};
use crate::mining::circle::{Circle, InvitationRefusal, Roster};
use crate::mining::{Miner, MinerStatus};
use crate::time::{Timestamp, hours, plus};

/// Facts on which a new invitation depends besides the people.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// Invitees of the circle's pending invitations.
    pub pending: &'a [MinerId],
    /// Times of the circle's last [`CircleInvitation::MOST_PENDING`] invitations, newest first.
    pub lately: &'a [Timestamp],
    /// Time of the command.
    pub now: Timestamp,
    /// Number of the invitee's pending invitations.
    pub waiting_for_invitee: usize,
}

/// Invites a miner into the caller's circle; returns the circle and the invitee.
///
/// Refusals, in this order: [`InvitationRefusal::MinerSuspended`], [`InvitationRefusal::MinerBanned`],
/// [`InvitationRefusal::NotInCircle`], [`InvitationRefusal::NotOwner`], [`InvitationRefusal::InviteeNotFound`],
/// [`InvitationRefusal::SelfInvitation`], [`InvitationRefusal::InviteeInCircle`],
/// [`InvitationRefusal::AlreadyInvited`], [`InvitationRefusal::PendingLimit`], [`InvitationRefusal::DailyLimit`],
/// [`InvitationRefusal::InviteeLimit`], [`InvitationRefusal::Full`].
pub fn send<'a>(
    caller: &Miner,
    roster: Option<&'a Roster>,
    invitee: Option<&'a Miner>,
    sent: Sent<'_>,
) -> Result<(&'a Roster, &'a Miner), InvitationRefusal> {
    caller.status.may_mine()?;
    let roster = owned(caller, roster)?;
    let invitee = invitee
        .filter(|invitee| invitee.status != MinerStatus::Banned)
        .ok_or(InvitationRefusal::InviteeNotFound)?;
    if invitee.id == caller.id {
        return Err(InvitationRefusal::SelfInvitation);
    }
    if invitee.circle_id.is_some() {
        return Err(InvitationRefusal::InviteeInCircle);
    }
    if sent.pending.contains(&invitee.id) {
        return Err(InvitationRefusal::AlreadyInvited);
    }
    let limit = CircleInvitation::MOST_PENDING;
    if at_least(sent.pending.len(), limit) {
        return Err(InvitationRefusal::PendingLimit { limit });
    }
    // Cancelled invitations count too: otherwise one miner could be invited without limit.
    if at_least(sent.lately.len(), limit)
        && let Some(retry_at) = sent.lately.last().map(|first| plus(*first, hours(24)))
        && retry_at > sent.now
    {
        return Err(InvitationRefusal::DailyLimit { limit, retry_at });
    }
    let limit = CircleInvitation::MOST_WAITING;
    if at_least(sent.waiting_for_invitee, limit) {
        return Err(InvitationRefusal::InviteeLimit { limit });
    }
    not_full(roster)?;
    Ok((roster, invitee))
}

fn at_least(count: usize, limit: u32) -> bool {
    u32::try_from(count).map_or(true, |count| count >= limit)
}

fn not_full(roster: &Roster) -> Result<(), InvitationRefusal> {
    if roster.is_full() {
        let limit = u32::try_from(Circle::MOST_MEMBERS).unwrap_or(u32::MAX);
        return Err(InvitationRefusal::Full { limit });
    }
    Ok(())
}

/// Facts on which accepting an invitation depends.
#[derive(Clone, Copy, Debug)]
pub struct Acceptance<'a> {
    /// Miner who accepts.
    pub caller: &'a Miner,
    /// The invitation, if there is one.
    pub invitation: Option<&'a CircleInvitation>,
    /// Its circle.
    pub roster: Option<&'a Roster>,
    /// Times at which members left the circle, in any order; times older than the cooldown are ignored.
    pub places_left_at: &'a [Timestamp],
    /// Length of the cooldown.
    pub cooldown_hours: u32,
    /// Current time.
    pub now: Timestamp,
}

/// Joins a circle by an invitation. Every rule is checked again.
///
/// Refusals, in this order: [`InvitationRefusal::MinerSuspended`], [`InvitationRefusal::MinerBanned`],
/// [`InvitationRefusal::AlreadyIn`], [`InvitationRefusal::NotFound`], [`InvitationRefusal::NotPending`],
/// [`InvitationRefusal::Expired`], [`InvitationRefusal::Cooldown`], [`InvitationRefusal::Full`],
/// [`InvitationRefusal::PlaceCooling`].
pub fn accept<'a>(
    input: &Acceptance<'a>,
) -> Result<(&'a CircleInvitation, &'a Roster), InvitationRefusal> {
    let caller = input.caller;
    caller.status.may_mine()?;
    if caller.circle_id.is_some() {
        return Err(InvitationRefusal::AlreadyIn);
    }
    let invitation = received(caller, input.invitation, input.now)?;
    // A disbanded circle has no pending invitations: disbanding cancels them.
    let roster = input.roster.ok_or(InvitationRefusal::NotFound)?;
    if let Some(retry_at) = cooldown_end(caller.circle_left_at, input.cooldown_hours, input.now) {
        return Err(InvitationRefusal::Cooldown { retry_at });
    }
    not_full(roster)?;
    match place_cooldown_end(input, roster) {
        None => Ok((invitation, roster)),
        Some(retry_at) => Err(InvitationRefusal::PlaceCooling { retry_at }),
    }
}

/// Declines an invitation.
///
/// Refusals, in this order: [`InvitationRefusal::MinerBanned`], [`InvitationRefusal::NotFound`],
/// [`InvitationRefusal::NotPending`], [`InvitationRefusal::Expired`].
pub fn decline<'a>(
    caller: &Miner,
    invitation: Option<&'a CircleInvitation>,
    now: Timestamp,
) -> Result<&'a CircleInvitation, InvitationRefusal> {
    caller.status.not_banned()?;
    received(caller, invitation, now)
}

/// Cancels an invitation into the caller's circle.
///
/// Refusals, in this order: [`InvitationRefusal::MinerBanned`], [`InvitationRefusal::NotInCircle`],
/// [`InvitationRefusal::NotOwner`], [`InvitationRefusal::NotFound`], [`InvitationRefusal::NotPending`],
/// [`InvitationRefusal::Expired`].
pub fn cancel<'a>(
    caller: &Miner,
    roster: Option<&'a Roster>,
    invitation: Option<&'a CircleInvitation>,
    now: Timestamp,
) -> Result<(&'a Roster, &'a CircleInvitation), InvitationRefusal> {
    caller.status.not_banned()?;
    let roster = owned(caller, roster)?;
    let invitation = invitation
        .filter(|invitation| invitation.id.circle == roster.circle.id)
        .ok_or(InvitationRefusal::NotFound)?;
    pending(invitation, now)?;
    Ok((roster, invitation))
}

fn received<'a>(
    caller: &Miner,
    invitation: Option<&'a CircleInvitation>,
    now: Timestamp,
) -> Result<&'a CircleInvitation, InvitationRefusal> {
    // An invitation of another miner reads as not found.
    let invitation = invitation
        .filter(|invitation| invitation.invitee_id == caller.id)
        .ok_or(InvitationRefusal::NotFound)?;
    pending(invitation, now)?;
    Ok(invitation)
}

fn pending(invitation: &CircleInvitation, now: Timestamp) -> Result<(), InvitationRefusal> {
    match invitation.status_at(now) {
        InvitationStatus::Pending => Ok(()),
        InvitationStatus::Expired => Err(InvitationRefusal::Expired),
        InvitationStatus::Accepted | InvitationStatus::Declined | InvitationStatus::Cancelled => {
            Err(InvitationRefusal::NotPending)
        }
    }
}

/// Time from which a new member can take the first free place; none when one is free now.
fn place_cooldown_end(input: &Acceptance<'_>, roster: &Roster) -> Option<Timestamp> {
    let mut ends: Vec<Timestamp> = input
        .places_left_at
        .iter()
        .filter_map(|left_at| cooldown_end(Some(*left_at), input.cooldown_hours, input.now))
        .collect();
    ends.sort_unstable();
    let taken = roster.members.len().saturating_add(ends.len());
    // With `excess` cooldowns above capacity, the place is free once the cooldown at that index has ended.
    let excess = taken.checked_sub(Circle::MOST_MEMBERS)?;
    ends.get(excess).copied()
}
