//! Why circles say no.

use crate::time::Timestamp;

/// Why circles say no. The texts are for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CircleRefusal {
    /// A name is empty, too long, or can't be shown.
    #[error("a circle's name has 1 to 100 characters that can be shown")]
    NameInvalid,
    /// The miner is in no circle.
    #[error("you are in no circle")]
    NotInCircle,
    /// There is no such circle (staff).
    #[error("there is no such circle")]
    NotFound,
    /// The circle is the staff member's own.
    #[error("this is your own circle: somebody else has to decide about it")]
    OwnCircle,
    /// The circle was disbanded before.
    #[error("this circle was disbanded already")]
    Disbanded,
    /// Only the owner may.
    #[error("only the owner of the circle may do this")]
    NotOwner,
    /// The miner is in a circle.
    #[error("you are in a circle already: leave it first")]
    AlreadyIn,
    /// There is no such invitation for the caller.
    #[error("there is no such invitation")]
    InvitationNotFound,
    /// The invitation was accepted, declined or cancelled.
    #[error("this invitation was accepted, declined or cancelled already")]
    InvitationNotPending,
    /// The invitation was not answered in time.
    #[error("this invitation has expired: ask for another one")]
    InvitationExpired,
    /// Nobody of that profile is in the circle.
    #[error("nobody of this profile is in your circle")]
    MemberNotFound,
    /// Nobody can be invited by that name.
    #[error("nobody can be invited by this code or profile")]
    InviteeNotFound,
    /// Owners don't invite themselves.
    #[error("you are in your circle already")]
    SelfInvitation,
    /// Who is invited is in a circle.
    #[error("they are in a circle already")]
    InviteeInCircle,
    /// Who is invited has a pending invitation to this circle.
    #[error("they are invited to your circle already")]
    AlreadyInvited,
    /// As many invitations as allowed wait for an answer, or were sent in the last 24 hours.
    #[error("no more than {limit} invitations can wait, or be sent in a day: wait for answers")]
    InvitationLimit {
        /// How many are allowed.
        limit: usize,
    },
    /// Who is invited has as many invitations as anybody can answer.
    #[error("they have too many invitations to answer first")]
    InviteeLimit,
    /// Who left a circle waits before the next one.
    #[error("you left a circle not long ago: you can join or create one from {until} on")]
    Cooldown {
        /// Until when.
        until: Timestamp,
    },
    /// Five members are in.
    #[error("the circle has all the members it can have")]
    Full,
    /// The free places wait.
    #[error("somebody left this circle not long ago: their place is free from {until} on")]
    PlaceCooling {
        /// Until when.
        until: Timestamp,
    },
    /// The owner disbands, but doesn't leave.
    #[error("the owner of a circle can't leave it: disband it instead")]
    OwnerCannotLeave,
    /// The owner disbands, but isn't removed.
    #[error("the owner of a circle can't be removed: disband it instead")]
    OwnerCannotBeRemoved,
}
