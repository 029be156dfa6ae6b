use serde_json::{Value, json};

use crate::support::{TestApp, test};

const LEADERBOARD: &str = "query ($limit: Int) { leaderboard(limit: $limit) {
    entries { rank rankPrecision totalMinedPoints miner { id displayName role currentStreak badge } }
    viewerEntry { rank totalMinedPoints }
} }";

/// So many miners behind the API's back: the first has one point, the next one more, and so on.
async fn crowd(app: &TestApp, count: u32) {
    app.sql(&format!(
        "INSERT INTO users (id, display_name, registered_at)
             SELECT md5(n::text)::uuid, 'M' || n, app_now() FROM generate_series(1, {count}) n;
         INSERT INTO miners (id, user_id, role, status, lifetime_points, current_streak, longest_streak, freeze_tokens, is_grace_period,
                             milestones_paid, referral_code, version, created_at, updated_at)
             SELECT md5('m' || n)::uuid, md5(n::text)::uuid, 'PIONEER', 'ACTIVE', n * 10000, 0, 0, 0, false, '{{}}',
                    translate(lpad(upper(to_hex(n)), 8, 'Z'), '01', 'XY'), 1, app_now(), app_now()
             FROM generate_series(1, {count}) n"
    ))
    .await;
}

#[test]
fn shows_the_top_and_the_viewers_own_place() {
    test(async |app| {
        let mut people = Vec::new();
        for _ in 0..4 {
            people.push(app.miner().await);
        }
        for (points, person) in [20, 50, 20, 90].into_iter().zip(&people) {
            app.sql(&format!(
                "UPDATE miners SET lifetime_points = {points} * 10000 WHERE user_id = '{}'",
                person.id()
            ))
            .await;
        }
        // The banned are not shown.
        app.sql(&format!(
            "UPDATE miners SET status = 'BANNED' WHERE user_id = '{}'",
            people[3].id()
        ))
        .await;
        let board = app.anonymous().get(LEADERBOARD, json!({})).await["leaderboard"].clone();
        let places: Vec<_> = board["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["rank"].clone(), entry["totalMinedPoints"].clone()))
            .collect();
        assert_eq!(
            places,
            [
                (json!(1), json!("50.0000")),
                (json!(2), json!("20.0000")),
                (json!(3), json!("20.0000"))
            ]
        );
        assert_eq!(board["viewerEntry"], Value::Null);
        // Ties by who was there first.
        let board = people[2].get(LEADERBOARD, json!({"limit": 1})).await["leaderboard"].clone();
        assert_eq!(board["entries"].as_array().unwrap().len(), 1);
        assert_eq!(board["viewerEntry"]["rank"], 3);
        let banned = people[3].get(LEADERBOARD, json!({"limit": 1})).await["leaderboard"].clone();
        assert_eq!(banned["viewerEntry"], Value::Null);
    });
}

#[test]
fn a_place_beyond_ten_thousand_is_estimated() {
    test(async |app| {
        let alice = app.miner().await;
        crowd(app, 12_000).await;
        let place = async |points: i64| {
            app.sql(&format!(
                "UPDATE miners SET lifetime_points = {points} * 10000 WHERE user_id = '{}'",
                alice.id()
            ))
            .await;
            let query = "{ leaderboard(limit: 1) { viewerEntry { rank rankPrecision } } }";
            alice.get(query, json!({})).await["leaderboard"]["viewerEntry"].clone()
        };
        assert_eq!(
            place(11_000).await,
            json!({"rank": 1_001, "rankPrecision": "EXACT"})
        );
        let far = place(500).await;
        assert_eq!(far["rankPrecision"], "ESTIMATED");
        let rank = far["rank"].as_i64().unwrap();
        assert!((11_400..=11_600).contains(&rank), "{rank}");
    });
}

#[test]
fn has_a_limit() {
    test(async |app| {
        crowd(app, 102).await;
        for (asked, places) in [(Value::Null, 100), (json!(100), 100), (json!(1), 1)] {
            // A variable that isn't sent leaves the argument out.
            let variables = if asked.is_null() {
                json!({})
            } else {
                json!({"limit": asked})
            };
            let board = app.anonymous().get(LEADERBOARD, variables).await["leaderboard"].clone();
            let entries = board["entries"].as_array().unwrap();
            assert_eq!(
                (entries.len(), &entries[0]["totalMinedPoints"]),
                (places, &json!("102.0000"))
            );
        }
        for limit in [0, -1, 101] {
            let answer = app
                .anonymous()
                .ask(LEADERBOARD, json!({"limit": limit}))
                .await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{limit}");
            assert_eq!(answer.body["data"]["leaderboard"], Value::Null);
        }
    });
}
