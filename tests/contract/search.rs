//! Searches for names use their indexes, also in databases whose locale knows only ASCII letters.

use async_graphql::Request;
use db::operation_trace::{Action, Record};
use resolvers::request::execute;
use serde_json::json;

use super::statements::{quiet, staff};
use crate::support::{TestApp, test};

/// Stores twenty thousand people, each the owner of a circle of the same name.
async fn crowd(app: &TestApp) {
    app.sql(
        "CREATE TEMP TABLE crowd AS
             SELECT gen_random_uuid() AS id, translate(to_char(n, 'FM00000'), '0123456789', 'độiвргท明ñç') || ' ' || n AS name,
                    translate(lpad(n::text, 8, '0'), '0123456789', 'ABCDEFGHJK') AS code
             FROM generate_series(1, 20000) n;
         INSERT INTO users (id, display_name, display_name_folded, registered_at) SELECT id, name, name, app_now() FROM crowd;
         INSERT INTO miners (id, user_id, role, status, lifetime_points, current_streak, longest_streak, freeze_tokens, is_grace_period,
                             milestones_paid, referral_code, version, created_at, updated_at)
             SELECT id, id, 'PIONEER', 'ACTIVE', 0, 0, 0, 0, false, '{}', code, 1, app_now(), app_now() FROM crowd;
         INSERT INTO circles (id, owner_user_id, owner_miner_id, name, name_folded, status, member_count, version, created_at, updated_at)
             SELECT id, id, id, name, name, 'INCOMPLETE', 1, 1, app_now(), app_now() FROM crowd;
         ANALYZE users, miners, circles",
    )
    .await;
}

/// The plans of a list's statements for a search text, as its bound values: the page, and the number of rows.
async fn plans(app: &TestApp, query: &str, binds: &str) -> Vec<String> {
    let services = quiet(app).await;
    let record = Record::noting();
    let schema = resolvers::schema();
    let response = record.follow(execute(&schema, &services, staff(), Request::new(query)));
    let response = response.await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    let client = app.connect().await;
    let mut plans = Vec::new();
    for step in record.take_steps().0 {
        let Action::Statement(sql) = step.action else {
            continue;
        };
        if !sql.contains("search_grams") {
            continue;
        }
        client
            .batch_execute(&format!("DEALLOCATE ALL; PREPARE list AS {sql}"))
            .await
            .unwrap();
        let explain = format!("EXPLAIN EXECUTE list ({binds})");
        let lines = client.query(&explain, &[]).await.unwrap();
        let lines: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
        plans.push(lines.join("\n"));
    }
    plans
}

#[test]
fn finds_names_by_their_index() {
    test(async |app| {
        assert_eq!(app.number("SELECT count(*) FROM pg_database WHERE datname = current_database() AND datctype = 'C'").await, 1);
        crowd(app).await;
        let grams = "ARRAY['ội明', 'i明ñ'], '%ội明ñ%'";
        for (list, binds, index) in [
            (
                "miners",
                format!("NULL, NULL, {grams}"),
                "users_display_name_grams",
            ),
            ("circles", grams.to_owned(), "circles_name_grams"),
        ] {
            let query = format!(
                "{{ {list}(first: 20, filter: {{search: \"ỘI明ñ\"}}) {{ totalCount nodes {{ id }} }} }}"
            );
            let plans = plans(app, &query, &binds).await;
            assert_eq!(plans.len(), 2, "{list}");
            for plan in plans {
                assert!(
                    plan.contains(index) && !plan.contains("Seq Scan"),
                    "{list}: {plan}"
                );
            }
        }
    });
}

/// A text that more users have than are counted is compared row by row.
#[test]
fn lists_names_that_few_or_very_many_have() {
    test(async |app| {
        crowd(app).await;
        for (search, is_exact) in [("ộ", false), ("ỘỘ", true), ("ộ 1ộ", true)] {
            let query = "query ($search: String) { miners(first: 20, filter: {search: $search}) {
                totalCount totalCountPrecision nodes { profile { displayName } } } }";
            let page = app.support().get(query, json!({"search": search})).await;
            let folded = search.to_lowercase();
            let count = app
                .count("users", &format!("strpos(display_name, '{folded}') > 0"))
                .await;
            let precision = if is_exact { "EXACT" } else { "AT_LEAST" };
            let list = &page["miners"];
            assert_eq!(list["totalCountPrecision"], precision, "{search}");
            assert_eq!(list["totalCount"], json!(count.min(10_000)), "{search}");
            let nodes = list["nodes"].as_array().unwrap();
            assert_eq!(
                nodes.len(),
                usize::try_from(count.min(20)).unwrap(),
                "{search}"
            );
            for node in nodes {
                let name = node["profile"]["displayName"].as_str().unwrap();
                assert!(name.contains(&folded), "{search}: {name}");
            }
        }
    });
}
