use chrono::TimeDelta;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::support::{Actor, Miner, Run, TestApp, at, at_once, merged, samples, test};

const LOG: &str = "query ($filter: AuditLogFilter, $first: Int, $last: Int, $after: String, $before: String, $offset: Int) {
    auditLog(filter: $filter, first: $first, last: $last, after: $after, before: $before, offset: $offset) {
        totalCount totalCountPrecision pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes { actor { ... on User { uuid } ... on Service { issuer subject } } roles scopes action
            entity { __typename ... on ConfigurationVersion { version } } reason before after outcome
            refusal { ... on ConfigurationUserError { code currentVersion } } requestId occurredAt }
    }
}";

/// Sets the section `mining`.
fn update(who: &Actor, fields: Value) -> Run {
    let input = samples::with_reason(merged(samples::mining(json!({})), fields));
    who.run("miningConfigurationUpdate", input)
}

/// The actors of the entries: a user and two who have no account.
const ACTORS: [&str; 2] = [
    "00000000-0000-7000-8000-000000000001",
    "00000000-0000-7000-8000-000000000002",
];

/// Stores thirty entries, three at each time: by two actors, of five commands, about two miners and nothing.
async fn thirty(app: &TestApp) -> [Miner; 2] {
    let miners = app.miners::<2>().await;
    let [one, other] = &miners;
    app.sql(&format!(
        "INSERT INTO audit_log (occurred_at, issuer, actor, roles, action, entity_kind, entity_id, outcome, refusal, request_id)
         SELECT timestamptz '2026-01-01Z' + (n / 3) * interval '1 hour', 'i', (ARRAY['{}', '{}'])[n % 2 + 1], '{{ADMIN}}',
                'mining.miner_' || (ARRAY['suspend', 'restore', 'ban', 'streak_reset', 'points_adjust'])[n % 5 + 1],
                CASE WHEN n % 3 > 0 THEN 'miner' END, (ARRAY['{}', '{}'])[n % 3],
                CASE n % 4 WHEN 0 THEN 'REFUSED' WHEN 1 THEN 'FORBIDDEN' ELSE 'APPLIED' END,
                CASE n % 4 WHEN 0 THEN '{{\"aggregate\": \"Miner\", \"name\": \"NotFound\"}}'::jsonb END, 'r' || n
         FROM generate_series(0, 29) n",
        ACTORS[0], ACTORS[1], one.id(), other.id()
    ))
    .await;
    miners
}

fn requests(page: &Value) -> Vec<String> {
    page["auditLog"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["requestId"].as_str().unwrap().to_owned())
        .collect()
}

