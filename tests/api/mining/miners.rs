use domain::access::Role;
use serde_json::{Value, json};

use crate::support::{Actor, TestApp, test};

const MINERS: &str = "query ($filter: MinerFilter, $orderBy: MinerOrder, $first: Int, $last: Int, $after: String, $before: String, $offset: Int) {
    miners(filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before, offset: $offset) {
        totalCount totalCountPrecision nodes { uuid totalMinedPoints } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}";

/// Stores thirty miners, some with equal points.
async fn thirty(app: &TestApp) {
    app.invent_points(
        "INSERT INTO users (id, display_name, display_name_folded, registered_at)
             SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'M' || n, 'm' || n, app_now() FROM generate_series(1, 30) n;
         INSERT INTO miners (id, user_id, role, status, lifetime_points, current_streak, longest_streak, freeze_tokens, is_grace_period,
                             milestones_paid, referral_code, version, created_at, updated_at)
             SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
                    CASE WHEN n % 3 = 0 THEN 'AMBASSADOR' ELSE 'PIONEER' END, CASE WHEN n % 10 = 0 THEN 'SUSPENDED' ELSE 'ACTIVE' END,
                    (n / 4) * 10000, 0, 0, 0, false, '{}', 'CDE' || translate(lpad(n::text, 5, '0'), '0123456789', 'ABCDEFGHJK'), 1,
                    app_now() - n * interval '1 minute', app_now() FROM generate_series(1, 30) n",
    )
    .await;
}

#[test]
fn pages_in_every_order_and_direction() {
    test(async |app| {
        thirty(app).await;
        let staff = app.support();
        for field in ["CREATED_AT", "TOTAL_MINED_POINTS"] {
            for direction in ["ASC", "DESC"] {
                let order = json!({"field": field, "direction": direction});
                let all = ids(&staff
                    .get(MINERS, json!({"first": 30, "orderBy": order}))
                    .await);
                assert_eq!(all.len(), 30);
                let forward = pages(&staff, "first", "after", &order).await;
                assert_eq!(forward.concat(), all, "{order} forward");
                let mut back = pages(&staff, "last", "before", &order).await;
                back.reverse();
                assert_eq!(back.concat(), all, "{order} backward");
                let skipped = ids(&staff
                    .get(MINERS, json!({"first": 5, "offset": 20, "orderBy": order}))
                    .await);
                assert_eq!(skipped, all[20..25], "{order} by offset");
            }
        }
    });
}

/// The pages of seven in a direction, until there is no further one.
async fn pages(staff: &Actor, size: &str, cursor: &str, order: &Value) -> Vec<Vec<String>> {
    let (has_more, end) = match size {
        "first" => ("hasNextPage", "endCursor"),
        _ => ("hasPreviousPage", "startCursor"),
    };
    let mut pages = Vec::new();
    let mut at = Value::Null;
    for _ in 0..5 {
        let page = staff
            .get(MINERS, json!({size: 7, cursor: at, "orderBy": order}))
            .await;
        pages.push(ids(&page));
        let info = &page["miners"]["pageInfo"];
        assert_eq!(info[has_more], json!(pages.len() < 5));
        at = info[end].clone();
    }
    pages
}

fn ids(page: &Value) -> Vec<String> {
    page["miners"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["uuid"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn filters_by_status_role_and_text() {
    test(async |app| {
        thirty(app).await;
        let staff = app.person(&[Role::Finance]);
        let count = async |filter: Value| {
            let page = staff
                .get(MINERS, json!({"first": 50, "filter": filter}))
                .await;
            assert_eq!(page["miners"]["totalCount"], json!(ids(&page).len()));
            ids(&page).len()
        };
        assert_eq!(count(json!({"status": "SUSPENDED"})).await, 3);
        assert_eq!(count(json!({"role": "AMBASSADOR"})).await, 10);
        assert_eq!(
            count(json!({"role": "AMBASSADOR", "status": "SUSPENDED"})).await,
            1
        );
        assert_eq!(
            count(json!({"search": "00000000-0000-7000-8000-000000000007"})).await,
            1
        );
        assert_eq!(
            count(json!({"search": "00000000-0000-7000-9000-000000000007"})).await,
            1
        );
        assert_eq!(count(json!({"search": "cdeaaab"})).await, 10);
        assert_eq!(count(json!({"search": "%"})).await, 0);
        assert_eq!(count(json!({"search": " "})).await, 30);
    });
}

#[test]
fn rejects_cursors_of_another_order() {
    test(async |app| {
        thirty(app).await;
        let staff = app.admin();
        let page = staff.get(MINERS, json!({"first": 1})).await;
        let after = page["miners"]["pageInfo"]["endCursor"].clone();
        let order = json!({"field": "TOTAL_MINED_POINTS", "direction": "ASC"});
        let answer = staff
            .ask(
                MINERS,
                json!({"first": 1, "after": after, "orderBy": order}),
            )
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        let answer = staff
            .ask(MINERS, json!({"first": 1, "after": after, "offset": 1}))
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        let answer = staff
            .ask(MINERS, json!({"first": 1, "filter": {"search": "\u{0}"}}))
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
    });
}

#[test]
fn finds_names_of_every_script_in_any_case() {
    test(async |app| {
        let names = ["ĐỘI Trưởng", "Ирина", "ΣΟΦΟΣ", "王小明", "Straße"];
        for name in names {
            app.named(app.user().id(), name).register().await.ok();
        }
        let staff = app.support();
        let query = "query ($search: String) { miners(first: 9, filter: {search: $search}) {
            totalCount nodes { user { displayName } } } }";
        for (search, found) in [
            ("đội", names[0]),
            ("TRƯỞNG", names[0]),
            // Decomposed.
            (" \u{111}o\u{323}\u{302}i ", names[0]),
            ("рИн", names[1]),
            ("ΟΦοσ", names[2]),
            ("小明", names[3]),
            ("明", names[3]),
            ("STRASSE", names[4]),
        ] {
            let page = staff.get(query, json!({"search": search})).await;
            let expected = json!({"totalCount": 1, "nodes": [{"user": {"displayName": found}}]});
            assert_eq!(page["miners"], expected, "{search}");
        }
        for other in ["doi", "ộđi", "王明"] {
            let page = staff.get(query, json!({"search": other})).await;
            assert_eq!(page["miners"]["totalCount"], 0, "{other}");
        }
    });
}

#[test]
fn finds_a_code_as_people_paste_it() {
    test(async |app| {
        let alice = app.miner().await;
        app.miner().await;
        let link = alice.own_miner("referralShareUrl").await["referralShareUrl"].clone();
        for pasted in super::pasted(&alice.code, link.as_str().unwrap()) {
            // A search text has no hidden characters.
            let pasted = pasted.replace('\u{200B}', "");
            let filter = json!({"first": 9, "filter": {"search": pasted}});
            let page = app.support().get(MINERS, filter).await;
            assert_eq!(ids(&page), std::slice::from_ref(&alice.uuid), "{pasted}");
        }
    });
}

#[test]
fn rejects_hidden_characters_in_searches() {
    test(async |app| {
        for search in ["a\u{202E}", "\u{200B}", "a\nb", "a\u{F8FF}"] {
            let answer = app.support();
            let answer = answer.ask(MINERS, json!({"first": 1, "filter": {"search": search}}));
            let answer = answer.await;
            assert_eq!(answer.code(), "BAD_USER_INPUT");
            let message = answer.body["errors"][0]["message"].as_str().unwrap();
            assert!(message.contains("remove hidden characters"), "{message}");
        }
    });
}
