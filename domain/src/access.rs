//! Access: the whole policy on one screen.
//!
//! `policy!` is the table, [`Principal::check`] applies it. [`Principal::relation_to`] says whether an object belongs to
//! the caller. An object the caller may not read is reported as not found.

use crate::ids::{AdvertiserId, MerchantId, UserId};
use crate::named::named;
use crate::platform::DisplayName;
use crate::wallets::{OwnerKind, WalletOwner};

named! {
    /// Roles of a person, from the token.
    Role;

    /// Any signed-in person: own data.
    User = "USER";
    /// Seller: own campaigns, vouchers and redemptions.
    Merchant = "MERCHANT";
    /// Buyer of advertising: own billing account.
    Advertiser = "ADVERTISER";
    /// Reads everything, changes nothing.
    Support = "SUPPORT";
    /// Reads everything; decides about deposits, withdrawals, credit, invoices, treasuries, transfers of the house and
    /// freezes.
    Finance = "FINANCE";
    /// Administration: everything except ledger postings and decisions of FINANCE.
    Admin = "ADMIN";
}

impl Role {
    /// Parses a name, ignoring case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|role| role.name().eq_ignore_ascii_case(text))
    }
}

named! {
    /// Scopes of a service's token.
    Scope;

    /// `mining:read`: read miners.
    MiningRead = "mining:read";
    /// `mining:events`: report KYC and registrations.
    MiningEvents = "mining:events";
    /// `wallet:read`: read wallets and trails.
    WalletRead = "wallet:read";
    /// `wallet:hold`: place, extend and release holds.
    WalletHold = "wallet:hold";
    /// `wallet:settle`: settle holds and release clearing accounts.
    WalletSettle = "wallet:settle";
    /// `wallet:deposit`: credit deposits.
    WalletDeposit = "wallet:deposit";
    /// `wallet:withdraw`: process withdrawals.
    WalletWithdraw = "wallet:withdraw";
    /// `wallet:convert`: convert for a user.
    WalletConvert = "wallet:convert";
    /// `wallet:reward`: mint rewards.
    WalletReward = "wallet:reward";
    /// `rates:write`: record conversion rates.
    RatesWrite = "rates:write";
    /// `billing:read`: read billing accounts.
    BillingRead = "billing:read";
    /// `billing:charge`: record advertising charges.
    BillingCharge = "billing:charge";
    /// `promotions:read`: read campaigns, vouchers and redemptions.
    PromotionsRead = "promotions:read";
    /// `promotions:redeem`: validate and redeem vouchers, settle and void redemptions.
    PromotionsRedeem = "promotions:redeem";
}

named! {
    /// Capabilities of staff, derived from their roles.
    Permission;

    /// Approve and decline commands of the caller's own roles that another person requested.
    ApprovalsDecide = "APPROVALS_DECIDE";
    /// Force completion, cancellation and revocation of campaigns.
    CampaignsManage = "CAMPAIGNS_MANAGE";
    /// Force disbanding of circles.
    CirclesManage = "CIRCLES_MANAGE";
    /// Change the system configuration.
    ConfigurationManage = "CONFIGURATION_MANAGE";
    /// Credit and assign deposits.
    DepositsManage = "DEPOSITS_MANAGE";
    /// Suspend, ban and restore miners, adjust points, reset streaks, grant roles.
    MinersManage = "MINERS_MANAGE";
    /// Accept conversion rates that jumped.
    RatesAccept = "RATES_ACCEPT";
    /// Record conversion rates.
    RatesRecord = "RATES_RECORD";
    /// Read everything.
    StaffRead = "STAFF_READ";
    /// Revoke and extend vouchers.
    VouchersManage = "VOUCHERS_MANAGE";
    /// Process, complete and fail withdrawals.
    WithdrawalsManage = "WITHDRAWALS_MANAGE";
    /// Freeze owners, fund treasuries, release clearing accounts, transfer between accounts of the house, reverse
    /// transactions, run reconciliation.
    WalletsManage = "WALLETS_MANAGE";
}

