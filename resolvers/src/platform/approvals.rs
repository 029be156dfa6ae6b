//! Commands that wait for a second person: seen by staff, decided by somebody else with the command's role.

use async_graphql::{
    ComplexObject, Context, Enum, ID, InputObject, InputType, Object, SimpleObject,
};
use db::approvals::{self, ApprovalSeen, Decided, Decision, Place};
use db::idempotency::{Refused, Request};
use domain::access::{Action, Relation};
use domain::approval::{ApprovalState, ApprovalStatus as Status, Proposal};
use domain::ids::{ApprovalId, MinerId};
use domain::wallets::Origin;
use uuid::Uuid;

use crate::errors::ApiError;
use crate::inputs::{KeyRule, command};
use crate::language::Language;
use crate::mining::objects::Miner;
use crate::node::GlobalId;
use crate::outcome::{UserError, code_of, outcome, payloads};
use crate::paging::{PageArgs, Total, connection};
use crate::plain::plain;
use crate::request::{Asked, authorize};
use crate::scalars::{DateTime, Decimal};

payloads!(ApprovalUserError:
    ApprovalApprovePayload,
    ApprovalDeclinePayload,
);

/// Where an approval stands.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Status")]
pub enum ApprovalStatus {
    /// Waits for somebody else.
    Pending,
    /// Was let through, and carried out.
    Approved,
    /// Was turned down.
    Declined,
    /// Nobody decided within 7 days.
    Expired,
}

/// What waits.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalCommand {
    /// `minerAdjustPoints` of more than 1,000 points.
    MinerAdjustPoints,
}

/// A command that waits, or waited, for a second person. For staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Approval {
    /// Global id.
    pub id: GlobalId,
    /// Key for the platform's other services.
    pub uuid: Uuid,
    /// What is to be done.
    pub command: ApprovalCommand,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// How much, in points; negative for what is to be taken.
    pub amount: Decimal,
    /// Why, in the words of who asked.
    pub reason: String,
    /// Who asked: the subject of their token.
    pub requested_by: Uuid,
    /// When they asked.
    pub requested_at: DateTime,
    /// Until when it can be decided.
    pub expires_at: DateTime,
    /// Who decided: the subject of their token; null before.
    pub decided_by: Option<Uuid>,
    /// When they decided; null before.
    pub decided_at: Option<DateTime>,
    /// Why it was declined; null unless it was.
    pub decision_reason: Option<String>,
    #[graphql(skip)]
    miner_id: MinerId,
}

plain!(
    Approval,
    id,
    uuid,
    command,
    status,
    amount,
    reason,
    requested_by,
    requested_at,
    expires_at,
    decided_by,
    decided_at,
    decision_reason
);

#[ComplexObject]
impl Approval {
    /// Whose points are to be corrected.
    async fn miner(&self, ctx: &Context<'_>) -> Option<Result<Miner, ApiError>> {
        Miner::load(ctx, self.miner_id).await.transpose()
    }
}

impl Approval {
    /// Loads an approval, if the caller may see it.
    pub(crate) async fn load(ctx: &Context<'_>, id: ApprovalId) -> Result<Option<Self>, ApiError> {
        if !ctx.may(Action::ApprovalsRead, Relation::Others) {
            return Ok(None);
        }
        Ok(ctx.operation().platform.load_one(id).await?.map(Self::from))
    }
}

impl From<ApprovalSeen> for Approval {
    fn from(ApprovalSeen { approval, at }: ApprovalSeen) -> Self {
        let status = approval.status_at(at).into();
        let Proposal::MinerAdjustPoints { miner, points } = approval.proposal;
        let (decided, decision_reason) = match approval.state {
            ApprovalState::Pending => (None, None),
            ApprovalState::Approved { by, at } => (Some((by, at)), None),
            ApprovalState::Declined { by, at, reason } => (Some((by, at)), Some(reason)),
        };
        Self {
            id: GlobalId::Approval(approval.id),
            uuid: approval.id.0,
            command: ApprovalCommand::MinerAdjustPoints,
            status,
            amount: Decimal::points(points),
            reason: approval.reason,
            requested_by: approval.requested_by.0,
            requested_at: approval.requested_at.into(),
            expires_at: approval.expires_at.into(),
            decided_by: decided.map(|(by, _)| by.0),
            decided_at: decided.map(|(_, at)| at.into()),
            decision_reason,
            miner_id: miner,
        }
    }
}

