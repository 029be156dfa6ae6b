//! Types of approvals.

use db::platform::approval::{ApprovalSeen, queries::Place};
use domain::platform::{ApprovalState, ApprovalStatus as Status};

use super::{AnyProposal, Proposals};
use crate::abstracts::Abstract;
use crate::node::uuid_keys;
use crate::platform::loaders::PlatformLoader;
use crate::platform::users::User;
use crate::prelude::*;

uuid_keys!(ApprovalId);

/// States of an approval.
pub type ApprovalStatus = EnumOf<Status>;

object! {
    /// Command that waits or waited for a second person, because it is above `dualControlLimit` or always needs one.
    #[graphql(complex)]
    Approval(seen: ApprovalSeen) {
        let approval = seen.approval;
        let status = approval.status_at(seen.at).into();
        let (decided, decision_reason) = match approval.state {
            ApprovalState::Pending => (None, None),
            ApprovalState::Approved { by, at } => (Some((by, at)), None),
            ApprovalState::Declined { by, at, reason } => (Some((by, at)), Some(reason)),
        };
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&approval.id),
        /// Time of the decision; null while undecided.
        decided_at: Option<DateTime> = decided.map(|(_, at)| at.into()),
        /// Person who decided; null while undecided.
        decided_by: Edge<User> = Edge(decided.as_ref().map(|(by, _)| *by)),
        /// Reason for declining, 1 to 500 characters; null unless declined.
        decision_reason: Option<String> = decision_reason,
        /// Time after which the approval can no longer be decided, 7 days after the request.
        expires_at: DateTime = approval.expires_at.into(),
        /// Reason of the person who requested the command, 1 to 500 characters.
        reason: String = approval.reason,
        /// Time of the request.
        requested_at: DateTime = approval.requested_at.into(),
        /// Person who requested the command.
        requested_by: Edge<User> = Edge::to(approval.requested_by),
        /// State of the approval.
        status: ApprovalStatus = status,
    }
    with {
        command: String = approval.command,
        stored_proposal: serde_json::Value = seen.proposal,
    }
}

#[ComplexObject]
impl Approval {
    /// The command that waits.
    #[expect(clippy::unused_async, reason = "the engine takes async functions only")]
    async fn proposal(&self, ctx: &Context<'_>) -> Result<Abstract<AnyProposal>> {
        let proposals: &Proposals = ctx.registered();
        let shown = proposals.show(&self.command, self.stored_proposal.clone())?;
        Ok(Abstract::new(shown))
    }
}

node!(Approval: ApprovalId, |ctx, key| {
    if !ctx.may(Action::ApprovalsRead, false) {
        return Ok(None);
    }
    let seen = ctx.loader::<PlatformLoader>().load_one(key).await?;
    Ok(seen.map(Self::of))
});

connection!(ApprovalConnection, ApprovalEdge, Approval, "approvals", by Place);

/// Conditions on approvals.
#[derive(InputObject, Default)]
pub struct ApprovalFilter {
    /// State of the approval.
    pub status: Option<ApprovalStatus>,
}