/// Audience of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether every caller may take the action, anonymous ones included.
    pub is_public: bool,
    /// Roles that may take the action on their own objects. [`Role::User`] stands for the person, [`Role::Merchant`] for
    /// their merchant, [`Role::Advertiser`] for their advertiser.
    pub own: &'static [Role],
    /// Staff roles that may take the action on every object.
    pub roles: &'static [Role],
    /// Service scopes that may take the action on every object.
    pub scopes: &'static [Scope],
    /// Permission that the action gives to these staff roles.
    pub permission: Option<Permission>,
}

impl Rule {
    /// Whether the audit log records commands with this rule: those of staff and services.
    #[must_use]
    pub fn is_audited(self) -> bool {
        !self.roles.is_empty() || !self.scopes.is_empty()
    }
}

const STAFF: &[Role] = &[Role::Support, Role::Finance, Role::Admin];

/// Declares the actions with their audiences: the whole policy.
macro_rules! policy {
    ($($action:ident: $rule:expr, $description:literal;)+) => {
        /// Actions of callers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $description] $action),+
        }

        impl Action {
            /// All actions.
            pub const ALL: &'static [Self] = &[$(Self::$action),+];

            /// The audience.
            #[must_use]
            pub const fn rule(self) -> Rule {
                match self {
                    $(Self::$action => $rule),+
                }
            }
        }
    };
}

const NOBODY: Rule = Rule {
    is_public: false,
    own: &[],
    roles: &[],
    scopes: &[],
    permission: None,
};
const PUBLIC: Rule = Rule {
    is_public: true,
    ..NOBODY
};
const STAFF_READ: Rule = Rule {
    roles: STAFF,
    permission: Some(Permission::StaffRead),
    ..NOBODY
};

/// Persons, on their own objects.
const fn own(roles: &'static [Role]) -> Rule {
    Rule {
        own: roles,
        ..NOBODY
    }
}

/// Persons, on their own objects; staff, and services with one of these scopes, on every object.
const fn own_or_staff(roles: &'static [Role], scopes: &'static [Scope]) -> Rule {
    Rule {
        own: roles,
        scopes,
        ..STAFF_READ
    }
}

/// Staff with one of these roles.
const fn staff(roles: &'static [Role], permission: Permission) -> Rule {
    Rule {
        roles,
        permission: Some(permission),
        ..NOBODY
    }
}

/// Services with one of these scopes.
const fn services(scopes: &'static [Scope]) -> Rule {
    Rule { scopes, ..NOBODY }
}

use Permission as May;
use Role::{Admin, Finance, Merchant, User};