connection! {
    /// A page of approvals.
    ApprovalConnection,
    /// One item of a page of approvals.
    ApprovalEdge,
    Approval, by Place
}

/// Which approvals to list.
#[derive(InputObject, Default)]
pub struct ApprovalFilter {
    /// Only those that stand there.
    pub status: Option<ApprovalStatus>,
}

/// Why a decision about an approval is refused.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalErrorCode {
    /// A reason of 1 to 500 characters is needed.
    ReasonInvalid,
    /// There is no such approval.
    ApprovalNotFound,
    /// The caller asked for it, or it is for their own miner: somebody else has to decide.
    OwnAccount,
    /// It was decided already.
    ApprovalNotPending,
    /// Nobody decided in time: ask for it again.
    ApprovalExpired,
    /// What was asked for can't be done now: the message says why, `cause` names it. It goes on waiting.
    CommandRefused,
}

/// What a person can mend about a decision about an approval.
#[derive(SimpleObject, Clone, Debug)]
pub struct ApprovalUserError {
    /// For programs.
    pub code: ApprovalErrorCode,
    /// Path of the field of `input` it is about, if it is about one.
    pub field: Option<Vec<String>>,
    /// For people.
    pub message: String,
    /// With COMMAND_REFUSED, the code of the command's own refusal, such as INSUFFICIENT_POINTS; null otherwise.
    pub cause: Option<String>,
}

impl ApprovalErrorCode {
    fn in_vietnamese(self) -> &'static str {
        match self {
            Self::ReasonInvalid => "hãy nêu lý do, từ 1 đến 500 ký tự",
            Self::ApprovalNotFound => "không có yêu cầu phê duyệt này",
            Self::OwnAccount => {
                "chính bạn đã yêu cầu việc này, hoặc việc này dành cho chính bạn: phải do người khác quyết định"
            }
            Self::ApprovalNotPending => "yêu cầu này đã được quyết định",
            Self::ApprovalExpired => "yêu cầu này đã hết hạn: hãy yêu cầu lại",
            Self::CommandRefused => "hiện không thể thực hiện việc này",
        }
    }
}

impl UserError for ApprovalUserError {
    fn of(refused: Refused, language: Language) -> Result<Self, ApiError> {
        let code: ApprovalErrorCode = code_of(&refused)?;
        Ok(Self {
            code,
            field: refused.field,
            message: match language {
                Language::English => refused.message,
                Language::Vietnamese => code.in_vietnamese().to_owned(),
            },
            cause: refused.facts.get("cause").cloned(),
        })
    }
}

/// A page of approvals, if the caller may see it.
pub(super) async fn list(
    ctx: &Context<'_>,
    filter: ApprovalFilter,
    args: PageArgs,
) -> Result<ApprovalConnection, ApiError> {
    const LIST: &str = "approvals";
    ctx.principal()
        .check(Action::ApprovalsRead, Relation::Others)?;
    let page = args.page::<Place>(LIST)?;
    let status = filter.status.map(Status::from);
    let slice = ctx
        .db()
        .read(async move |conn| approvals::list(conn, status, &page).await)
        .await?;
    let slice = slice.map(|seen| {
        let place = (seen.approval.requested_at, seen.approval.id.0);
        (place, seen.into())
    });
    Ok(ApprovalConnection::new(
        LIST,
        slice,
        Total::Approvals(status),
    ))
}

/// What second persons decide.
#[derive(Default)]
pub struct ApprovalMutation;

