//! Root fields of Mutation about approvals.

#![expect(dead_code, reason = "the engine derives a getter for each field")]

use async_graphql::{Context, Object};
use db::PROPOSALS;
use db::platform::approval::{
    APPROVAL_APPROVE, APPROVAL_DECLINE, approval_approve, approval_decline,
};
use domain::ids::ApprovalId;
use futures_util::FutureExt;

use super::objects::Approval;
use super::refusals::ApprovalUserError;
use crate::command::{Loaded, command_types, run};
use crate::errors::ApiError;
use crate::node::{Id, NodeType};

command_types! {
    ApprovalApproveInput(Required) {
        /// Approval to approve.
        approval_id: Id<Approval>,
    }
    ApprovalApprovePayload(ApprovalUserError) {
        /// The approval, with the command carried out; null when refused.
        approval: Loaded<Approval>,
    }

    ApprovalDeclineInput(Optional) {
        /// Approval to decline.
        approval_id: Id<Approval>,
        /// Reason for the requester and the audit log, 1 to 500 characters.
        reason: String,
    }
    ApprovalDeclinePayload(ApprovalUserError) {
        /// The declined approval; null when refused.
        approval: Loaded<Approval>,
    }
}

/// Decisions about approvals.
#[derive(Default)]
pub struct ApprovalMutation;

#[Object]
impl ApprovalMutation {
    /// Approves a command of the caller's roles that another person requested and carries it out under its present rules.
    async fn approval_approve(
        &self,
        ctx: &Context<'_>,
        input: ApprovalApproveInput,
    ) -> Option<Result<ApprovalApprovePayload, ApiError>> {
        run(
            ctx,
            &APPROVAL_APPROVE,
            input,
            |call| {
                let id = call.input.approval_id.key;
                approval_approve(call.tx, call.request, id, PROPOSALS).boxed()
            },
            async |id| ApprovalApprovePayload {
                approval: Approval::load(ctx, ApprovalId(id)).await.transpose(),
                ..ApprovalApprovePayload::default()
            },
        )
        .await
    }

    /// Declines a command of the caller's roles that another person requested.
    async fn approval_decline(
        &self,
        ctx: &Context<'_>,
        input: ApprovalDeclineInput,
    ) -> Option<Result<ApprovalDeclinePayload, ApiError>> {
        run(
            ctx,
            &APPROVAL_DECLINE,
            input,
            |call| {
                let (id, reason) = (call.input.approval_id.key, &call.input.reason);
                approval_decline(call.tx, call.request, id, reason, PROPOSALS).boxed()
            },
            async |id| ApprovalDeclinePayload {
                approval: Approval::load(ctx, ApprovalId(id)).await.transpose(),
                ..ApprovalDeclinePayload::default()
            },
        )
        .await
    }
}
