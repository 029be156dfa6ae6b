//! Who hears what: every root field and every object of the schema, by audience.

/// What somebody hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// An answer.
    Value,
    /// null, without an error.
    Null,
    /// An error with this code.
    Code(&'static str),
}
use Hears::{Code, Null, Value as Answer};

pub const SIGN_IN: Hears = Code("UNAUTHENTICATED");
pub const FORBIDDEN: Hears = Code("FORBIDDEN");
/// Commands of users about what is theirs; what each hears in the payload is tested with the command.
pub const USERS: [Hears; 5] = [SIGN_IN, Answer, Answer, Answer, FORBIDDEN];
/// The staff of the cast is not an administrator; what those hear is tested with each command.
pub const ADMIN_ONLY: [Hears; 5] = [SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN];

/// A root field: the operation, and what anonymous, a stranger, the owner, staff and a service without scopes hear.
pub struct Root {
    pub field: &'static str,
    pub operation: &'static str,
    pub hear: [Hears; 5],
}

pub const ROOTS: &[Root] = &[
    Root {
        field: "Query.viewer",
        operation: "{ viewer { uuid } }",
        hear: [Null, Answer, Answer, Answer, Null],
    },
    Root {
        field: "Query.node",
        operation: "query ($miner: ID!) { node(id: $miner) { id } }",
        hear: [Null, Null, Answer, Answer, Null],
    },
    Root {
        field: "Query.nodes",
        operation: "query ($miner: ID!) { nodes(ids: [$miner]) { id } }",
        hear: [Null, Null, Answer, Answer, Null],
    },
    Root {
        field: "Query.serverInfo",
        operation: "{ serverInfo { version } }",
        hear: [Answer; 5],
    },
    Root {
        field: "Query.jobs",
        operation: "{ jobs { name } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, Answer, FORBIDDEN],
    },
    Root {
        field: "Query.systemConfiguration",
        operation: "{ systemConfiguration { mining { version } } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, Answer, FORBIDDEN],
    },
    Root {
        field: "Query.auditLog",
        operation: "{ auditLog(first: 1) { totalCount } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, Answer, FORBIDDEN],
    },
    Root {
        field: "Mutation.miningConfigurationUpdate",
        operation: "mutation { miningConfigurationUpdate(input: {baseRate: \"1\", sessionDurationHours: 1, maxSessionsPerDay: 1, isGloballyEnabled: true, claimWindowHours: 1, version: 1, reason: \"r\"}) { userErrors { code } } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN],
    },
    Root {
        field: "Mutation.streakConfigurationUpdate",
        operation: "mutation { streakConfigurationUpdate(input: {tiers: [], gracePeriodEnabled: true, gracePeriodHours: 1, recoveryCost: \"1\", freezeTokenDays: 1, version: 1, reason: \"r\"}) { userErrors { code } } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN],
    },
    Root {
        field: "Mutation.referralConfigurationUpdate",
        operation: "mutation { referralConfigurationUpdate(input: {bonusPerReferral: \"1\", maxBonusCap: \"1\", kycRequired: true, maxReferralLevels: 1, version: 1, reason: \"r\"}) { userErrors { code } } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN],
    },
    Root {
        field: "Mutation.systemConfigurationUpdate",
        operation: "mutation { systemConfigurationUpdate(input: {reason: \"r\"}) { userErrors { code } } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN],
    },
    Root {
        field: "Query.miner",
        operation: "query ($miner: ID!) { miner(by: {id: $miner}) { uuid } }",
        hear: [SIGN_IN, Null, Answer, Answer, Null],
    },
    Root {
        field: "Query.miners",
        operation: "{ miners(first: 1) { totalCount } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, Answer, FORBIDDEN],
    },
    Root {
        field: "Query.referrals",
        operation: "{ referrals(first: 1) { totalCount } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, Answer, FORBIDDEN],
    },
    Root {
        field: "Query.leaderboard",
        operation: "{ leaderboard { entries { rank } } }",
        hear: [Answer; 5],
    },
    Root {
        field: "Query.circle",
        operation: "query ($circle: ID!) { circle(by: {id: $circle}) { uuid } }",
        hear: [SIGN_IN, Null, Answer, Answer, Null],
    },
    Root {
        field: "Query.circles",
        operation: "{ circles(first: 1) { totalCount } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, Answer, FORBIDDEN],
    },
    Root {
        field: "Query.circleInvitation",
        operation: "query ($invitation: ID!) { circleInvitation(by: {id: $invitation}) { uuid } }",
        hear: [SIGN_IN, Null, Answer, Answer, Null],
    },
    Root {
        field: "Query.currencies",
        operation: "{ currencies { code } }",
        hear: [Answer; 5],
    },
    Root {
        field: "Query.wallet",
        operation: "query ($wallet: ID!) { wallet(by: {id: $wallet}) { currency } }",
        hear: [SIGN_IN, Null, Answer, Answer, Null],
    },
    Root {
        field: "Mutation.minerRegister",
        operation: "mutation { minerRegister(input: {}) { miner { uuid } } }",
        hear: [SIGN_IN, Answer, Answer, Answer, FORBIDDEN],
    },
    Root {
        field: "Mutation.miningSessionStart",
        operation: "mutation { miningSessionStart(input: {}) { userErrors { code } } }",
        hear: [SIGN_IN, Answer, Answer, Answer, FORBIDDEN],
    },
    Root {
        field: "Mutation.miningSessionClaim",
        operation: "mutation { miningSessionClaim(input: {idempotencyKey: \"k\"}) { userErrors { code } } }",
        hear: [SIGN_IN, Answer, Answer, Answer, FORBIDDEN],
    },
    Root {
        field: "Mutation.circleCreate",
        operation: "mutation { circleCreate(input: {name: \"C\"}) { userErrors { code } } }",
        hear: USERS,
    },
    Root {
        field: "Mutation.circleRename",
        operation: "mutation { circleRename(input: {name: \"C\"}) { userErrors { code } } }",
        hear: USERS,
    },
    Root {
        field: "Mutation.circleInvitationSend",
        operation: "mutation { circleInvitationSend(input: {invitee: {code: \"NOBODYS2\"}}) { userErrors { code } } }",
        hear: USERS,
    },
    Root {
        field: "Mutation.circleInvitationAccept",
        operation: "mutation ($invitation: ID!) { circleInvitationAccept(input: {invitation: $invitation}) { userErrors { code } } }",
        hear: USERS,
    },
    Root {
        field: "Mutation.circleInvitationDecline",
        operation: "mutation ($invitation: ID!) { circleInvitationDecline(input: {invitation: $invitation}) { userErrors { code } } }",
        hear: USERS,
    },
    Root {
        field: "Mutation.circleInvitationCancel",
        operation: "mutation ($invitation: ID!) { circleInvitationCancel(input: {invitation: $invitation}) { userErrors { code } } }",
        hear: USERS,
    },
    Root {
        field: "Mutation.circleMemberRemove",
        operation: "mutation ($profile: ID!) { circleMemberRemove(input: {member: $profile}) { userErrors { code } } }",
        hear: USERS,
    },
    Root {
        field: "Mutation.circleLeave",
        operation: "mutation { circleLeave(input: {}) { userErrors { code } } }",
        hear: USERS,
    },
    Root {
        field: "Mutation.circleDisband",
        operation: "mutation { circleDisband(input: {}) { userErrors { code } } }",
        hear: USERS,
    },
    Root {
        field: "Mutation.referralApply",
        operation: "mutation { referralApply(input: {referralCode: \"NOBODYS2\"}) { userErrors { code } } }",
        hear: [SIGN_IN, Answer, Answer, Answer, FORBIDDEN],
    },
    // The service of the cast has another scope; what one with the right scope hears is tested with the command.
    Root {
        field: "Mutation.kycComplete",
        operation: "mutation { kycComplete(input: {userId: \"00000000-0000-7000-8000-000000000000\"}) { userErrors { code } } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN],
    },
    Root {
        field: "Mutation.minerSuspend",
        operation: "mutation ($miner: ID!) { minerSuspend(input: {miner: {id: $miner}, reason: \"r\"}) { userErrors { code } } }",
        hear: ADMIN_ONLY,
    },
    Root {
        field: "Mutation.minerRestore",
        operation: "mutation ($miner: ID!) { minerRestore(input: {miner: {id: $miner}, reason: \"r\"}) { userErrors { code } } }",
        hear: ADMIN_ONLY,
    },
    Root {
        field: "Mutation.minerResetStreak",
        operation: "mutation ($miner: ID!) { minerResetStreak(input: {miner: {id: $miner}, reason: \"r\"}) { userErrors { code } } }",
        hear: ADMIN_ONLY,
    },
    Root {
        field: "Mutation.minerSetRole",
        operation: "mutation ($miner: ID!) { minerSetRole(input: {miner: {id: $miner}, reason: \"r\", change: GRANT_NODE_OPERATOR}) { userErrors { code } } }",
        hear: ADMIN_ONLY,
    },
    Root {
        field: "Mutation.streakRecover",
        operation: "mutation { streakRecover(input: {idempotencyKey: \"k\"}) { userErrors { code } } }",
        hear: [SIGN_IN, Answer, Answer, Answer, FORBIDDEN],
    },
    Root {
        field: "Mutation.minerBan",
        operation: "mutation ($miner: ID!) { minerBan(input: {miner: {id: $miner}, reason: \"r\"}) { userErrors { code } } }",
        hear: ADMIN_ONLY,
    },
    Root {
        field: "Mutation.minerAdjustPoints",
        operation: "mutation ($miner: ID!) { minerAdjustPoints(input: {miner: {id: $miner}, amount: \"1\", reason: \"r\", idempotencyKey: \"k\"}) { userErrors { code } } }",
        hear: ADMIN_ONLY,
    },
    Root {
        field: "Query.approvals",
        operation: "{ approvals(first: 1) { totalCount } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, Answer, FORBIDDEN],
    },
    Root {
        field: "Mutation.approvalApprove",
        operation: "mutation ($miner: ID!) { approvalApprove(input: {approval: $miner, idempotencyKey: \"k\"}) { userErrors { code } } }",
        hear: ADMIN_ONLY,
    },
    Root {
        field: "Mutation.approvalDecline",
        operation: "mutation ($miner: ID!) { approvalDecline(input: {approval: $miner, reason: \"r\"}) { userErrors { code } } }",
        hear: ADMIN_ONLY,
    },
    // Asked over a socket.
    Root {
        field: "Subscription.minerUpdated",
        operation: "subscription ($miner: ID!) { minerUpdated(minerId: $miner) { sequence } }",
        hear: [SIGN_IN, FORBIDDEN, Answer, Answer, FORBIDDEN],
    },
    Root {
        field: "Subscription.circleUpdated",
        operation: "subscription ($circle: ID!) { circleUpdated(circleId: $circle) { sequence } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, Answer, FORBIDDEN],
    },
    Root {
        field: "Subscription.leaderboardUpdated",
        operation: "subscription { leaderboardUpdated { occurredAt } }",
        hear: [Answer; 5],
    },
    Root {
        field: "Subscription.walletUpdated",
        operation: "subscription ($user: UUID!) { walletUpdated(userId: $user) { sequence } }",
        hear: [SIGN_IN, FORBIDDEN, Answer, Answer, FORBIDDEN],
    },
];