/// A denied command is one entry per caller, command and minute.
#[test]
fn counts_forbidden_attempts_within_a_minute() {
    const ATTEMPTS: &str =
        "{ auditLog(first: 10, filter: {outcome: FORBIDDEN}) { nodes { action attempts } } }";
    test(async |app| {
        // From the beginning of a minute on.
        let rest = 60_000 - app.now().await.timestamp_millis() % 60_000;
        app.advance(TimeDelta::milliseconds(rest)).await;
        let (support, other) = (app.support(), app.support());
        let callers = [&support, &support, &other, &support];
        let denied = at_once(callers.map(|who| update(who, json!({})))).await;
        denied
            .0
            .iter()
            .for_each(|outcome| outcome.error("FORBIDDEN"));
        support
            .run(
                "minerBan",
                json!({"miner": {"code": "AAAAAAAA"}, "reason": "Fraud"}),
            )
            .await
            .error("FORBIDDEN");
        app.advance(TimeDelta::minutes(1)).await;
        update(&support, json!({})).await.error("FORBIDDEN");
        let page = support.get(ATTEMPTS, json!({})).await;
        let nodes = page["auditLog"]["nodes"].as_array().unwrap();
        let mut counts: Vec<_> = nodes
            .iter()
            .map(|node| {
                (
                    node["action"].as_str().unwrap(),
                    node["attempts"].as_i64().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            counts.remove(0),
            ("MINING_CONFIGURATION_UPDATE", 1),
            "a minute later"
        );
        counts.sort_unstable();
        assert_eq!(
            counts,
            [
                ("MINER_BAN", 1),
                ("MINING_CONFIGURATION_UPDATE", 1),
                ("MINING_CONFIGURATION_UPDATE", 3)
            ]
        );
    });
}

#[test]
fn returns_applied_refused_and_forbidden_commands() {
    test(async |app| {
        let (admin, support) = (app.admin(), app.support());
        let first = update(&admin, json!({})).with(json!({"reason": "More"}));
        first.header("x-request-id", "the-first").await.ok();
        let outcome = update(&admin, json!({})).await;
        assert_eq!(outcome.refusal(), Some("CONFIGURATION_STALE"));
        update(&support, json!({})).await.error("FORBIDDEN");
        let page = support.get(LOG, json!({"first": 10})).await["auditLog"].clone();
        assert_eq!(page["totalCount"], 3);
        let nodes = page["nodes"].as_array().unwrap();
        let ends: Vec<_> = nodes.iter().map(|node| &node["outcome"]).collect();
        assert_eq!(ends, ["FORBIDDEN", "REFUSED", "APPLIED"]);
        assert_eq!(nodes[0]["actor"]["uuid"], support.id().to_string());
        assert_eq!(
            nodes[1]["refusal"],
            json!({"code": "CONFIGURATION_STALE", "currentVersion": 2})
        );
        let mut applied = nodes[2].clone();
        assert!(applied["occurredAt"].take().is_string());
        let shown = |version: i32, rate: &str| {
            json!({
                "version": version, "baseRate": rate, "sessionDurationHours": 24, "maxSessionsPerDay": 1,
                "isGloballyEnabled": true, "claimWindowHours": 168, "circleCooldownHours": 168,
            })
        };
        assert_eq!(
            applied,
            json!({
                "actor": {"uuid": admin.id().to_string()}, "roles": ["USER", "ADMIN"], "scopes": [],
                "action": "MINING_CONFIGURATION_UPDATE",
                "entity": {"__typename": "MiningConfiguration", "version": 2},
                "reason": "More", "before": shown(1, "0.2500"), "after": shown(2, "0.1250"), "outcome": "APPLIED",
                "refusal": null, "requestId": "the-first", "occurredAt": null,
            })
        );
    });
}

/// The pages of seven in a direction, until there is no further one.
async fn pages(staff: &Actor, size: &str, cursor: &str) -> Vec<Vec<String>> {
    let (has_more, end) = match size {
        "first" => ("hasNextPage", "endCursor"),
        _ => ("hasPreviousPage", "startCursor"),
    };
    let mut pages = Vec::new();
    let mut from = Value::Null;
    for _ in 0..5 {
        let page = staff.get(LOG, json!({size: 7, cursor: from})).await;
        pages.push(requests(&page));
        let info = &page["auditLog"]["pageInfo"];
        assert_eq!(info[has_more], json!(pages.len() < 5));
        from = info[end].clone();
    }
    pages
}

#[test]
fn pages_newest_first_in_both_directions() {
    test(async |app| {
        thirty(app).await;
        let staff = app.person(&[Role::Finance]);
        let all = requests(&staff.get(LOG, json!({"first": 30})).await);
        let expected: Vec<String> = (0..30).rev().map(|n| format!("r{n}")).collect();
        assert_eq!(all, expected);
        let forward = pages(&staff, "first", "after").await;
        assert_eq!(forward.concat(), all);
        let mut back = pages(&staff, "last", "before").await;
        back.reverse();
        assert_eq!(back.concat(), all);
        let skipped = requests(&staff.get(LOG, json!({"first": 5, "offset": 20})).await);
        assert_eq!(skipped, all[20..25]);
    });
}

#[test]
fn filters_by_every_field() {
    test(async |app| {
        let [_, miner] = thirty(app).await;
        let staff = app.support();
        let count = async |filter: Value| {
            let page = staff.get(LOG, json!({"first": 50, "filter": filter})).await;
            assert_eq!(page["auditLog"]["totalCount"], requests(&page).len());
            assert_eq!(page["auditLog"]["totalCountPrecision"], "EXACT");
            requests(&page).len()
        };
        assert_eq!(count(json!({})).await, 30);
        assert_eq!(count(json!({"actorId": ACTORS[1]})).await, 15);
        assert_eq!(count(json!({"action": "MINER_POINTS_ADJUST"})).await, 6);
        assert_eq!(count(json!({"entityId": miner.id})).await, 10);
        let other = app.miner().await;
        assert_eq!(count(json!({"entityId": other.id})).await, 0);
        assert_eq!(count(json!({"outcome": "REFUSED"})).await, 8);
        assert_eq!(
            count(json!({"outcome": "FORBIDDEN", "actorId": ACTORS[0]})).await,
            0
        );
        assert_eq!(count(json!({"requestId": "r7"})).await, 1);
        let from_two = json!({"occurredAt": {"from": "2026-01-01T02:00:00Z"}});
        assert_eq!(count(from_two).await, 24);
        let to_four = json!({"occurredAt": {"from": "2026-01-01T02:00:00Z", "until": "2026-01-01T04:00:00Z"}});
        assert_eq!(count(to_four).await, 6);
    });
}

#[test]
fn rejects_bad_filters_and_cursors() {
    test(async |app| {
        let staff = app.admin();
        for filter in [
            json!({"actorId": "a\u{0}"}),
            json!({"requestId": "a\u{0}"}),
            json!({"requestId": "x".repeat(201)}),
            json!({"entityId": "nonsense"}),
            json!({"entityId": app.miner().await.profile}),
            json!({"occurredAt": {}}),
            json!({"occurredAt": {"from": "0001-01-01T00:00:00Z"}}),
        ] {
            let answer = staff.ask(LOG, json!({"first": 1, "filter": filter})).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{filter}");
        }
        let answer = staff
            .ask(LOG, json!({"first": 1, "after": "MXx4fDE"}))
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        assert_eq!(staff.ask(LOG, json!({})).await.code(), "BAD_USER_INPUT");
    });
}

#[test]
fn refuses_others_than_staff() {
    test(async |app| {
        let query = json!({"first": 1});
        let anonymous = app.anonymous().ask(LOG, query.clone()).await;
        assert_eq!(anonymous.code(), "UNAUTHENTICATED");
        for actor in [app.user(), app.service(&Scope::ALL)] {
            assert_eq!(actor.ask(LOG, query.clone()).await.code(), "FORBIDDEN");
        }
    });
}

#[test]
fn uses_the_time_of_the_system() {
    test(async |app| {
        let before = app.support().get("{ serverInfo { now } }", json!({})).await;
        app.advance(TimeDelta::days(30)).await;
        update(&app.admin(), json!({})).await.ok();
        let query = "{ auditLog(first: 1) { nodes { occurredAt } } }";
        let page = app.support().get(query, json!({})).await;
        let occurred_at = at(&page["auditLog"]["nodes"][0]["occurredAt"]);
        assert!(occurred_at - at(&before["serverInfo"]["now"]) >= TimeDelta::days(30));
    });
}