#[Object]
impl ApprovalMutation {
    /// Approves what somebody else asked for; it is carried out at once, by all of its rules. Requires role: ADMIN.
    /// Refusals, in this order: APPROVAL_NOT_FOUND, OWN_ACCOUNT, APPROVAL_NOT_PENDING, APPROVAL_EXPIRED,
    /// COMMAND_REFUSED.
    async fn approval_approve(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: ApprovalApproveInput,
    ) -> Option<Result<ApprovalApprovePayload, ApiError>> {
        Some(approve(ctx, input).await)
    }

    /// Declines what somebody else asked for: it will not be carried out. Requires role: ADMIN. Refusals, in this order:
    /// REASON_INVALID, APPROVAL_NOT_FOUND, OWN_ACCOUNT, APPROVAL_NOT_PENDING, APPROVAL_EXPIRED.
    async fn approval_decline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: ApprovalDeclineInput,
    ) -> Option<Result<ApprovalDeclinePayload, ApiError>> {
        Some(decline(ctx, input).await)
    }
}

/// What `approvalApprove` needs.
#[derive(InputObject)]
pub struct ApprovalApproveInput {
    /// Which approval: its global id.
    pub approval: ID,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters. Required here or in
    /// the Idempotency-Key header.
    pub idempotency_key: Option<String>,
}

/// What `approvalApprove` did.
#[derive(SimpleObject, Default)]
pub struct ApprovalApprovePayload {
    /// The approval after; null when refused.
    pub approval: Option<Result<Approval, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<ApprovalUserError>,
}

/// What `approvalDecline` needs.
#[derive(InputObject)]
pub struct ApprovalDeclineInput {
    /// Which approval: its global id.
    pub approval: ID,
    /// Why, for who asked and the audit log: 1 to 500 characters.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `approvalDecline` did.
#[derive(SimpleObject, Default)]
pub struct ApprovalDeclinePayload {
    /// The approval after; null when refused.
    pub approval: Option<Result<Approval, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<ApprovalUserError>,
}

async fn approve(
    ctx: &Context<'_>,
    input: ApprovalApproveInput,
) -> Result<ApprovalApprovePayload, ApiError> {
    const NAME: &str = "approvals.approve";
    let key = input.idempotency_key.as_deref();
    let rule = KeyRule::Required;
    let (request, decision) = admit(ctx, NAME, &input, &input.approval, key, rule).await?;
    let db = ctx.db().clone();
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            approvals::approve(tx, &db, &request, decision).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => ApprovalApprovePayload {
            approval: decided(ctx, &done).await,
            user_errors: Vec::new(),
        },
        Err(refused) => refused,
    })
}

async fn decline(
    ctx: &Context<'_>,
    input: ApprovalDeclineInput,
) -> Result<ApprovalDeclinePayload, ApiError> {
    const NAME: &str = "approvals.decline";
    let key = input.idempotency_key.as_deref();
    let rule = KeyRule::Optional;
    let (request, decision) = admit(ctx, NAME, &input, &input.approval, key, rule).await?;
    let reason = input.reason;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            approvals::decline(tx, &request, decision, &reason).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => ApprovalDeclinePayload {
            approval: decided(ctx, &done).await,
            user_errors: Vec::new(),
        },
        Err(refused) => refused,
    })
}

/// Lets the caller decide about an approval, or audits that they may not.
async fn admit<I: InputType>(
    ctx: &Context<'_>,
    name: &'static str,
    input: &I,
    approval: &ID,
    key: Option<&str>,
    rule: KeyRule,
) -> Result<(Request, Decision), ApiError> {
    let person = authorize(ctx, Relation::Others, Action::ApprovalDecide, name).await?;
    let GlobalId::Approval(approval) = GlobalId::decode(approval)? else {
        return Err(ApiError::bad_input(
            "this is the id of something else than an approval",
        ));
    };
    let request = Request {
        origin: Origin::Staff,
        ..command(ctx, input, key, rule)?
    };
    let by = person.id;
    Ok((request, Decision { approval, by }))
}

/// The approval after a decision. It is done: what can't be shown of it is null, and takes nothing else away.
async fn decided(ctx: &Context<'_>, done: &Decided) -> Option<Result<Approval, ApiError>> {
    Approval::load(ctx, ApprovalId(done.approval_id))
        .await
        .transpose()
}