#[rustfmt::skip]
policy! {
    ServerInfoRead:           PUBLIC,                                       "Read the server's version and clock.";
    CurrenciesRead:           PUBLIC,                                       "Read the currencies.";
    MinerProfileRead:         PUBLIC,                                       "Read the leaderboard and public profiles of miners.";
    UserRead:                 own_or_staff(&[User], &[Scope::MiningRead]),     "Read a person's registration and verification.";
    MinerRead:                own_or_staff(&[User], &[Scope::MiningRead]),     "Read a miner: rate, session, streak, history.";
    MinersList:               STAFF_READ,                                   "List and search miners.";
    MinerFollow:              own_or_staff(&[User], &[]),                      "Follow a miner's events.";
    MinerRegister:            own(&[User]),                                    "Register as a miner.";
    MiningSessionStart:       own(&[User]),                                    "Start a session.";
    MiningSessionClaim:       own(&[User]),                                    "Claim a session.";
    StreakRecover:            own(&[User]),                                    "Recover a broken streak.";
    ReferralApply:            own(&[User]),                                    "Apply a referral code.";
    ReferralRead:             own_or_staff(&[User], &[Scope::MiningRead, Scope::MiningEvents]), "Read a referral, as either side.";
    ReferralsList:            STAFF_READ,                                   "List referrals.";
    KycComplete:              services(&[Scope::MiningEvents]),             "Report that a person's identity was verified.";
    CircleRead:               own_or_staff(&[User], &[]),                      "Read a circle and its members, as a member.";
    CirclesList:              STAFF_READ,                                   "List and search circles.";
    CircleFollow:             own_or_staff(&[User], &[]),                      "Follow a circle, as a member.";
    CircleInvitationRead:     own_or_staff(&[User], &[]),                      "Read an invitation, as its invitee or the circle's owner.";
    CircleCreate:             own(&[User]),                                    "Create a circle.";
    CircleRename:             own(&[User]),                                    "Rename a circle.";
    CircleMemberRemove:       own(&[User]),                                    "Remove a member from a circle.";
    CircleLeave:              own(&[User]),                                    "Leave a circle.";
    CircleDisband:            own(&[User]),                                    "Disband one's own circle.";
    CircleForceDisband:       staff(&[Admin], May::CirclesManage),          "Disband any circle.";
    CircleInvitationSend:     own(&[User]),                                    "Invite a miner into a circle.";
    CircleInvitationAccept:   own(&[User]),                                    "Join a circle by an invitation.";
    CircleInvitationDecline:  own(&[User]),                                    "Decline an invitation.";
    CircleInvitationCancel:   own(&[User]),                                    "Cancel an invitation.";
    MinerSuspend:             staff(&[Admin], May::MinersManage),           "Suspend a miner.";
    MinerRestore:             staff(&[Admin], May::MinersManage),           "Restore a suspended miner.";
    MinerBan:                 staff(&[Admin], May::MinersManage),           "Ban a miner for good.";
    MinerPointsAdjust:        staff(&[Admin], May::MinersManage),           "Adjust a miner's points.";
    MinerStreakReset:         staff(&[Admin], May::MinersManage),           "Set a miner's streak to 0.";
    MinerNodeOperatorGrant:   staff(&[Admin], May::MinersManage),           "Grant the role NODE_OPERATOR.";
    MinerNodeOperatorRevoke:  staff(&[Admin], May::MinersManage),           "Revoke the role NODE_OPERATOR.";
    WalletRead:               own_or_staff(&[User], &[Scope::WalletRead]),     "Read a wallet and its entries, of every capacity of the owner.";
    WalletFollow:             own_or_staff(&[User], &[]),                      "Follow the wallets of a person.";
    TransactionRead:          own_or_staff(&[User], &[Scope::WalletHold, Scope::WalletSettle, Scope::WalletRead]), "Read a business event of the ledger: by one of its wallets, or as the service it is about.";
    TransactionCallerRead:    STAFF_READ,                                   "Read who caused a business event of the ledger.";
    TransfersList:            STAFF_READ,                                   "List transfers.";
    WalletsList:              Rule { scopes: &[Scope::WalletRead], ..STAFF_READ }, "Read the wallets of an owner.";
    ReferenceRead:            Rule { scopes: &[Scope::WalletRead], ..STAFF_READ }, "Read all that the ledger knows about a reference.";
    HoldRead:                 own_or_staff(&[User], &[Scope::WalletHold, Scope::WalletSettle, Scope::WalletRead]), "Read holds, of every capacity of the owner.";
    HoldPlace:                services(&[Scope::WalletHold]),               "Place a hold.";
    HoldExtend:               services(&[Scope::WalletHold]),               "Extend a hold.";
    HoldRelease:              services(&[Scope::WalletHold]),               "Release a hold.";
    HoldSettle:               services(&[Scope::WalletSettle]),             "Settle holds.";
    SettlementRead:           own_or_staff(&[User], &[Scope::WalletHold, Scope::WalletSettle, Scope::WalletRead]), "Read settlements, of every capacity of the hold's owner.";
    DepositCredit:            Rule { scopes: &[Scope::WalletDeposit], ..staff(&[Finance], May::DepositsManage) }, "Credit a deposit.";
    DepositAssign:            staff(&[Finance], May::DepositsManage),       "Assign an unmatched deposit to an owner.";
    DepositRead:              Rule { scopes: &[Scope::WalletDeposit, Scope::WalletRead], ..STAFF_READ }, "Read a deposit.";
    DepositsList:             STAFF_READ,                                   "List deposits.";
    WithdrawalRead:           own_or_staff(&[User], &[Scope::WalletWithdraw, Scope::WalletRead]), "Read withdrawals, of every capacity of the owner.";
    WithdrawalRequest:        Rule { scopes: &[Scope::WalletWithdraw], ..own(&[User]) }, "Request a withdrawal.";
    WithdrawalCancel:         Rule { scopes: &[Scope::WalletWithdraw], ..own(&[User]) }, "Cancel a withdrawal.";
    WithdrawalProcess:        Rule { scopes: &[Scope::WalletWithdraw], ..staff(&[Finance], May::WithdrawalsManage) }, "Hand a withdrawal to the provider.";
    WithdrawalComplete:       Rule { scopes: &[Scope::WalletWithdraw], ..staff(&[Finance], May::WithdrawalsManage) }, "Record that a withdrawal was paid.";
    WithdrawalFail:           Rule { scopes: &[Scope::WalletWithdraw], ..staff(&[Finance], May::WithdrawalsManage) }, "Record that a withdrawal will not be paid.";
    ConversionRead:           own_or_staff(&[User], &[Scope::WalletConvert, Scope::WalletRead]), "Read conversions.";
    ConversionExecute:        Rule { scopes: &[Scope::WalletConvert], ..own(&[User]) }, "Convert between two wallets.";
    ConversionQuote:          own_or_staff(&[User], &[Scope::WalletConvert]),  "Ask what a conversion would give.";
    RatesRead:                own_or_staff(&[User], &[Scope::WalletConvert, Scope::WalletRead, Scope::RatesWrite]), "Read rates in use.";
    RateHistoryRead:          Rule { scopes: &[Scope::RatesWrite], ..STAFF_READ }, "Read all recorded rates.";
    RateAuthorsRead:          STAFF_READ,                                   "Read who recorded and accepted rates.";
    RateRecord:               Rule { scopes: &[Scope::RatesWrite], ..staff(&[Admin], May::RatesRecord) }, "Record a rate.";
    RateAccept:               staff(&[Finance], May::RatesAccept),          "Accept a rate that jumped.";
    WalletFreeze:             staff(&[Finance], May::WalletsManage),        "Freeze an owner.";
    WalletUnfreeze:           staff(&[Finance], May::WalletsManage),        "Lift a cause of an owner's freeze.";
    ClearingRead:             Rule { scopes: &[Scope::WalletSettle, Scope::WalletRead], ..STAFF_READ }, "Read clearing accounts.";
    ClearingRelease:          Rule { scopes: &[Scope::WalletSettle], ..staff(&[Finance], May::WalletsManage) }, "Release a clearing account.";
    TreasuryFund:             staff(&[Finance], May::WalletsManage),        "Fund the treasury of a rewards campaign.";
    RewardMint:               services(&[Scope::WalletReward]),             "Pay a reward from a campaign's treasury.";
    HouseTransfer:            staff(&[Finance], May::WalletsManage),        "Move money between accounts of the house.";
    ReconciliationRead:       STAFF_READ,                                   "Read the results of the ledger's checker.";
    ReconciliationRun:        staff(&[Finance], May::WalletsManage),        "Start a run of the ledger's checker.";
    TransactionReverse:       staff(&[Finance], May::WalletsManage),        "Reverse a transaction.";
    OffersRead:               PUBLIC,                                       "Read public offers.";
    CampaignRead:             own_or_staff(&[Merchant], &[Scope::PromotionsRead]), "Read a campaign in any state, its money and its figures.";
    CampaignsOwnList:         own(&[Merchant]),                             "List the campaigns of one's merchant.";
    CampaignCreate:           own(&[Merchant]),                                "Create a campaign.";
    CampaignUpdate:           own(&[Merchant]),                                "Change a campaign.";
    CampaignActivate:         own(&[Merchant]),                                "Activate a campaign.";
    CampaignPause:            own(&[Merchant]),                                "Pause a campaign.";
    CampaignComplete:         own(&[Merchant]),                                "Complete a campaign.";
    CampaignCancel:           own(&[Merchant]),                                "Cancel a campaign.";
    CampaignForceComplete:    staff(&[Admin], May::CampaignsManage),        "Complete any campaign.";
    CampaignForceCancel:      staff(&[Admin], May::CampaignsManage),        "Cancel any campaign.";
    VoucherRead:              own_or_staff(&[User, Merchant], &[Scope::PromotionsRead]), "Read a voucher, as its holder or its merchant.";
    VoucherCodeRead:          own(&[User]),                                 "Read the code of one's own voucher.";
    VoucherFollow:            own(&[User]),                                 "Follow one's own vouchers.";
    VouchersList:             Rule { scopes: &[Scope::PromotionsRead], ..STAFF_READ }, "List and search vouchers.";
    VoucherValidate:          Rule { scopes: &[Scope::PromotionsRedeem], ..own(&[User, Merchant]) }, "Ask whether a voucher can be redeemed.";
    VoucherClaim:             own(&[User]),                                 "Claim a free voucher.";
    VoucherExchange:          own(&[User]),                                 "Exchange points for a voucher.";
    VoucherPurchase:          own(&[User]),                                 "Purchase a voucher.";
    VoucherRedeem:            Rule { scopes: &[Scope::PromotionsRedeem], ..own(&[User, Merchant]) }, "Redeem a voucher.";
    VoucherRevoke:            staff(&[Admin], May::VouchersManage),         "Revoke a voucher.";
    VoucherExtend:            staff(&[Admin], May::VouchersManage),         "Extend a voucher.";
    RedemptionRead:           own_or_staff(&[User, Merchant], &[Scope::PromotionsRead, Scope::PromotionsRedeem]), "Read a redemption, as the holder of its voucher or its merchant.";
    RedemptionsList:          Rule { scopes: &[Scope::PromotionsRead, Scope::PromotionsRedeem], ..STAFF_READ }, "List redemptions.";
    RedemptionSettle:         services(&[Scope::PromotionsRedeem]),         "Settle a redemption.";
    RedemptionVoid:           services(&[Scope::PromotionsRedeem]),         "Void a redemption.";
    RedemptionReturn:         Rule { scopes: &[Scope::PromotionsRedeem], ..own(&[Merchant]) }, "Return value of a redemption.";
    PromotionStatisticsRead:  STAFF_READ,                                   "Read numbers of all campaigns.";
    JobsRead:                 STAFF_READ,                                   "Read the background jobs.";
    ConfigurationRead:        STAFF_READ,                                   "Read the system configuration and its versions.";
    ConfigurationUpdate:      staff(&[Admin], May::ConfigurationManage),    "Change the system configuration.";
    AuditLogRead:             STAFF_READ,                                   "Read the audit log.";
    ApprovalsRead:            STAFF_READ,                                   "Read commands that wait for a second person.";
    ApprovalDecide:           staff(&[Finance, Admin], May::ApprovalsDecide), "Approve or decline a command of one's roles that another person requested.";
}

