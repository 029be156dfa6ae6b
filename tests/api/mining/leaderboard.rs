use serde_json::{Value, json};

use crate::support::{Miner, TestApp, test};

const LEADERBOARD: &str = "query ($limit: Int! = 100) { leaderboard(limit: $limit) {
    entries { rank rankPrecision totalMinedPoints miner { id displayName role streakDays badge } }
    viewerEntry { rank totalMinedPoints }
} }";

/// Stores miners with 1, 2, 3, … points.
async fn crowd(app: &TestApp, count: u32) {
    app.invent_points(&format!(
        "INSERT INTO users (id, display_name, display_name_folded, registered_at)
             SELECT md5(n::text)::uuid, 'M' || n, 'm' || n, app_now() FROM generate_series(1, {count}) n;
         INSERT INTO miners (id, user_id, role, status, lifetime_points, current_streak, longest_streak, freeze_tokens, is_grace_period,
                             milestones_paid, referral_code, version, created_at, updated_at)
             SELECT md5('m' || n)::uuid, md5(n::text)::uuid, 'PIONEER', 'ACTIVE', n * 10000, 0, 0, 0, false, '{{}}',
                    translate(lpad(upper(to_hex(n)), 8, 'Z'), '01', 'XY'), 1, app_now(), app_now()
             FROM generate_series(1, {count}) n"
    ))
    .await;
}

async fn set_points(app: &TestApp, miner: &Miner, points: i64) {
    app.invent_points(&format!(
        "UPDATE miners SET lifetime_points = {points} * 10000 WHERE id = '{}'",
        miner.uuid
    ))
    .await;
}

#[test]
fn returns_the_top_and_the_viewers_place() {
    test(async |app| {
        let people: [Miner; 4] = app.miners().await;
        for (points, person) in [20, 50, 20, 90].into_iter().zip(&people) {
            set_points(app, person, points).await;
        }
        // Banned miners have no place.
        app.set_status(&people[3], "BANNED").await;
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
        // Equal points are ordered by the time of registration.
        let board = people[2].get(LEADERBOARD, json!({"limit": 1})).await["leaderboard"].clone();
        assert_eq!(board["entries"].as_array().unwrap().len(), 1);
        assert_eq!(board["viewerEntry"]["rank"], 3);
        let banned = people[3].get(LEADERBOARD, json!({"limit": 1})).await["leaderboard"].clone();
        assert_eq!(banned["viewerEntry"], Value::Null);
    });
}

#[test]
fn estimates_places_beyond_ten_thousand() {
    test(async |app| {
        let alice = app.miner().await;
        crowd(app, 12_000).await;
        let place = async |points: i64| {
            set_points(app, &alice, points).await;
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
fn rejects_limits_beyond_100() {
    test(async |app| {
        crowd(app, 102).await;
        for (asked, places) in [(Value::Null, 100), (json!(100), 100), (json!(1), 1)] {
            // Without a variable the argument has its default.
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
