//! The caller and the server.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use domain::access::{self, Action, Person, Relation};
use domain::ids::UserId;
use uuid::Uuid;

use crate::errors::ApiError;
use crate::mining::circle_queries::received;
use crate::mining::objects::{
    Circle, CircleInvitationConnection, CircleInvitationStatus, Miner, ReferralOverview,
};
use crate::node::GlobalId;
use crate::paging::PageArgs;
use crate::request::Asked;
use crate::scalars::{CurrencyCode, DateTime};
use crate::wallets::objects::Wallet;

/// Roles of a person.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "access::Role")]
pub enum Role {
    /// Everybody with a verified token.
    User,
    /// Runs campaigns.
    Merchant,
    /// Buys advertising.
    Advertiser,
    /// Reads all, changes nothing.
    Support,
    /// Reads all, decides about money.
    Finance,
    /// Everything but direct ledger postings.
    Admin,
}

/// What somebody may do about everybody's, not only their own.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Action")]
pub enum Permission {
    /// See what the server is.
    ServerInfoRead,
    /// See the currencies.
    CurrenciesRead,
    /// See what others may see of any miner.
    MinerProfileRead,
    /// See all of any miner.
    MinerRead,
    /// List and search all miners.
    MinersList,
    /// Follow any miner's events.
    MinerFollow,
    /// Become a miner.
    MinerRegister,
    /// Start a session.
    MiningSessionStart,
    /// Claim a session.
    MiningSessionClaim,
    /// Recover a broken streak.
    StreakRecover,
    /// Say who brought one.
    ReferralApply,
    /// See any referral.
    ReferralRead,
    /// List all referrals.
    ReferralsList,
    /// Say that somebody's identity was verified.
    KycComplete,
    /// See any circle.
    CircleRead,
    /// List and search all circles.
    CirclesList,
    /// Follow what happens to any circle.
    CircleFollow,
    /// See any invitation into a circle.
    CircleInvitationRead,
    /// Make a circle.
    CircleCreate,
    /// Rename a circle.
    CircleRename,
    /// Invite somebody into a circle.
    CircleInvitationSend,
    /// Join a circle by an invitation.
    CircleInvitationAccept,
    /// Decline an invitation into a circle.
    CircleInvitationDecline,
    /// Take an invitation into a circle back.
    CircleInvitationCancel,
    /// Remove a member from a circle.
    CircleMemberRemove,
    /// Leave a circle.
    CircleLeave,
    /// End any circle for good.
    CircleDisband,
    /// See any wallet.
    WalletRead,
    /// Follow what moves in anybody's wallets.
    WalletFollow,
    /// See the background jobs.
    JobsRead,
    /// Suspend a miner.
    MinerSuspend,
    /// Restore a suspended miner.
    MinerRestore,
    /// Ban a miner for good.
    MinerBan,
    /// Correct a miner's points.
    MinerAdjustPoints,
    /// Set a miner's streak to 0.
    MinerResetStreak,
    /// Grant or withdraw a miner's role.
    MinerSetRole,
    /// See what the system is configured by, and was.
    ConfigurationRead,
    /// Change what the system is configured by.
    ConfigurationUpdate,
    /// See what staff and services did or tried.
    AuditLogRead,
    /// See the commands that wait for a second person.
    ApprovalsRead,
    /// Approve or decline what somebody else asked for.
    ApprovalDecide,
}

/// The person who asks.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Viewer {
    /// Global id.
    pub id: GlobalId,
    /// The subject of their tokens.
    pub uuid: Uuid,
    /// What they are, as their token says.
    pub roles: Vec<Role>,
    /// What they may do about everybody's, not only their own.
    pub permissions: Vec<Permission>,
    #[graphql(skip)]
    person: Person,
}

impl Viewer {
    /// The caller, if it is a person.
    pub(crate) fn of(ctx: &Context<'_>) -> Option<Self> {
        let principal = ctx.principal();
        let person = principal.person()?;
        Some(Self {
            id: GlobalId::Viewer(person.id),
            uuid: person.id.0,
            roles: access::Role::ALL
                .into_iter()
                .filter(|role| person.has(*role))
                .map(Into::into)
                .collect(),
            permissions: Action::ALL
                .into_iter()
                .filter(|action| principal.may(*action, Relation::Others))
                .map(Into::into)
                .collect(),
            person: person.clone(),
        })
    }

    /// Whether this is the person.
    pub(crate) fn is(&self, id: UserId) -> bool {
        self.person.id == id
    }

    async fn own_circle(&self, ctx: &Context<'_>) -> Result<Option<Circle>, ApiError> {
        let seen = ctx.operation().mining.load_one(self.person.id).await?;
        match seen.and_then(|seen| seen.miner.circle_id) {
            Some(id) => Circle::load(ctx, id).await,
            None => Ok(None),
        }
    }

    async fn all_wallets(&self, ctx: &Context<'_>) -> Result<Vec<Wallet>, ApiError> {
        let (db, owner) = (ctx.db().clone(), self.person.id.into());
        let wallets = ctx
            .db()
            .read(async move |conn| db::wallets::queries::wallets_of(&db, conn, owner).await)
            .await?;
        Ok(wallets
            .iter()
            .filter_map(|wallet| Wallet::of(ctx, wallet))
            .collect())
    }
}

#[ComplexObject]
impl Viewer {
    /// Their miner; null before they register.
    async fn miner(&self, ctx: &Context<'_>) -> Option<Result<Miner, ApiError>> {
        let seen = ctx.operation().mining.load_one(self.person.id).await;
        seen.map(|seen| seen.and_then(|seen| Miner::of(ctx, seen)))
            .map_err(ApiError::from)
            .transpose()
    }

    /// The circle they are in; null without one.
    async fn circle(&self, ctx: &Context<'_>) -> Option<Result<Circle, ApiError>> {
        self.own_circle(ctx).await.transpose()
    }

    /// Invitations into circles they received, newest first.
    async fn circle_invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only with this status; all without it.")] status: Option<
            CircleInvitationStatus,
        >,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<CircleInvitationConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset: None,
        };
        Some(received(ctx, self.person.id, status, args).await)
    }

    /// Whom they brought, and what that is worth; null before they register.
    async fn referrals(&self, ctx: &Context<'_>) -> Option<Result<ReferralOverview, ApiError>> {
        let seen = ctx.operation().mining.load_one(self.person.id).await;
        match seen.map_err(ApiError::from).transpose()? {
            Ok(seen) => Some(ReferralOverview::load(ctx, &seen).await),
            Err(error) => Some(Err(error)),
        }
    }

    /// Their wallets that ever moved, by currency.
    async fn wallets(&self, ctx: &Context<'_>) -> Option<Result<Vec<Wallet>, ApiError>> {
        Some(self.all_wallets(ctx).await)
    }

    /// Their wallet of a currency; zeros before it first moves.
    async fn wallet(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of what.")] currency: CurrencyCode,
    ) -> Option<Result<Wallet, ApiError>> {
        Wallet::load(ctx, self.person.id.into(), currency.0)
            .await
            .transpose()
    }
}

/// What the server is.
#[derive(SimpleObject)]
pub struct ServerInfo {
    /// Its version.
    pub version: String,
    /// `development` or `production`.
    pub environment: String,
    /// The system's time: all rules are judged by it.
    pub time_at: DateTime,
}