/// Relation of the caller to the object of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The object belongs to the caller.
    Own,
    /// The object belongs to another person or to the platform.
    Others,
}

impl From<bool> for Relation {
    /// `true` is [`Self::Own`].
    fn from(own: bool) -> Self {
        if own { Self::Own } else { Self::Others }
    }
}

/// Reason why an action is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The caller is anonymous.
    #[error("sign in first: send a bearer token")]
    Unauthenticated,
    /// The caller lacks the role or scope.
    #[error("not allowed for this caller")]
    Forbidden,
}

/// A person, from their token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Id of the person.
    pub id: UserId,
    /// Issuer of the token.
    pub issuer: String,
    /// Roles; always include [`Role::User`].
    pub roles: Vec<Role>,
    /// Merchant for which the person acts with the role MERCHANT.
    pub merchant_id: Option<MerchantId>,
    /// Advertiser for which the person acts with the role ADVERTISER.
    pub advertiser_id: Option<AdvertiserId>,
    /// Name in the token; none when others may not see it as it is.
    pub name: Option<DisplayName>,
}

impl Person {
    /// Whether the person has the role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        role == Role::User || self.roles.contains(&role)
    }

    /// Whether the person has a staff role.
    #[must_use]
    pub fn is_staff(&self) -> bool {
        STAFF.iter().any(|role| self.has(*role))
    }

    /// Owner of the wallets that the person has in this capacity; none when they do not act in it.
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

