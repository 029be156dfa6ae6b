//! The number of SQL statements of an operation does not depend on the number of rows.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Response, Variables};
use db::mining::MinerEvent;
use db::mining::circle::commands::circle_rename;
use db::operation_trace::{Action, Record, Step};
use db::{Db, Ids, Settings, Tls};
use domain::access::{Person, Principal, Role};
use domain::ids::UserId;
use domain::wallets::Origin;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use resolvers::command_slots::CommandSlots;
use resolvers::language::Language;
use resolvers::live::{LeaderboardTopic, LeaderboardUpdate, MinerTopic, MinerUpdate, event_bus};
use resolvers::request::{
    About, Caller, ContextServices, Introspection, Services, execute, execute_stream,
};
use resolvers::{Ranks, ReferralUrls};
use serde_json::json;

use crate::support::{TestApp, test};

/// Operations over `$n` rows, and how many statements each takes.
const OPERATIONS: &[(&str, u64)] = &[
    // miners, circles, members with who they are
    (
        "query ($n: Int) { miners(first: $n) { nodes { uuid profile { displayName } role status totalMinedPoints
             circle { name status memberCount trustScore members { joinedAt isOwner miner { displayName role totalMinedPoints } } } } } }",
        3,
    ),
    // miners, configuration, rate facts, sessions
    ("query ($n: Int) { miners(first: $n) { nodes { rate { hourlyRate } session { status } streak { streakDays } profile { streakDays } } } }", 4),
    // miners, configuration
    ("query ($n: Int) { miners(first: $n) { edges { node { profile { streakDays badge } } } } }", 2),
    // miners, histories, their counts
    ("query ($n: Int) { miners(first: $n) { nodes { history(first: 3) { totalCount nodes { pointsEarned } } } } }", 3),
    // miners, histories, their counts: more waiting fields than a task may poll before tokio makes it yield
    ("query ($n: Int) { miners(first: $n) { nodes { a: history(first: 3) { totalCount } b: history(first: 3) { totalCount }
         c: history(first: 3) { totalCount } d: history(first: 3) { totalCount } } } }", 3),
    // miners, wallets, entries
    ("query ($n: Int) { miners(first: $n) { nodes { wallet { available { amount } entries(first: 3) { totalCount nodes { transfer { reason } } } } } } }", 3),
    // miners, referrals, referrers
    ("query ($n: Int) { miners(first: $n, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { referredBy { referrer { displayName } } } } }", 3),
    // miners, circles, owners
    ("query ($n: Int) { miners(first: $n, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { circle { owner { displayName } } } } }", 3),
    // miners, their count
    ("query ($n: Int) { miners(first: $n) { totalCount nodes { uuid } } }", 2),
    // circles, their count, owners, members, who they are
    ("query ($n: Int) { circles(first: $n) { totalCount nodes { name owner { displayName } members { isOwner miner { displayName } } } } }", 5),
    // circles, invitations, who is invited
    ("query ($n: Int) { circles(first: $n) { nodes { name invitations { status circleName invitee { displayName } } } } }", 3),
    // miners, configuration, totals, referrals, their count, who was brought
    ("query ($n: Int) { miners(first: $n, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { referralStatistics { total earnedPoints bonusRate }
         referrals(first: 3) { totalCount nodes { status referred { displayName } } } } } }", 6),
    // referrals, their count, both sides
    ("query ($n: Int) { referrals(first: $n) { totalCount nodes { status referrer { displayName } referred { displayName } } } }", 3),
    // entries, their count
    ("query ($n: Int) { auditLog(first: $n) { totalCount nodes { roles before after } edges { cursor } } }", 2),
    ("query ($n: Int) { auditLog(first: $n, filter: {action: MINER_BAN}) { nodes { roles } } }", 1),
    // entries, actors, miners
    ("query ($n: Int) { auditLog(first: $n, filter: {action: MINER_SUSPEND}) { nodes { action actor { ... on User { displayName } } entity { ... on Miner { status } } } } }", 3),
    // entries, circles
    ("query ($n: Int) { auditLog(first: $n, filter: {action: CIRCLE_FORCE_DISBAND}) { nodes { entity { ... on Circle { name } } } } }", 2),
    // leaderboard, configuration, the viewer's miner
    ("query ($n: Int) { leaderboard(limit: $n) { entries { rank miner { streakDays badge } } viewerEntry { rank } } }", 3),
];

