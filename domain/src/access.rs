//! Who may do what: the whole policy on one screen.
//!
//! [`Action::rule`] is the table; [`Principal::check`] reads it. Whoever asks about a single object also says whether
//! it is the caller's own; not allowed then reads as not found.

use crate::ids::{AdvertiserId, MerchantId, UserId};
use crate::wallets::{OwnerKind, WalletOwner};

/// Roles of a person, from the token of a user issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Merchant,
        Self::Advertiser,
        Self::Support,
        Self::Finance,
        Self::Admin,
    ];

    /// The name tokens carry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Merchant => "MERCHANT",
            Self::Advertiser => "ADVERTISER",
            Self::Support => "SUPPORT",
            Self::Finance => "FINANCE",
            Self::Admin => "ADMIN",
        }
    }

    /// Reads a name without regard to case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|role| role.name().eq_ignore_ascii_case(text))
    }
}

/// What a service's token lets it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `mining:read`
    MiningRead,
    /// `mining:events`
    MiningEvents,
    /// `wallet:read`
    WalletRead,
    /// `wallet:hold`
    WalletHold,
    /// `wallet:settle`
    WalletSettle,
    /// `wallet:deposit`
    WalletDeposit,
    /// `wallet:withdraw`
    WalletWithdraw,
    /// `wallet:convert`
    WalletConvert,
    /// `wallet:reward`
    WalletReward,
    /// `rates:write`
    RatesWrite,
    /// `billing:read`
    BillingRead,
    /// `billing:charge`
    BillingCharge,
    /// `promotions:read`
    PromotionsRead,
    /// `promotions:redeem`
    PromotionsRedeem,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::MiningRead,
        Self::MiningEvents,
        Self::WalletRead,
        Self::WalletHold,
        Self::WalletSettle,
        Self::WalletDeposit,
        Self::WalletWithdraw,
        Self::WalletConvert,
        Self::WalletReward,
        Self::RatesWrite,
        Self::BillingRead,
        Self::BillingCharge,
        Self::PromotionsRead,
        Self::PromotionsRedeem,
    ];

    /// The name tokens carry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MiningRead => "mining:read",
            Self::MiningEvents => "mining:events",
            Self::WalletRead => "wallet:read",
            Self::WalletHold => "wallet:hold",
            Self::WalletSettle => "wallet:settle",
            Self::WalletDeposit => "wallet:deposit",
            Self::WalletWithdraw => "wallet:withdraw",
            Self::WalletConvert => "wallet:convert",
            Self::WalletReward => "wallet:reward",
            Self::RatesWrite => "rates:write",
            Self::BillingRead => "billing:read",
            Self::BillingCharge => "billing:charge",
            Self::PromotionsRead => "promotions:read",
            Self::PromotionsRedeem => "promotions:redeem",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == text)
    }
}

/// Everything somebody can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// See what the server is and which time it has.
    ServerInfoRead,
    /// See the currencies.
    CurrenciesRead,
    /// See the leaderboard, and of any miner what others may see.
    MinerProfileRead,
    /// See all of a miner: rate, session, streak, history.
    MinerRead,
    /// List and search all miners.
    MinersList,
    /// Follow a miner's events.
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
    /// See a referral (own: as either side).
    ReferralRead,
    /// List all referrals.
    ReferralsList,
    /// Say that somebody's identity was verified.
    KycComplete,
    /// See a circle and its members (own: as a member).
    CircleRead,
    /// List and search all circles.
    CirclesList,
    /// Follow what happens to a circle.
    CircleFollow,
    /// See an invitation into a circle (own: as invitee or owner).
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
    /// End a circle for good.
    CircleDisband,
    /// See a wallet and its entries.
    WalletRead,
    /// Follow what moves in somebody's wallets.
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

/// Who may take an action.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Anybody, signed in or not.
    pub anonymous: bool,
    /// Any person, about what is theirs.
    pub own: bool,
    /// People with one of these roles, about anything.
    pub roles: &'static [Role],
    /// Services with one of these scopes, about anything.
    pub scopes: &'static [Scope],
}

const STAFF: &[Role] = &[Role::Support, Role::Finance, Role::Admin];
const NOBODY: Rule = Rule {
    anonymous: false,
    own: false,
    roles: &[],
    scopes: &[],
};
const ANYBODY: Rule = Rule {
    anonymous: true,
    own: true,
    roles: &Role::ALL,
    scopes: &Scope::ALL,
};
const OWN: Rule = Rule {
    own: true,
    ..NOBODY
};
const OWN_OR_STAFF: Rule = Rule {
    roles: STAFF,
    ..OWN
};

impl Action {
    /// All of them.
    pub const ALL: [Self; 41] = [
        Self::ServerInfoRead,
        Self::CurrenciesRead,
        Self::MinerProfileRead,
        Self::MinerRead,
        Self::MinersList,
        Self::MinerFollow,
        Self::MinerRegister,
        Self::MiningSessionStart,
        Self::MiningSessionClaim,
        Self::StreakRecover,
        Self::ReferralApply,
        Self::ReferralRead,
        Self::ReferralsList,
        Self::KycComplete,
        Self::CircleRead,
        Self::CirclesList,
        Self::CircleFollow,
        Self::CircleInvitationRead,
        Self::CircleCreate,
        Self::CircleRename,
        Self::CircleInvitationSend,
        Self::CircleInvitationAccept,
        Self::CircleInvitationDecline,
        Self::CircleInvitationCancel,
        Self::CircleMemberRemove,
        Self::CircleLeave,
        Self::CircleDisband,
        Self::WalletRead,
        Self::WalletFollow,
        Self::JobsRead,
        Self::MinerSuspend,
        Self::MinerRestore,
        Self::MinerBan,
        Self::MinerAdjustPoints,
        Self::MinerResetStreak,
        Self::MinerSetRole,
        Self::ConfigurationRead,
        Self::ConfigurationUpdate,
        Self::AuditLogRead,
        Self::ApprovalsRead,
        Self::ApprovalDecide,
    ];

