//! Searches for names use their indexes, also in databases whose locale knows only ASCII letters.

use async_graphql::Request;
use db::operation_trace::{Action, Record};
use resolvers::request::execute;

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
