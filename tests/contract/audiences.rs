//! The expected answers of every query, subscription and object, by audience. Those of mutations are in `mutations`.

/// An expected answer.
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

/// A root field: its operation, and the answers to an anonymous caller, a stranger, the owner, staff and a service
/// without scopes.
pub struct Root {
    pub field: &'static str,
    pub operation: &'static str,
    pub hear: [Hears; 5],
}

pub const ROOTS: &[Root] = &[
    Root {
        field: "Query.viewer",
        operation: "{ viewer { id } }",
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
        field: "Query.approvals",
        operation: "{ approvals(first: 1) { totalCount } }",
        hear: [SIGN_IN, FORBIDDEN, FORBIDDEN, Answer, FORBIDDEN],
    },
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

/// Objects with an id: whether an anonymous caller, a stranger, the owner, staff and a service without scopes get them
/// from `node`, with every field.
pub const NODES: &[(&str, [bool; 5])] = &[
    ("Miner", [false, false, true, true, false]),
    ("User", [true; 5]),
    ("MiningHistoryEntry", [false, false, true, true, false]),
    ("MiningConfiguration", [false, false, false, true, false]),
    ("StreakConfiguration", [false, false, false, true, false]),
    ("ReferralConfiguration", [false, false, false, true, false]),
    ("WalletConfiguration", [false, false, false, true, false]),
    ("AuditLogEntry", [false, false, false, true, false]),
    ("Job", [false, false, false, true, false]),
    ("MinerProfile", [true; 5]),
    ("MiningSession", [false, false, true, true, false]),
    ("Circle", [false, false, true, true, false]),
    ("Approval", [false, false, false, true, false]),
    ("CircleInvitation", [false, false, true, true, false]),
    ("Referral", [false, false, true, true, false]),
    ("Wallet", [false, false, true, true, false]),
    ("LedgerEntry", [false, false, true, true, false]),
    ("Viewer", [false, false, true, false, false]),
];

/// Objects that are reached only through those above, for the same audience.
pub const VALUES: &[&str] = &[
    "ApprovalApprovePayload",
    "ApprovalConnection",
    "ApprovalDeclinePayload",
    "ApprovalEdge",
    "ApprovalUserError",
    "AuditLogEntryConnection",
    "AuditLogEntryEdge",
    "CircleConnection",
    "CircleCreatePayload",
    "CircleDisbandPayload",
    "CircleEdge",
    "CircleEvent",
    "CircleForceDisbandPayload",
    "CircleInvitationAcceptPayload",
    "CircleInvitationCancelPayload",
    "CircleInvitationConnection",
    "CircleInvitationDeclinePayload",
    "CircleInvitationEdge",
    "CircleInvitationReceived",
    "CircleInvitationSendPayload",
    "CircleInvitationUserError",
    "CircleLeavePayload",
    "CircleMember",
    "CircleMemberRemovePayload",
    "CircleRenamePayload",
    "CircleUserError",
    "ConfigurationSectionProposal",
    "ConfigurationUpdateProposal",
    "ConfigurationUserError",
    "ConfigurationVersionConnection",
    "ConfigurationVersionEdge",
    "ConversionPairSettings",
    "Currency",
    "CurrencySettings",
    "KycCompletePayload",
    "KycUserError",
    "Leaderboard",
    "LeaderboardEntry",
    "LeaderboardEvent",
    "LedgerEntryConnection",
    "LedgerEntryEdge",
    "IssuerSettings",
    "LedgerReference",
    "MinerBanPayload",
    "MinerConnection",
    "MinerEdge",
    "MinerNodeOperatorGrantPayload",
    "MinerNodeOperatorRevokePayload",
    "MinerPointsAdjustPayload",
    "MinerPointsAdjustProposal",
    "MinerRegisterPayload",
    "MinerRestorePayload",
    "MinerRoleChanged",
    "MinerStatusChanged",
    "MinerStreakResetPayload",
    "MinerSuspendPayload",
    "MinerUserError",
    "MiningConfigurationUpdatePayload",
    "MiningHistoryEntryConnection",
    "MiningHistoryEntryEdge",
    "MiningRate",
    "MiningSessionClaimPayload",
    "MiningSessionCompleted",
    "MiningSessionExpired",
    "MiningSessionStartPayload",
    "MiningSessionStarted",
    "MiningSessionUserError",
    "MiningStreak",
    "Money",
    "PageInfo",
    "PointsUpdated",
    "ReferralActivated",
    "ReferralApplyPayload",
    "ReferralConfigurationUpdatePayload",
    "ReferralConnection",
    "ReferralDeactivated",
    "ReferralEdge",
    "ReferralStatistics",
    "ReferralUserError",
    "ServerInfo",
    "Service",
    "StreakBroken",
    "StreakConfigurationUpdatePayload",
    "StreakMilestoneReached",
    "StreakRecoverPayload",
    "StreakRecovered",
    "StreakTier",
    "StreakUserError",
    "SystemConfiguration",
    "SystemConfigurationUpdatePayload",
    "VelocityRule",
    "WalletConfigurationUpdatePayload",
    "WalletEvent",
    "WalletOwner",
];