/// Objects with an id of their own: what anonymous, a stranger, the owner, staff and a service without scopes see of
/// every field of them, through `node`.
pub const NODES: &[(&str, [bool; 5])] = &[
    ("Miner", [false, false, true, true, false]),
    ("MinerProfile", [true; 5]),
    ("MiningSession", [false, false, true, true, false]),
    ("Circle", [false, false, true, true, false]),
    ("Approval", [false, false, false, true, false]),
    ("CircleInvitation", [false, false, true, true, false]),
    ("Referral", [false, false, true, true, false]),
    ("Wallet", [false, false, true, true, false]),
    ("Viewer", [false, false, true, false, false]),
];

/// Objects that are reached only through those above, and carry nothing that their parent's audience may not see.
pub const VALUES: &[&str] = &[
    "AuditLogConnection",
    "AuditLogEdge",
    "AuditLogEntry",
    "MiningConfiguration",
    "MiningConfigurationConnection",
    "MiningConfigurationEdge",
    "MiningConfigurationUpdatePayload",
    "ReferralConfiguration",
    "ReferralConfigurationConnection",
    "ReferralConfigurationEdge",
    "ReferralConfigurationUpdatePayload",
    "StreakConfiguration",
    "StreakConfigurationConnection",
    "StreakConfigurationEdge",
    "StreakConfigurationUpdatePayload",
    "StreakTier",
    "SystemConfiguration",
    "SystemConfigurationUpdatePayload",
    "CircleConnection",
    "CircleCreatePayload",
    "CircleDisbandPayload",
    "CircleEdge",
    "CircleEvent",
    "CircleInvitationAcceptPayload",
    "CircleInvitationCancelPayload",
    "CircleInvitationConnection",
    "CircleInvitationDeclinePayload",
    "CircleInvitationEdge",
    "CircleInvitationReceived",
    "CircleInvitationSendPayload",
    "CircleLeavePayload",
    "CircleMember",
    "CircleMemberRemovePayload",
    "CircleRenamePayload",
    "Currency",
    "Job",
    "Leaderboard",
    "LeaderboardEntry",
    "LeaderboardEvent",
    "LedgerEntry",
    "LedgerEntryConnection",
    "LedgerEntryEdge",
    "LedgerReference",
    "ApprovalApprovePayload",
    "ApprovalConnection",
    "ApprovalDeclinePayload",
    "ApprovalEdge",
    "ApprovalUserError",
    "MinerAdjustPointsPayload",
    "MinerBanPayload",
    "MinerConnection",
    "MinerEdge",
    "MinerRegisterPayload",
    "MinerResetStreakPayload",
    "MinerRestorePayload",
    "MinerRoleChanged",
    "MinerSetRolePayload",
    "MinerStatusChanged",
    "MinerSuspendPayload",
    "MiningHistoryConnection",
    "MiningHistoryEdge",
    "MiningHistoryEntry",
    "MiningRate",
    "MiningSessionClaimPayload",
    "MiningSessionStartPayload",
    "MiningSessionCompleted",
    "MiningSessionExpired",
    "MiningSessionStarted",
    "MiningStreak",
    "MiningUserError",
    "Money",
    "PageInfo",
    "PointsAdjusted",
    "PointsUpdated",
    "KycCompletePayload",
    "ReferralActivated",
    "ReferralApplyPayload",
    "ReferralConnection",
    "ReferralEdge",
    "ReferralOverview",
    "ReferralDeactivated",
    "ServerInfo",
    "StreakBroken",
    "StreakMilestoneReached",
    "StreakRecoverPayload",
    "StreakRecovered",
    "WalletEvent",
    "WalletOwner",
];