/// A database that nobody else sends statements to through this pool.
pub(super) async fn quiet(app: &TestApp) -> Services {
    let db = Db::connect(
        Settings::new(&app.database_url),
        Tls::from_machine(),
        Ids::seeded(1),
    )
    .await
    .unwrap();
    let about = Arc::new(About {
        version: "test",
        environment: "development",
    });
    Services {
        db,
        events: event_bus(),
        about,
        introspection: Introspection::Everybody,
        of_contexts: ContextServices::default()
            .with(Ranks::default())
            .with(CommandSlots::new(64))
            .with(ReferralUrls {
                share: Arc::from("https://goodgo.app/invite"),
                server: Arc::from("http://localhost:8080"),
            }),
    }
}

pub(super) fn staff() -> Caller {
    let principal = Principal::Person(Person {
        id: UserId(uuid::Uuid::from_u128(1)),
        issuer: "test".to_owned(),
        roles: vec![Role::Support],
        merchant_id: None,
        advertiser_id: None,
        name: None,
    });
    Caller {
        principal,
        network: std::net::IpAddr::from([127, 0, 0, 1]),
        request_id: "test".to_owned(),
        idempotency_key: None,
        language: Language::English,
    }
}

#[test]
fn takes_the_same_statements_for_any_number_of_rows() {
    test(async |app| {
        let services = quiet(app).await;
        db::demo::seed_town(&services.db).await.unwrap();
        app.sql(
            "INSERT INTO audit_log (occurred_at, issuer, actor, roles, action, before, after, outcome)
             SELECT app_now(), 'i', gen_random_uuid(), '{ADMIN}', 'mining.miner_ban', '{}', '{}', 'APPLIED' FROM generate_series(1, 120) n",
        )
        .await;
        app.sql(
            "INSERT INTO audit_log (occurred_at, issuer, actor, roles, action, entity_kind, entity_id, outcome)
             SELECT app_now(), 'i', e.actor, '{ADMIN}', e.action, e.kind, e.id::text, 'APPLIED'
             FROM (SELECT 'miner' AS kind, 'mining.miner_suspend' AS action, user_id AS id, user_id AS actor FROM miners
                   UNION ALL SELECT 'circle', 'mining.circle_force_disband', id, owner_user_id FROM circles) e",
        )
        .await;
        app.sql(
            "INSERT INTO circle_invitations (id, circle_id, invitee_user_id, invitee_miner_id, status, created_at, expires_at)
             SELECT gen_random_uuid(), c.id, m.user_id, m.id, 'PENDING', app_now(), app_now() + interval '7 days'
             FROM circles c, LATERAL (SELECT id, user_id FROM miners WHERE circle_id IS NULL AND id > c.id ORDER BY id LIMIT 2) m",
        )
        .await;
        // The oldest miners brought somebody each.
        app.sql(
            "INSERT INTO referrals SELECT a.user_id, b.user_id, gen_random_uuid(), a.id, b.id, a.referral_code, 2500, 'ACTIVE', app_now(), app_now()
             FROM (SELECT *, row_number() OVER (ORDER BY created_at, id) AS n FROM miners) a
             JOIN (SELECT id, user_id, row_number() OVER (ORDER BY created_at DESC, id DESC) AS n FROM miners m
                   WHERE NOT EXISTS (SELECT FROM referrals WHERE referred_user_id = m.user_id)) b USING (n)
             WHERE n <= 100",
        )
        .await;
        let schema = resolvers::schema();
        for (query, expected) in OPERATIONS {
            for rows in [10, 100] {
                let before = services.db.statements();
                let request =
                    Request::new(*query).variables(Variables::from_json(json!({"n": rows})));
                let response = execute(&schema, &services, staff(), request).await;
                assert!(response.errors.is_empty(), "{query}: {:?}", response.errors);
                let body = serde_json::to_value(&response.data).unwrap();
                let items = ["nodes", "edges", "entries"].iter().find_map(|list| {
                    body.as_object()?.values().next()?[*list]
                        .as_array()
                        .map(Vec::len)
                });
                assert_eq!(items, Some(rows), "{query}");
                assert_eq!(
                    services.db.statements() - before,
                    *expected,
                    "{query} at {rows} rows"
                );
            }
        }
    });
}

