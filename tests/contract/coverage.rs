//! Every field that more than one audience can reach, asked by nobody, by the wrong owner, by the right one, by staff.
//!
//! The tables below say what each of them hears; a field or type the schema has and the tables don't fails the test.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::support::{Actor, TestApp, test};

/// What somebody hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hears {
    /// An answer.
    Value,
    /// null, without an error.
    Null,
    /// An error with this code.
    Code(&'static str),
}
use Hears::{Code, Null, Value as Answer};

const SIGN_IN: Hears = Code("UNAUTHENTICATED");
const FORBIDDEN: Hears = Code("FORBIDDEN");
/// Commands of users about what is theirs; what each hears in the payload is tested with the command.
const USERS: [Hears; 5] = [SIGN_IN, Answer, Answer, Answer, FORBIDDEN];
/// The staff of the cast is not an administrator; what those hear is tested with each command.
const ADMIN_ONLY: [Hears; 5] = [SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN];

/// A root field: the operation, and what anonymous, a stranger, the owner, staff and a service without scopes hear.
struct Root {
    field: &'static str,
    operation: &'static str,
    hear: [Hears; 5],
}

const ROOTS: &[Root] = &[
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
const NODES: &[(&str, [bool; 5])] = &[
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
const VALUES: &[&str] = &[
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

struct Cast {
    asking: [Actor; 5],
    ids: Value,
}

async fn cast(app: &TestApp) -> Cast {
    let owner = app.miner().await;
    owner.start().await;
    app.advance(TimeDelta::hours(24)).await;
    app.sql(
        "WITH circle AS (INSERT INTO circles (id, owner_id, name, status, member_count, version, created_at, updated_at)
             SELECT gen_random_uuid(), id, 'C', 'INCOMPLETE', 1, 1, app_now(), app_now() FROM miners RETURNING id, owner_id),
         member AS (INSERT INTO circle_members (id, circle_id, miner_id, joined_at) SELECT gen_random_uuid(), id, owner_id, app_now() FROM circle)
         UPDATE miners SET circle_id = (SELECT id FROM circle)",
    )
    .await;
    // Somebody who is not of the cast is invited.
    app.miner().await;
    app.sql(
        "INSERT INTO circle_invitations (id, circle_id, invitee_id, status, created_at, expires_at)
         SELECT gen_random_uuid(), c.id, m.id, 'PENDING', app_now(), app_now() + interval '7 days'
         FROM circles c, miners m WHERE m.circle_id IS NULL",
    )
    .await;
    // Brought by somebody who is not asking.
    let code = app.user().register().await["referralCode"].clone();
    let apply = "mutation ($code: String!) { referralApply(input: {referralCode: $code}) { referral { id } } }";
    let referral =
        owner.get(apply, json!({"code": code})).await["referralApply"]["referral"]["id"].clone();
    let query = r#"{ viewer { id wallet(currency: "MP") { id } miner { id profile { id } session { id } circle { id } }
        circle { invitations { id } } } }"#;
    let viewer = owner.get(query, json!({})).await["viewer"].clone();
    let miner = &viewer["miner"];
    let mut ids = json!({
        "Miner": miner["id"], "MinerProfile": miner["profile"]["id"], "MiningSession": miner["session"]["id"],
        "Circle": miner["circle"]["id"], "CircleInvitation": viewer["circle"]["invitations"][0]["id"], "Wallet": viewer["wallet"]["id"], "Viewer": viewer["id"],
        "Referral": referral,
    });
    let stranger = app.miner().await;
    app.sql(
        "INSERT INTO approvals (id, command, subject_id, amount, reason, requested_by, requested_at, expires_at, status)
         SELECT '01900000-0000-7000-8000-000000000001', 'MINER_ADJUST_POINTS', id, 1, 'r', user_id, app_now(),
                app_now() + interval '7 days', 'PENDING' FROM miners LIMIT 1",
    )
    .await;
    let staff = app.person(&[Role::Support]);
    let listed = staff
        .get("{ approvals(first: 1) { nodes { id } } }", json!({}))
        .await;
    ids["Approval"] = listed["approvals"]["nodes"][0]["id"].clone();
    let service = app.service(&[Scope::RatesWrite]);
    Cast {
        asking: [app.anonymous(), stranger, owner, staff, service],
        ids,
    }
}

#[test]
fn every_root_field_answers_each_audience_as_it_should() {
    test(async |app| {
        let cast = cast(app).await;
        let variables = json!({
            "miner": cast.ids["Miner"], "wallet": cast.ids["Wallet"], "circle": cast.ids["Circle"],
            "invitation": cast.ids["CircleInvitation"], "profile": cast.ids["MinerProfile"],
        });
        let answered = |root: &&Root| !root.field.starts_with("Subscription.");
        for root in ROOTS.iter().filter(answered) {
            let name = root.field.split('.').nth(1).unwrap();
            for (who, (actor, expected)) in cast.asking.iter().zip(root.hear).enumerate() {
                let answer = actor.ask(root.operation, variables.clone()).await;
                let heard = match &answer.body["data"][name] {
                    _ if answer.body.get("errors").is_some() => Code(code_of(answer.code())),
                    Value::Null => Null,
                    Value::Array(items) if items.iter().all(Value::is_null) => Null,
                    _ => Answer,
                };
                assert_eq!(
                    heard, expected,
                    "{} by audience {who}: {}",
                    root.field, answer.body
                );
            }
        }
        // What services and staff were forbidden to command is on record.
        let recorded = ROOTS
            .iter()
            .filter(|root| root.field.starts_with("Mutation."))
            .flat_map(|root| &root.hear[3..])
            .filter(|heard| **heard == FORBIDDEN)
            .count();
        assert_eq!(
            app.number("SELECT count(*) FROM audit_log WHERE outcome = 'FORBIDDEN'")
                .await,
            i64::try_from(recorded).unwrap()
        );
    });
}

