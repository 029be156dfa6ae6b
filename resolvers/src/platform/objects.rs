//! The caller and the server.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use domain::access::{self, Action, Person, Relation};
use domain::ids::UserId;
use uuid::Uuid;

use crate::errors::ApiError;
use crate::mining::objects::{Miner, ReferralOverview};
use crate::node::GlobalId;
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