/// Received invitations with their inviters.
#[test]
fn takes_three_statements_for_received_invitations() {
    test(async |app| {
        let services = quiet(app).await;
        db::demo::seed_town(&services.db).await.unwrap();
        let loner =
            "SELECT user_id, id FROM miners WHERE circle_id IS NULL ORDER BY user_id LIMIT 1";
        app.sql(&format!(
            "INSERT INTO circle_invitations (id, circle_id, invitee_user_id, invitee_miner_id, status, created_at, expires_at)
             SELECT gen_random_uuid(), c.id, m.user_id, m.id, 'PENDING', app_now(), app_now() + interval '7 days'
             FROM circles c, ({loner}) m ORDER BY c.id LIMIT 120"
        ))
        .await;
        let user = services
            .db
            .read(async |conn| {
                let all = db::mining::miner::queries::leaderboard(conn, 3_000).await?;
                Ok(all
                    .into_iter()
                    .filter(|seen| seen.miner.circle_id.is_none())
                    .min_by_key(|seen| seen.miner.id))
            })
            .await
            .unwrap()
            .unwrap()
            .miner
            .id
            .user;
        let mut caller = staff();
        if let Principal::Person(person) = &mut caller.principal {
            person.id = user;
            person.roles = Vec::new();
        }
        let schema = resolvers::schema();
        let query = "query ($n: Int) { viewer { circleInvitations(first: $n) {
            totalCount nodes { status circleName circle { name } inviter { displayName } } } } }";
        for rows in [10, 100] {
            let before = services.db.statements();
            let request = Request::new(query).variables(Variables::from_json(json!({"n": rows})));
            let response = execute(&schema, &services, caller.clone(), request).await;
            assert!(response.errors.is_empty(), "{:?}", response.errors);
            let body = serde_json::to_value(&response.data).unwrap();
            let received = &body["viewer"]["circleInvitations"];
            assert_eq!(received["nodes"].as_array().map(Vec::len), Some(rows));
            // Invitations, their count, who sent them and whether the viewer is in one of the circles.
            assert_eq!(services.db.statements() - before, 3, "{rows} rows");
        }
    });
}

/// Three sections in force, and the history of each: at most a statement for what is in force, for each history and for
/// each count, however long. Counts that are asked for at the same time share one.
#[test]
fn takes_a_statement_per_configuration_history() {
    test(async |app| {
        let services = quiet(app).await;
        app.sql(
            "INSERT INTO configurations SELECT section, n, body, updated_at, updated_by, reason
             FROM configurations, generate_series(2, 120) n",
        )
        .await;
        let schema = resolvers::schema();
        let query = "query ($n: Int) { systemConfiguration { mining { baseRate } streak { tiers { minDays } } referral { kycRequired }
            a: versions(section: MINING, first: $n) { totalCount nodes { version } }
            b: versions(section: STREAK, first: $n) { totalCount nodes { ... on StreakConfiguration { tiers { minDays } } } }
            c: versions(section: REFERRAL, first: $n) { totalCount edges { node { version } } } } }";
        for rows in [10, 100] {
            let before = services.db.statements();
            let request = Request::new(query).variables(Variables::from_json(json!({"n": rows})));
            let response = execute(&schema, &services, staff(), request).await;
            assert!(response.errors.is_empty(), "{:?}", response.errors);
            let body = serde_json::to_value(&response.data).unwrap();
            let history = &body["systemConfiguration"]["b"];
            assert_eq!(history["nodes"].as_array().map(Vec::len), Some(rows));
            assert_eq!(history["totalCount"], 120);
            let statements = services.db.statements() - before;
            assert!(
                (5..=7).contains(&statements),
                "{statements} for {rows} rows"
            );
        }
    });
}