    /// The table.
    #[must_use]
    pub fn rule(self) -> Rule {
        match self {
            Self::ServerInfoRead | Self::CurrenciesRead | Self::MinerProfileRead => ANYBODY,
            Self::MinerRead => Rule {
                scopes: &[Scope::MiningRead],
                ..OWN_OR_STAFF
            },
            Self::MinersList
            | Self::CirclesList
            | Self::ReferralsList
            | Self::JobsRead
            | Self::ConfigurationRead
            | Self::AuditLogRead
            | Self::ApprovalsRead => Rule {
                roles: STAFF,
                ..NOBODY
            },
            Self::MinerFollow
            | Self::CircleRead
            | Self::CircleFollow
            | Self::CircleInvitationRead
            | Self::WalletFollow => OWN_OR_STAFF,
            Self::MinerRegister
            | Self::MiningSessionStart
            | Self::MiningSessionClaim
            | Self::StreakRecover
            | Self::ReferralApply
            | Self::CircleCreate
            | Self::CircleRename
            | Self::CircleInvitationSend
            | Self::CircleInvitationAccept
            | Self::CircleInvitationDecline
            | Self::CircleInvitationCancel
            | Self::CircleMemberRemove
            | Self::CircleLeave => OWN,
            Self::CircleDisband => Rule {
                roles: &[Role::Admin],
                ..OWN
            },
            // Who says that somebody is verified sees what came of it.
            Self::ReferralRead => Rule {
                scopes: &[Scope::MiningRead, Scope::MiningEvents],
                ..OWN_OR_STAFF
            },
            Self::KycComplete => Rule {
                scopes: &[Scope::MiningEvents],
                ..NOBODY
            },
            Self::WalletRead => Rule {
                scopes: &[Scope::WalletRead],
                ..OWN_OR_STAFF
            },
            Self::ConfigurationUpdate
            | Self::MinerSuspend
            | Self::MinerRestore
            | Self::MinerBan
            | Self::MinerAdjustPoints
            | Self::ApprovalDecide
            | Self::MinerResetStreak
            | Self::MinerSetRole => Rule {
                roles: &[Role::Admin],
                ..NOBODY
            },
        }
    }
}

/// Whose the object of an action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The caller's own.
    Own,
    /// Somebody else's, or everybody's.
    Others,
}

impl From<bool> for Relation {
    /// `true` is the caller's own.
    fn from(own: bool) -> Self {
        if own { Self::Own } else { Self::Others }
    }
}

/// Why an action is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody is signed in.
    #[error("sign in first: send a bearer token")]
    Unauthenticated,
    /// Whoever is signed in may not do this.
    #[error("not allowed for this caller")]
    Forbidden,
}

/// A person, as their token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// Who says so.
    pub issuer: String,
    /// What they are; always a user.
    pub roles: Vec<Role>,
    /// Which merchant they act for, with the role MERCHANT.
    pub merchant_id: Option<MerchantId>,
    /// Which advertiser they act for, with the role ADVERTISER.
    pub advertiser_id: Option<AdvertiserId>,
    /// The name their token carries.
    pub name: Option<String>,
}

impl Person {
    /// Whether the person has the role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        role == Role::User || self.roles.contains(&role)
    }

    /// Whether the person is on the staff.
    #[must_use]
    pub fn is_staff(&self) -> bool {
        STAFF.iter().any(|role| self.has(*role))
    }

    /// The owner of the wallets they have in a capacity, if they act in it.
    #[must_use]
    pub fn wallet_owner(&self, kind: OwnerKind) -> Option<WalletOwner> {
        match kind {
            OwnerKind::User => Some(self.id.into()),
            OwnerKind::Merchant => self
                .has(Role::Merchant)
                .then(|| self.merchant_id.unwrap_or(MerchantId(self.id.0)).into()),
            OwnerKind::Advertiser => self
                .has(Role::Advertiser)
                .then(|| self.advertiser_id.unwrap_or(AdvertiserId(self.id.0)).into()),
            OwnerKind::System => None,
        }
    }
}

/// Another service of the platform, as its token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Who says so.
    pub issuer: String,
    /// Which service.
    pub subject: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

/// Whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Nobody we know.
    Anonymous,
    /// A person.
    Person(Person),
    /// A service.
    Service(Service),
}

impl Principal {
    /// The person, if it is one.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            _ => None,
        }
    }

    /// Whether the wallet's owner is the caller, in a capacity they act in.
    #[must_use]
    pub fn owns(&self, owner: WalletOwner) -> bool {
        self.person()
            .and_then(|person| person.wallet_owner(owner.kind))
            == Some(owner)
    }

    /// Whether the caller may take the action on an object related to them like that.
    pub fn check(&self, action: Action, relation: Relation) -> Result<(), Denied> {
        let rule = action.rule();
        let allowed = rule.anonymous
            || match self {
                Self::Anonymous => return Err(Denied::Unauthenticated),
                Self::Person(person) => {
                    (rule.own && relation == Relation::Own)
                        || rule.roles.iter().any(|role| person.has(*role))
                }
                Self::Service(service) => rule
                    .scopes
                    .iter()
                    .any(|scope| service.scopes.contains(scope)),
            };
        if allowed {
            Ok(())
        } else {
            Err(Denied::Forbidden)
        }
    }

    /// Whether the caller may take the action, asked where no is just not found.
    #[must_use]
    pub fn may(&self, action: Action, relation: Relation) -> bool {
        self.check(action, relation).is_ok()
    }
}
