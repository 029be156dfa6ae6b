//! Root fields of Mutation about circles and invitations.

use db::mining::circle::commands;
use db::mining::miner::locks::MinerRef;

use super::objects::{Circle, CircleInvitation, CircleInviteeBy};
use super::refusals::{CircleInvitationUserError, CircleUserError};
use crate::mining::miner::objects::Miner;
use crate::mining::miner::profile::MinerProfile;
use crate::prelude::*;

mutations! {
    /// Commands on circles.
    CircleMutation;

    /// Creates a circle with the caller as owner and first member.
    circle_create = commands::CIRCLE_CREATE, |call| commands::circle_create(call.tx, call.request, &call.input.name).boxed();
    CircleCreateInput(Optional) {
        /// Name, 1 to 100 visible characters on one line; surrounding blanks are removed.
        name: String,
    }
    CircleCreatePayload(CircleUserError) = |ctx, id: Uuid| {
        /// The new circle; null when refused.
        circle: Loaded<Circle> = Circle::load_commanded(ctx, CircleId(id)).await,
    }

    /// Renames the circle that the caller owns.
    circle_rename = commands::CIRCLE_RENAME, |call| commands::circle_rename(call.tx, call.request, &call.input.name).boxed();
    CircleRenameInput(Optional) {
        /// Name, 1 to 100 visible characters on one line; surrounding blanks are removed.
        name: String,
    }
    CircleRenamePayload(CircleUserError) = |ctx, id: Uuid| {
        /// The renamed circle; null when refused.
        circle: Loaded<Circle> = Circle::load_commanded(ctx, CircleId(id)).await,
    }

    /// Removes a member from the circle that the caller owns; roles follow at once, rates from the next session.
    circle_member_remove = commands::CIRCLE_MEMBER_REMOVE, |call| {
        commands::circle_member_remove(call.tx, call.request, call.input.member_id.key).boxed()
    };
    CircleMemberRemoveInput(Optional) {
        /// `MinerProfile` id of the member.
        member_id: Id<MinerProfile>,
    }
    CircleMemberRemovePayload(CircleUserError) = |ctx, id: Uuid| {
        /// The circle; null when refused.
        circle: Loaded<Circle> = Circle::load_commanded(ctx, CircleId(id)).await,
    }

    /// Takes the caller out of their circle; roles follow at once, rates from the next session.
    circle_leave = commands::CIRCLE_LEAVE, |call| commands::circle_leave(call.tx, call.request).boxed();
    CircleLeaveInput(Optional) {}
    CircleLeavePayload(CircleUserError) = |ctx, id: Uuid| {
        /// The caller's miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(id)).await,
    }

    /// Disbands the circle that the caller owns, for good; pending invitations are cancelled.
    circle_disband = commands::CIRCLE_DISBAND, |call| commands::circle_disband(call.tx, call.request).boxed();
    CircleDisbandInput(Optional) {}
    CircleDisbandPayload(CircleUserError) = |ctx, id: Uuid| {
        /// The disbanded circle; null when refused.
        circle: Loaded<Circle> = Circle::load_commanded(ctx, CircleId(id)).await,
    }

    /// Disbands any circle, for good; pending invitations are cancelled.
    circle_force_disband = commands::CIRCLE_FORCE_DISBAND, |call| {
        let (id, reason) = (call.input.circle_id.key, &call.input.reason);
        commands::circle_force_disband(call.tx, call.request, id, reason).boxed()
    };
    CircleForceDisbandInput(Optional) {
        /// Circle to disband.
        circle_id: Id<Circle>,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    CircleForceDisbandPayload(CircleUserError) = |ctx, id: Uuid| {
        /// The disbanded circle; null when refused.
        circle: Loaded<Circle> = Circle::load_commanded(ctx, CircleId(id)).await,
    }
}

mutations! {
    /// Commands on invitations into circles.
    CircleInvitationMutation;

    /// Invites a miner into the circle that the caller owns. A circle has at most 20 pending invitations and sends at most
    /// 20 within 24 hours; an invitee has at most 50 pending ones.
    circle_invitation_send = commands::CIRCLE_INVITATION_SEND, |call| {
        async move {
            let invitee = MinerRef::from(&call.input.invitee);
            commands::circle_invitation_send(call.tx, call.request, &invitee).await
        }
        .boxed()
    };
    CircleInvitationSendInput(Optional) {
        /// Miner to invite.
        invitee: CircleInviteeBy,
    }
    CircleInvitationSendPayload(CircleInvitationUserError) = |ctx, id: [Uuid; 2]| {
        /// The pending invitation; null when refused.
        invitation: Loaded<CircleInvitation> = load(ctx, CircleInvitationId::from(id)).await,
    }

    /// Joins a circle by an invitation; every rule is checked again, roles follow at once, rates from the next session.
    circle_invitation_accept = commands::CIRCLE_INVITATION_ACCEPT, |call| {
        commands::circle_invitation_accept(call.tx, call.request, call.input.invitation_id.key).boxed()
    };
    CircleInvitationAcceptInput(Optional) {
        /// Invitation to accept.
        invitation_id: Id<CircleInvitation>,
    }
    CircleInvitationAcceptPayload(CircleInvitationUserError) = |ctx, id: [Uuid; 2]| {
        /// The accepted invitation with the joined circle; null when refused.
        invitation: Loaded<CircleInvitation> = load(ctx, CircleInvitationId::from(id)).await,
    }

    /// Declines an invitation that the caller received.
    circle_invitation_decline = commands::CIRCLE_INVITATION_DECLINE, |call| {
        commands::circle_invitation_decline(call.tx, call.request, call.input.invitation_id.key).boxed()
    };
    CircleInvitationDeclineInput(Optional) {
        /// Invitation to decline.
        invitation_id: Id<CircleInvitation>,
    }
    CircleInvitationDeclinePayload(CircleInvitationUserError) = |ctx, id: [Uuid; 2]| {
        /// The declined invitation; null when refused.
        invitation: Loaded<CircleInvitation> = load(ctx, CircleInvitationId::from(id)).await,
    }

    /// Cancels an invitation into the circle that the caller owns.
    circle_invitation_cancel = commands::CIRCLE_INVITATION_CANCEL, |call| {
        commands::circle_invitation_cancel(call.tx, call.request, call.input.invitation_id.key).boxed()
    };
    CircleInvitationCancelInput(Optional) {
        /// Invitation to cancel.
        invitation_id: Id<CircleInvitation>,
    }
    CircleInvitationCancelPayload(CircleInvitationUserError) = |ctx, id: [Uuid; 2]| {
        /// The cancelled invitation; null when refused.
        invitation: Loaded<CircleInvitation> = load(ctx, CircleInvitationId::from(id)).await,
    }
}
