//! Root fields of Mutation about approvals.

use db::PROPOSALS;
use db::platform::approval::commands;

use super::objects::Approval;
use super::refusals::ApprovalUserError;

use crate::prelude::*;

mutations! {
    /// Decisions about approvals.
    ApprovalMutation;

    /// Approves a command that another person requested, and carries it out. The caller must have a role that may send the
    /// command itself. It is checked against the rules in force now, not those at the time of the request.
    approval_approve = commands::APPROVAL_APPROVE, |call| {
        commands::approval_approve(call.tx, call.request, call.input.approval_id.key, PROPOSALS).boxed()
    };
    ApprovalApproveInput(Required) {
        /// Approval to approve.
        approval_id: Id<Approval>,
    }
    ApprovalApprovePayload(ApprovalUserError) = |ctx, id: Uuid| {
        /// The approval, with the command carried out; null when refused.
        approval: Loaded<Approval> = load(ctx, ApprovalId(id)).await,
    }

    /// Declines a command that another person requested. The caller must have a role that may send the command itself.
    approval_decline = commands::APPROVAL_DECLINE, |call| {
        let (id, reason) = (call.input.approval_id.key, &call.input.reason);
        commands::approval_decline(call.tx, call.request, id, reason, PROPOSALS).boxed()
    };
    ApprovalDeclineInput(Optional) {
        /// Approval to decline.
        approval_id: Id<Approval>,
        /// Reason for declining, for the requester and the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    ApprovalDeclinePayload(ApprovalUserError) = |ctx, id: Uuid| {
        /// The declined approval; null when refused.
        approval: Loaded<Approval> = load(ctx, ApprovalId(id)).await,
    }
}
