//! What a week of claims leaves behind, figure by figure: on the miner, in their history, and in the events that the
//! platform's other services read.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::decisions;
use crate::support::test;

#[test]
fn a_miner_shows_what_a_week_of_claims_made_of_them() {
    test(async |app| {
        let alice = decisions::with_streak(app, 7).await;
        let query = "{ serverInfo { timeAt } viewer { miner {
            createdAt updatedAt longestStreak hourlyRate dailyRate streakBonus
            rate { baseRate roleMultiplier circleBonus referralBonus streakBonus totalRate hourlyPoints dailyPoints }
            streak { currentStreak longestStreak bonusMultiplier badge status lastMiningAt freezeTokens isGracePeriod }
            session { uuid startedAt endsAt hourlyRate }
            history(first: 2) { nodes { source sessionUuid earnedAt hourlyRate streakDays pointsEarned } }
        } } }";
        let seen = alice.get(query, json!({})).await;
        let miner = &seen["viewer"]["miner"];
        // Seven days add a quarter to 0.25 points an hour.
        assert_eq!(
            miner["rate"],
            json!({
                "baseRate": "0.2500", "roleMultiplier": "0.0000", "circleBonus": "0.0000", "referralBonus": "0.0000",
                "streakBonus": "0.2500", "totalRate": "0.3125", "hourlyPoints": "0.3125", "dailyPoints": "7.5000",
            })
        );
        let figures = ["hourlyRate", "dailyRate", "streakBonus"].map(|name| miner[name].clone());
        assert_eq!(figures, ["0.3125", "7.5000", "0.2500"]);
        assert_eq!(miner["longestStreak"], 7);
        let claimed_at = &miner["history"]["nodes"][0]["earnedAt"];
        assert_eq!(
            miner["streak"],
            json!({
                "currentStreak": 7, "longestStreak": 7, "bonusMultiplier": "0.2500", "badge": "7-day", "status": "ON_TIME",
                "lastMiningAt": claimed_at, "freezeTokens": 1, "isGracePeriod": false,
            })
        );
        // The seventh session began on the sixth day, with a tenth added.
        let session = &miner["session"];
        assert_eq!(session["hourlyRate"], "0.2750");
        for (line, points) in [("SESSION", "6.6000"), ("STREAK_MILESTONE", "50.0000")] {
            let lines = miner["history"]["nodes"].as_array().unwrap();
            let expected = json!({
                "source": line, "sessionUuid": session["uuid"], "earnedAt": claimed_at, "hourlyRate": "0.2750",
                "streakDays": 7, "pointsEarned": points,
            });
            assert!(lines.contains(&expected), "{lines:?}");
        }
        let at =
            |value: &Value| chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap();
        let length = at(&session["endsAt"]) - at(&session["startedAt"]);
        assert_eq!(length, TimeDelta::hours(24));
        assert!(at(&miner["createdAt"]) < at(&session["startedAt"]));
        assert_eq!(miner["updatedAt"], *claimed_at);
        assert!(at(claimed_at) <= at(&seen["serverInfo"]["timeAt"]));
    });
}

#[test]
fn events_carry_the_fields_of_the_old_service() {
    test(async |app| {
        let alice = app.user();
        let miner = alice.register().await;
        alice.start().await;
        app.advance(TimeDelta::hours(24)).await;
        alice.must_claim("1").await;
        let session = alice
            .get("{ viewer { miner { session { uuid } } } }", json!({}))
            .await["viewer"]["miner"]["session"]["uuid"]
            .clone();
        let (id, user) = (&miner["uuid"], &miner["userId"]);
        for (name, payload) in [
            ("MinerCreated", json!({"minerId": id, "userId": user})),
            (
                "MiningSessionStarted",
                json!({"minerId": id, "sessionId": session, "hourlyRate": "0.2500"}),
            ),
            (
                "StreakUpdated",
                json!({"minerId": id, "previousStreak": 0, "newStreak": 1, "newBonusMultiplier": "0.0000"}),
            ),
            (
                "PointsMined",
                json!({"userId": user, "minerId": id, "points": "6.0000", "source": "SESSION", "streakDays": 1}),
            ),
        ] {
            let told = format!(
                "SELECT count(*) FROM outbox WHERE name = '{name}' AND payload @> '{payload}' AND event_id IS NOT NULL
                    AND occurred_at BETWEEN app_now() - interval '25 hours' AND app_now()"
            );
            assert_eq!(app.number(&told).await, 1, "{name}: {payload}");
        }
        assert_eq!(
            app.number("SELECT count(*) - count(DISTINCT event_id) FROM outbox")
                .await,
            0
        );
    });
}
