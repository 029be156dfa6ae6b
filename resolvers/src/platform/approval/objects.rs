//! Types of approvals.

use async_graphql::{ComplexObject, Context, Enum, InputObject, SimpleObject};
use db::platform::approval::{ApprovalSeen, queries::Place};
use domain::access::Action;
use domain::ids::{ApprovalId, UserId};
use domain::platform::{ApprovalState, ApprovalStatus as Status};

use super::{AnyProposal, Proposals};
use crate::abstracts::Abstract;
use crate::eager::eager;
use crate::errors::ApiError;
use crate::node::{GlobalId, NodeType, uuid_keys};
use crate::paging::connection;
use crate::platform::loaders::PlatformLoader;
use crate::platform::users::User;
use crate::request::OperationContext;
use crate::scalars::DateTime;

uuid_keys!(ApprovalId);

/// States of an approval.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Status")]
pub enum ApprovalStatus {
    /// Waits for a second person.
    Pending,
    /// Approved and carried out.
    Approved,
    /// Declined by a second person.
    Declined,
    /// Not decided within 7 days.
    Expired,
}

/// Command that waits or waited for a second person, because it is above `dualControlLimit` or always needs one.
#[derive(SimpleObject, Clone, Debug)]
#[graphql(complex)]
pub struct Approval {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Time of the decision; null while undecided.
    pub decided_at: Option<DateTime>,
    /// Reason for declining, 1 to 500 characters; null unless declined.
    pub decision_reason: Option<String>,
    /// Time after which the approval can no longer be decided, 7 days after the request.
    pub expires_at: DateTime,
    /// Reason of the person who requested the command, 1 to 500 characters.
    pub reason: String,
    /// Time of the request.
    pub requested_at: DateTime,
    /// State of the approval.
    pub status: ApprovalStatus,
    #[graphql(skip)]
    decided_by_id: Option<UserId>,
    #[graphql(skip)]
    requested_by_id: UserId,
    #[graphql(skip)]
    command: String,
    #[graphql(skip)]
    stored_proposal: serde_json::Value,
}

eager! { Approval, id, decided_at, decision_reason, expires_at, reason, requested_at, status }

#[ComplexObject]
impl Approval {
    /// Person who decided; null while undecided.
    async fn decided_by(&self, ctx: &Context<'_>) -> Option<Result<User, ApiError>> {
        User::load(ctx, self.decided_by_id?).await.transpose()
    }

    /// The command that waits.
    #[expect(clippy::unused_async, reason = "the engine takes async functions only")]
    async fn proposal(&self, ctx: &Context<'_>) -> Result<Abstract<AnyProposal>, ApiError> {
        let proposals: &Proposals = ctx.registered();
        let shown = proposals.show(&self.command, self.stored_proposal.clone())?;
        Ok(Abstract::new(shown))
    }

    /// Person who requested the command.
    async fn requested_by(&self, ctx: &Context<'_>) -> Option<Result<User, ApiError>> {
        User::load(ctx, self.requested_by_id).await.transpose()
    }
}

impl From<ApprovalSeen> for Approval {
    fn from(seen: ApprovalSeen) -> Self {
        let ApprovalSeen {
            approval,
            proposal,
            at,
        } = seen;
        let status = approval.status_at(at).into();
        let (decided, decision_reason) = match approval.state {
            ApprovalState::Pending => (None, None),
            ApprovalState::Approved { by, at } => (Some((by, at)), None),
            ApprovalState::Declined { by, at, reason } => (Some((by, at)), Some(reason)),
        };
        Self {
            id: GlobalId::of::<Self>(&approval.id),
            decided_at: decided.map(|(_, at)| at.into()),
            decision_reason,
            expires_at: approval.expires_at.into(),
            reason: approval.reason,
            requested_at: approval.requested_at.into(),
            status,
            decided_by_id: decided.map(|(by, _)| by),
            requested_by_id: approval.requested_by,
            command: approval.command,
            stored_proposal: proposal,
        }
    }
}

impl NodeType for Approval {
    const KIND: &'static str = "Approval";
    type Key = ApprovalId;

    async fn load(ctx: &Context<'_>, key: ApprovalId) -> Result<Option<Self>, ApiError> {
        if !ctx.may(Action::ApprovalsRead, false) {
            return Ok(None);
        }
        let seen = ctx.loader::<PlatformLoader>().load_one(key).await?;
        Ok(seen.map(Self::from))
    }
}

connection!(ApprovalConnection, ApprovalEdge, Approval, "approvals", by Place);

/// Conditions on approvals.
#[derive(InputObject, Default)]
pub struct ApprovalFilter {
    /// State of the approval.
    pub status: Option<ApprovalStatus>,
}