impl Person {
    /// Whether an owner is the person's own, in whatever capacity and whatever the roles of this token: the person, the
    /// merchant and the advertiser of its claims, and those with the person's id. Staff decide nothing about these.
    #[must_use]
    pub fn is_own(&self, owner: impl Into<WalletOwner>) -> bool {
        let owner = owner.into();
        let claimed = match owner.kind {
            OwnerKind::System => return false,
            OwnerKind::User => None,
            OwnerKind::Merchant => self.merchant_id.map(|merchant| merchant.0),
            OwnerKind::Advertiser => self.advertiser_id.map(|advertiser| advertiser.0),
        };
        owner.id == self.id.0 || claimed == Some(owner.id)
    }
}

/// Another service of the platform, from its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Issuer of the token.
    pub issuer: String,
    /// Subject of the token.
    pub subject: String,
    /// Scopes of the token.
    pub scopes: Vec<Scope>,
}

/// The caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A caller without a token.
    Anonymous,
    /// A person.
    Person(Person),
    /// A service.
    Service(Service),
}

impl Principal {
    /// Permissions of staff; empty for other callers.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission> {
        let granted: Vec<_> = Action::ALL
            .iter()
            .filter(|action| self.may(**action, Relation::Others))
            .filter_map(|action| action.rule().permission)
            .collect();
        let is_staff = self.person().is_some_and(Person::is_staff);
        let all = Permission::ALL.into_iter();
        all.filter(|permission| is_staff && granted.contains(permission))
            .collect()
    }

    /// The person, if the caller is one.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            _ => None,
        }
    }

    /// Whether an owner is the caller's own in whatever capacity; see [`Person::is_own`].
    #[must_use]
    pub fn is_own(&self, owner: impl Into<WalletOwner>) -> bool {
        self.person().is_some_and(|person| person.is_own(owner))
    }

    /// Relation of the caller to an owner's objects: own as a user, as their merchant or as their advertiser.
    #[must_use]
    pub fn relation_to(&self, owner: impl Into<WalletOwner>) -> Relation {
        let owner = owner.into();
        let own = self
            .person()
            .and_then(|person| person.wallet_owner(owner.kind));
        (own == Some(owner)).into()
    }

    /// Checks whether the caller may take the action on an object with this relation to them.
    pub fn check(&self, action: Action, relation: Relation) -> Result<(), Denied> {
        let rule = action.rule();
        let allowed = rule.is_public
            || match self {
                Self::Anonymous => return Err(Denied::Unauthenticated),
                Self::Person(person) => {
                    (relation == Relation::Own && rule.own.iter().any(|role| person.has(*role)))
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

    /// Whether the caller may take the action; for reads, where a denial is reported as not found.
    #[must_use]
    pub fn may(&self, action: Action, relation: Relation) -> bool {
        self.check(action, relation).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_own_owners_whatever_the_roles() {
        let id = uuid::Uuid::from_u128;
        let mut person = Person {
            id: UserId(id(1)),
            issuer: "iam".to_owned(),
            roles: vec![Role::Finance],
            merchant_id: Some(MerchantId(id(2))),
            advertiser_id: Some(AdvertiserId(id(3))),
            name: None,
        };
        let owner = |kind, number| WalletOwner {
            kind,
            id: id(number),
        };
        for (owner, is_own) in [
            (owner(OwnerKind::User, 1), true),
            (owner(OwnerKind::Merchant, 1), true),
            (owner(OwnerKind::Merchant, 2), true),
            (owner(OwnerKind::Advertiser, 1), true),
            (owner(OwnerKind::Advertiser, 3), true),
            (owner(OwnerKind::User, 2), false),
            (owner(OwnerKind::Merchant, 3), false),
            (owner(OwnerKind::Advertiser, 2), false),
            (owner(OwnerKind::System, 1), false),
        ] {
            assert_eq!(person.is_own(owner), is_own, "{owner:?}");
        }
        person.roles.clear();
        assert!(person.is_own(MerchantId(id(2))));
        assert!(!Principal::Anonymous.is_own(UserId(id(1))));
    }
}
