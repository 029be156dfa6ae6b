//! Root fields of Mutation about circles and invitations.

#![expect(dead_code, reason = "the engine derives a getter for each field")]

use async_graphql::{Context, Object};
use db::mining::circle::commands::{
    CIRCLE_CREATE, CIRCLE_DISBAND, CIRCLE_FORCE_DISBAND, CIRCLE_INVITATION_ACCEPT,
    CIRCLE_INVITATION_CANCEL, CIRCLE_INVITATION_DECLINE, CIRCLE_INVITATION_SEND, CIRCLE_LEAVE,
    CIRCLE_MEMBER_REMOVE, CIRCLE_RENAME, circle_create, circle_disband, circle_force_disband,
    circle_invitation_accept, circle_invitation_cancel, circle_invitation_decline,
    circle_invitation_send, circle_leave, circle_member_remove, circle_rename,
};
use db::mining::miner::locks::MinerRef;
use domain::ids::{CircleId, CircleInvitationId, MinerId};
use futures_util::FutureExt;

use super::objects::{Circle, CircleInvitation, CircleInviteeBy};
use super::refusals::{CircleInvitationUserError, CircleUserError};
use crate::command::{Loaded, command_types, run};
use crate::errors::ApiError;
use crate::mining::miner::objects::{Miner, MinerProfile};
use crate::node::{Id, NodeType};

