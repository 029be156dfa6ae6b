//! User errors of approvals.

use async_graphql::SimpleObject;
use db::command::Refused;
use domain::platform::ApprovalRefusal;

use super::objects::Approval;
use crate::abstracts::Abstract;
use crate::prelude::*;
use crate::user_errors::{self, AnyUserError, ErrorCode, FactValue, UserErrorType};

/// Refusal of a command on approvals.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ApprovalUserError {
    /// Code of the refusal, for programs.
    pub code: ErrorCode<ApprovalUserError>,
    /// The approval as it is; null with REASON_INVALID and APPROVAL_NOT_FOUND.
    pub approval: Edge<Approval>,
    /// Path of the offending field from `input`; null when no single field is at fault.
    pub field: Option<Vec<String>>,
    /// Text for people, in the language of the request.
    pub message: String,
    #[graphql(skip)]
    refused_cause: Option<Box<Refused>>,
}

#[ComplexObject]
impl ApprovalUserError {
    /// Refusal of the command; null except with COMMAND_REFUSED.
    async fn cause(&self, ctx: &Context<'_>) -> Loaded<Abstract<AnyUserError>> {
        let cause = self.refused_cause.as_ref()?;
        Some(user_errors::any(ctx, cause))
    }
}

impl UserErrorType for ApprovalUserError {
    type Refusal = ApprovalRefusal;
    const SUBJECT: &'static str = "approvals";

    fn of(ctx: &Context<'_>, refused: &Refused) -> Result<Self> {
        Ok(Self {
            code: user_errors::code(refused)?,
            field: user_errors::field(refused),
            message: user_errors::message::<Self>(ctx, refused)?,
            approval: Edge(FactValue::of(refused, "approval_id").map(ApprovalId)),
            refused_cause: refused.cause.clone(),
        })
    }
}