/// Balances and histories of the demo data agree.
#[test]
fn seeds_a_consistent_demo_town() {
    test(async |app| {
        let services = quiet(app).await;
        db::demo::seed_if_empty(&services.db).await.unwrap();
        db::demo::seed_people(&services.db).await.unwrap();
        assert!(app.count("miners", "true").await > 2_000);
        assert!(app.count("circles", "status = 'ACTIVE'").await > 50);
        // Mined points equal the wallets and the sums of the histories.
        let wrong = app
            .count(
                "miners m LEFT JOIN wallets w ON w.owner_id = m.user_id AND w.kind = 'MAIN' AND w.currency = 1",
                "m.lifetime_points <> coalesce(w.available, 0)
                    OR m.lifetime_points <> (SELECT coalesce(sum(points), 0) FROM mining_history h WHERE h.user_id = m.user_id)",
            )
            .await;
        assert_eq!(wrong, 0);
    });
}

/// The global id of a person's miner.
async fn node_of(schema: &resolvers::Schema, services: &Services, user: UserId) -> String {
    let query = format!("{{ miner(by: {{userId: \"{user}\"}}) {{ id }} }}");
    let response = execute(schema, services, staff(), Request::new(query)).await;
    let data = serde_json::to_value(&response.data).unwrap();
    data["miner"]["id"].as_str().unwrap().to_owned()
}

