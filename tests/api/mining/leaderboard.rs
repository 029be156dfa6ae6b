use serde_json::{Value, json};

use crate::support::test;

const LEADERBOARD: &str = "query ($limit: Int) { leaderboard(limit: $limit) {
    entries { rank rankPrecision totalMinedPoints miner { id displayName role currentStreak badge } }
    viewerEntry { rank totalMinedPoints }
} }";

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
fn has_a_limit() {
    test(async |app| {
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