#[test]
fn every_subscription_answers_each_audience_as_it_should() {
    test(async |app| {
        let cast = cast(app).await;
        let owner = cast.asking[2].id().to_string();
        let variables =
            json!({"miner": cast.ids["Miner"], "user": owner, "circle": cast.ids["Circle"]});
        let followed = |root: &&Root| root.field.starts_with("Subscription.");
        for root in ROOTS.iter().filter(followed) {
            for (who, (actor, expected)) in cast.asking.iter().zip(root.hear).enumerate() {
                let following = app.events.count();
                let mut socket = actor.socket().await;
                let payload = json!({"query": root.operation, "variables": variables});
                socket
                    .say(json!({"id": "1", "type": "subscribe", "payload": payload}))
                    .await;
                if expected == Answer {
                    app.until(|| app.events.count() > following).await;
                    drop(socket);
                    app.until(|| app.events.count() == following).await;
                    continue;
                }
                let message = socket.hear().await;
                let errors = match message["type"].as_str() {
                    Some("error") => &message["payload"],
                    _ => &message["payload"]["errors"],
                };
                let code = errors[0]["extensions"]["code"].as_str().unwrap_or_default();
                let heard = Code(code_of(code));
                assert_eq!(
                    heard, expected,
                    "{} by audience {who}: {message}",
                    root.field
                );
            }
        }
    });
}

/// The code as it stands in the tables.
fn code_of(code: &str) -> &'static str {
    ["UNAUTHENTICATED", "FORBIDDEN"]
        .into_iter()
        .find(|known| *known == code)
        .unwrap_or("another")
}

const TYPES: &str = "{ __schema { types { kind name fields { name args { name } type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

#[test]
fn every_field_of_every_node_is_seen_by_the_right_ones_only() {
    test(async |app| {
        let cast = cast(app).await;
        let types = app.anonymous().get(TYPES, json!({})).await["__schema"]["types"].clone();
        for (name, seen_by) in NODES {
            let of = types
                .as_array()
                .unwrap()
                .iter()
                .find(|of| of["name"] == *name)
                .unwrap();
            for field in of["fields"].as_array().unwrap() {
                let selection = selection(field);
                let query = format!(
                    "query ($id: ID!) {{ node(id: $id) {{ ... on {name} {{ it: {selection} }} }} }}"
                );
                for (who, (actor, seen)) in cast.asking.iter().zip(seen_by).enumerate() {
                    let answer = actor.ask(&query, json!({"id": cast.ids[*name]})).await;
                    assert!(
                        answer.body.get("errors").is_none(),
                        "{query} by audience {who}: {}",
                        answer.body
                    );
                    assert_eq!(
                        !answer.body["data"]["node"].is_null(),
                        *seen,
                        "{query} by audience {who}: {}",
                        answer.body
                    );
                }
            }
        }
    });
}

/// A field with the arguments and the selection it needs.
fn selection(field: &Value) -> String {
    let arguments: Vec<_> = field["args"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|argument| match argument["name"].as_str().unwrap() {
            "first" => Some("first: 1"),
            "currency" => Some("currency: \"MP\""),
            _ => None,
        })
        .collect();
    let mut inner = &field["type"];
    while !inner["ofType"].is_null() {
        inner = &inner["ofType"];
    }
    let is_object = ["OBJECT", "INTERFACE", "UNION"].contains(&inner["kind"].as_str().unwrap());
    format!(
        "{}{}{}",
        field["name"].as_str().unwrap(),
        if arguments.is_empty() {
            String::new()
        } else {
            format!("({})", arguments.join(", "))
        },
        if is_object { " { __typename }" } else { "" }
    )
}

#[test]
fn nothing_of_the_schema_is_left_out() {
    test(async |app| {
        let types = app.anonymous().get(TYPES, json!({})).await["__schema"]["types"].clone();
        let mut found = BTreeSet::new();
        for of in types.as_array().unwrap() {
            let name = of["name"].as_str().unwrap();
            if of["kind"] != "OBJECT" || name.starts_with("__") {
                continue;
            }
            if ["Query", "Mutation", "Subscription"].contains(&name) {
                let fields = of["fields"].as_array().unwrap();
                found.extend(
                    fields
                        .iter()
                        .map(|field| format!("{name}.{}", field["name"].as_str().unwrap())),
                );
            } else {
                found.insert(name.to_owned());
            }
        }
        let covered = ROOTS
            .iter()
            .map(|root| root.field)
            .chain(NODES.iter().map(|(name, _)| *name))
            .chain(VALUES.iter().copied())
            .map(str::to_owned)
            .collect::<BTreeSet<_>>();
        assert_eq!(
            found, covered,
            "say in the tables of this file who may see what"
        );
    });
}