command_types! {
    CircleCreateInput(Optional) {
        /// Name, 1 to 100 printable characters; surrounding blanks are removed.
        name: String,
    }
    CircleCreatePayload(CircleUserError) {
        /// The new circle; null when refused.
        circle: Loaded<Circle>,
    }

    CircleRenameInput(Optional) {
        /// Name, 1 to 100 printable characters; surrounding blanks are removed.
        name: String,
    }
    CircleRenamePayload(CircleUserError) {
        /// The renamed circle; null when refused.
        circle: Loaded<Circle>,
    }

    CircleMemberRemoveInput(Optional) {
        /// `MinerProfile` id of the member.
        member_id: Id<MinerProfile>,
    }
    CircleMemberRemovePayload(CircleUserError) {
        /// The circle; null when refused.
        circle: Loaded<Circle>,
    }

    CircleDisbandInput(Optional) {}
    CircleDisbandPayload(CircleUserError) {
        /// The disbanded circle; null when refused.
        circle: Loaded<Circle>,
    }

    CircleForceDisbandInput(Optional) {
        /// Circle to disband.
        circle_id: Id<Circle>,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    CircleForceDisbandPayload(CircleUserError) {
        /// The disbanded circle; null when refused.
        circle: Loaded<Circle>,
    }

    CircleLeaveInput(Optional) {}
    CircleLeavePayload(CircleUserError) {
        /// The caller's miner; null when refused.
        miner: Loaded<Miner>,
    }

    CircleInvitationSendInput(Optional) {
        /// Miner to invite.
        invitee: CircleInviteeBy,
    }
    CircleInvitationSendPayload(CircleInvitationUserError) {
        /// The pending invitation; null when refused.
        invitation: Loaded<CircleInvitation>,
    }

    CircleInvitationAcceptInput(Optional) {
        /// Invitation to accept.
        invitation_id: Id<CircleInvitation>,
    }
    CircleInvitationAcceptPayload(CircleInvitationUserError) {
        /// The accepted invitation with the joined circle; null when refused.
        invitation: Loaded<CircleInvitation>,
    }

    CircleInvitationDeclineInput(Optional) {
        /// Invitation to decline.
        invitation_id: Id<CircleInvitation>,
    }
    CircleInvitationDeclinePayload(CircleInvitationUserError) {
        /// The declined invitation; null when refused.
        invitation: Loaded<CircleInvitation>,
    }

    CircleInvitationCancelInput(Optional) {
        /// Invitation to cancel.
        invitation_id: Id<CircleInvitation>,
    }
    CircleInvitationCancelPayload(CircleInvitationUserError) {
        /// The cancelled invitation; null when refused.
        invitation: Loaded<CircleInvitation>,
    }
}

/// Commands on circles.
#[derive(Default)]
pub struct CircleMutation;

#[Object]
impl CircleMutation {
    /// Creates a circle with the caller as owner and first member.
    async fn circle_create(
        &self,
        ctx: &Context<'_>,
        input: CircleCreateInput,
    ) -> Option<Result<CircleCreatePayload, ApiError>> {
        run(
            ctx,
            &CIRCLE_CREATE,
            input,
            |call| circle_create(call.tx, call.request, &call.input.name).boxed(),
            async |id| CircleCreatePayload {
                circle: Circle::load(ctx, CircleId(id)).await.transpose(),
                ..CircleCreatePayload::default()
            },
        )
        .await
    }

    /// Renames the circle that the caller owns.
    async fn circle_rename(
        &self,
        ctx: &Context<'_>,
        input: CircleRenameInput,
    ) -> Option<Result<CircleRenamePayload, ApiError>> {
        run(
            ctx,
            &CIRCLE_RENAME,
            input,
            |call| circle_rename(call.tx, call.request, &call.input.name).boxed(),
            async |id| CircleRenamePayload {
                circle: Circle::load(ctx, CircleId(id)).await.transpose(),
                ..CircleRenamePayload::default()
            },
        )
        .await
    }

    /// Removes a member from the circle that the caller owns; roles follow at once, rates from the next session.
    async fn circle_member_remove(
        &self,
        ctx: &Context<'_>,
        input: CircleMemberRemoveInput,
    ) -> Option<Result<CircleMemberRemovePayload, ApiError>> {
        run(
            ctx,
            &CIRCLE_MEMBER_REMOVE,
            input,
            |call| circle_member_remove(call.tx, call.request, call.input.member_id.key).boxed(),
            async |id| CircleMemberRemovePayload {
                circle: Circle::load(ctx, CircleId(id)).await.transpose(),
                ..CircleMemberRemovePayload::default()
            },
        )
        .await
    }

    /// Takes the caller out of their circle; roles follow at once, rates from the next session.
    async fn circle_leave(
        &self,
        ctx: &Context<'_>,
        input: CircleLeaveInput,
    ) -> Option<Result<CircleLeavePayload, ApiError>> {
        run(
            ctx,
            &CIRCLE_LEAVE,
            input,
            |call| circle_leave(call.tx, call.request).boxed(),
            async |id| CircleLeavePayload {
                miner: Miner::load(ctx, MinerId(id)).await.transpose(),
                ..CircleLeavePayload::default()
            },
        )
        .await
    }

    /// Disbands the circle that the caller owns, for good; pending invitations are cancelled.
    async fn circle_disband(
        &self,
        ctx: &Context<'_>,
        input: CircleDisbandInput,
    ) -> Option<Result<CircleDisbandPayload, ApiError>> {
        run(
            ctx,
            &CIRCLE_DISBAND,
            input,
            |call| circle_disband(call.tx, call.request).boxed(),
            async |id| CircleDisbandPayload {
                circle: Circle::load_ended(ctx, CircleId(id)).await.transpose(),
                ..CircleDisbandPayload::default()
            },
        )
        .await
    }

    /// Disbands any circle, for good; pending invitations are cancelled.
    async fn circle_force_disband(
        &self,
        ctx: &Context<'_>,
        input: CircleForceDisbandInput,
    ) -> Option<Result<CircleForceDisbandPayload, ApiError>> {
        run(
            ctx,
            &CIRCLE_FORCE_DISBAND,
            input,
            |call| {
                let (id, reason) = (call.input.circle_id.key, &call.input.reason);
                circle_force_disband(call.tx, call.request, id, reason).boxed()
            },
            async |id| CircleForceDisbandPayload {
                circle: Circle::load_ended(ctx, CircleId(id)).await.transpose(),
                ..CircleForceDisbandPayload::default()
            },
        )
        .await
    }
}

/// Commands on invitations into circles.
#[derive(Default)]
pub struct CircleInvitationMutation;

#[Object]
impl CircleInvitationMutation {
    /// Invites a miner into the circle that the caller owns; at most 20 invitations of a circle and 50 of an invitee are
    /// pending.
    async fn circle_invitation_send(
        &self,
        ctx: &Context<'_>,
        input: CircleInvitationSendInput,
    ) -> Option<Result<CircleInvitationSendPayload, ApiError>> {
        run(
            ctx,
            &CIRCLE_INVITATION_SEND,
            input,
            |call| {
                async move {
                    let invitee = MinerRef::from(&call.input.invitee);
                    circle_invitation_send(call.tx, call.request, &invitee).await
                }
                .boxed()
            },
            async |id| CircleInvitationSendPayload {
                invitation: CircleInvitation::load(ctx, CircleInvitationId(id)).await.transpose(),
                ..CircleInvitationSendPayload::default()
            },
        )
        .await
    }

    /// Joins a circle by an invitation; every rule is checked again, roles follow at once, rates from the next session.
    async fn circle_invitation_accept(
        &self,
        ctx: &Context<'_>,
        input: CircleInvitationAcceptInput,
    ) -> Option<Result<CircleInvitationAcceptPayload, ApiError>> {
        run(
            ctx,
            &CIRCLE_INVITATION_ACCEPT,
            input,
            |call| {
                let id = call.input.invitation_id.key;
                circle_invitation_accept(call.tx, call.request, id).boxed()
            },
            async |id| CircleInvitationAcceptPayload {
                invitation: CircleInvitation::load(ctx, CircleInvitationId(id)).await.transpose(),
                ..CircleInvitationAcceptPayload::default()
            },
        )
        .await
    }

    /// Declines an invitation that the caller received.
    async fn circle_invitation_decline(
        &self,
        ctx: &Context<'_>,
        input: CircleInvitationDeclineInput,
    ) -> Option<Result<CircleInvitationDeclinePayload, ApiError>> {
        run(
            ctx,
            &CIRCLE_INVITATION_DECLINE,
            input,
            |call| {
                let id = call.input.invitation_id.key;
                circle_invitation_decline(call.tx, call.request, id).boxed()
            },
            async |id| CircleInvitationDeclinePayload {
                invitation: CircleInvitation::load(ctx, CircleInvitationId(id)).await.transpose(),
                ..CircleInvitationDeclinePayload::default()
            },
        )
        .await
    }

    /// Cancels an invitation into the circle that the caller owns.
    async fn circle_invitation_cancel(
        &self,
        ctx: &Context<'_>,
        input: CircleInvitationCancelInput,
    ) -> Option<Result<CircleInvitationCancelPayload, ApiError>> {
        run(
            ctx,
            &CIRCLE_INVITATION_CANCEL,
            input,
            |call| {
                let id = call.input.invitation_id.key;
                circle_invitation_cancel(call.tx, call.request, id).boxed()
            },
            async |id| CircleInvitationCancelPayload {
                invitation: CircleInvitation::load(ctx, CircleInvitationId(id)).await.transpose(),
                ..CircleInvitationCancelPayload::default()
            },
        )
        .await
    }
}