/// Polls subscriptions until all of them are registered and no statement runs.
async fn settle(streams: &mut [BoxStream<'static, Response>], services: &Services) {
    let mut before = (0, 0);
    for _ in 0..100 {
        let any = futures_util::future::select_all(streams.iter_mut().map(StreamExt::next));
        let waiting = tokio::time::timeout(Duration::from_millis(200), any).await;
        assert!(waiting.is_err(), "an event before the first one");
        let now = (services.events.count(), services.db.statements());
        if now == before && now.0 == streams.len() {
            return;
        }
        before = now;
    }
    panic!("subscriptions are still busy: {before:?}");
}

/// The data of an event is read once: delivering it to any number of subscribers takes no statement.
#[test]
fn reads_an_event_once_for_all_subscribers() {
    const FOLLOWERS: usize = 50;
    test(async |app| {
        let services = quiet(app).await;
        db::demo::seed_town(&services.db).await.unwrap();
        let schema = resolvers::schema();
        let (top, configuration) = services
            .db
            .read(async |conn| {
                let top = db::mining::miner::queries::leaderboard(conn, 10).await?;
                Ok((top, db::mining::configuration::in_force(conn).await?))
            })
            .await
            .unwrap();
        let configuration = Arc::new(configuration);
        let (user, at) = (top[0].miner.id.user, top[0].at);
        let board = "subscription { leaderboardUpdated(limit: 10) { entries { rank miner { displayName streakDays badge } } } }";
        let miner = format!(
            "subscription {{ minerUpdated(minerId: \"{}\") {{ miner {{ status streak {{ streakDays }} }} }} }}",
            node_of(&schema, &services, user).await
        );
        let mut streams = Vec::new();
        for query in [board, &miner] {
            for _ in 0..FOLLOWERS {
                streams.push(execute_stream(
                    &schema,
                    &services,
                    staff(),
                    Request::new(query),
                ));
            }
        }
        settle(&mut streams, &services).await;
        let before = services.db.statements();
        services.events.subscribers::<LeaderboardTopic>().publish(
            &(),
            LeaderboardUpdate {
                top: top.iter().cloned().map(Arc::new).collect(),
                at,
                configuration: Arc::clone(&configuration),
            },
        );
        let event = MinerEvent::StreakBroken {
            miner_id: top[0].miner.id.uuid,
            lost_days: 3,
        };
        let update = MinerUpdate {
            event,
            sequence: 1_000_000,
            occurred_at: at,
            miner: Arc::new(top[0].clone()),
            configuration,
        };
        services
            .events
            .subscribers::<MinerTopic>()
            .publish(&user, update);
        for stream in &mut streams {
            let response = stream.next().await.unwrap();
            assert!(response.errors.is_empty(), "{:?}", response.errors);
        }
        assert_eq!(services.db.statements() - before, 0);
    });
}

/// A claim of a miner with a wallet: BEGIN, clock, lock and look-up of the key, miner, session with configuration, wallet,
/// clock, all writes, COMMIT.
#[test]
fn claims_with_ten_statements() {
    test(async |app| {
        let alice = app.miner().ready().await;
        alice.claim().await.ok();
        app.mine(&[&alice]).await;
        let services = quiet(app).await;
        let principal = Principal::Person(Person {
            id: alice.id(),
            issuer: "test".to_owned(),
            roles: vec![Role::User],
            merchant_id: None,
            advertiser_id: None,
            name: None,
        });
        let caller = Caller {
            principal,
            ..staff()
        };
        let claim = "mutation { miningSessionClaim(input: {idempotencyKey: \"ten\"}) { userErrors { code } } }";
        let record = Record::noting();
        let schema = resolvers::schema();
        let claimed = execute(&schema, &services, caller, Request::new(claim));
        let response = record.follow(claimed).await;
        let payload = response.data.into_json().unwrap()["miningSessionClaim"].clone();
        assert_eq!(payload, json!({"userErrors": []}), "{:?}", response.errors);
        let (steps, _) = record.take_steps();
        let is_write = |step: &Step| matches!(step.action, Action::Write { .. });
        let write = steps.iter().position(is_write);
        let of_write = steps.iter().filter(|step| step.parent == write);
        assert_eq!(of_write.count(), 10, "{steps:#?}");
        // Objects of the payload are read only if they are selected.
        let others = steps.iter().filter(|step| step.parent.is_none());
        assert_eq!(others.count(), 1, "{steps:#?}");
    });
}

/// On a cluster each miner of a circle is locked by a statement of its own.
#[test]
fn locks_one_miner_per_statement_on_a_cluster() {
    test(async |app| {
        let members: [_; 3] = app.circle().await;
        let services = quiet(app).await;
        let person = Person {
            id: members[0].id(),
            issuer: "test".to_owned(),
            roles: vec![Role::User],
            merchant_id: None,
            advertiser_id: None,
            name: None,
        };
        let request = db::command::Request {
            principal: Principal::Person(person),
            origin: Origin::User,
            key: None,
            hash: [0; 32],
            request_id: "test".to_owned(),
            subject: None,
        };
        let mut statements = Vec::new();
        for (db, name) in [
            (services.db.clone(), "One"),
            (services.db.as_cluster(), "Each"),
        ] {
            let (request, before) = (request.clone(), services.db.statements());
            let rename = async move |tx: &mut db::Tx| circle_rename(tx, &request, name).await;
            assert!(db.write("test", rename).await.unwrap().outcome.is_ok());
            statements.push(services.db.statements() - before);
        }
        assert_eq!(statements[1] - statements[0], 2, "{statements:?}");
        assert_eq!(app.count("circles", "name = 'Each'").await, 1);
    });
}
