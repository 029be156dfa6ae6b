//! What a week of claims leaves behind, figure by figure: on the miner, in their history, and in the events that the
//! platform's other services read.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::circling::{circle_of, person};
use super::decisions;
use super::referral_apply::{coded, must_apply, verify};
use crate::support::{Actor, TestApp, test};

/// Whether SQL says so of exactly one row.
async fn is_one(app: &TestApp, of: &str) -> bool {
    app.number(&format!("SELECT count(*) FROM {of}")).await == 1
}

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

#[test]
fn a_claim_forgiven_as_late_is_shown_as_one() {
    test(async |app| {
        let alice = decisions::with_streak(app, 3).await;
        let query = "{ viewer { miner { streak { currentStreak status isGracePeriod } } } }";
        let streak =
            async || alice.get(query, json!({})).await["viewer"]["miner"]["streak"].clone();
        // The fourth session begins on time and is claimed an hour after it had to be.
        alice.start().await;
        app.advance(TimeDelta::hours(24 + 25)).await;
        assert_eq!(
            streak().await,
            json!({"currentStreak": 3, "status": "GRACE", "isGracePeriod": false})
        );
        assert_eq!(alice.must_claim("late").await["streakDays"], 4);
        assert_eq!(
            streak().await,
            json!({"currentStreak": 4, "status": "ON_TIME", "isGracePeriod": true})
        );
        // The next one on time takes the flag away.
        alice.start().await;
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(alice.must_claim("on time").await["streakDays"], 5);
        assert_eq!(
            streak().await,
            json!({"currentStreak": 5, "status": "ON_TIME", "isGracePeriod": false})
        );
    });
}

#[test]
fn a_circle_shows_its_bonus_and_since_when_each_is_in_it() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        let query =
            "{ viewer { circle { uuid bonusMultiplier members { joinedAt miner { id } } } } }";
        let circle = async || alice.actor.get(query, json!({})).await["viewer"]["circle"].clone();
        assert_eq!(circle().await["bonusMultiplier"], "0.0000");
        app.advance(TimeDelta::hours(1)).await;
        let carol = person(app).await;
        alice.take_in(&carol).await;
        let circle = circle().await;
        assert_eq!(circle["bonusMultiplier"], "0.2500");
        let members = circle["members"].as_array().unwrap();
        let shown: Vec<_> = members.iter().map(|one| &one["miner"]["id"]).collect();
        let people = [&alice, &bob, &carol];
        assert_eq!(shown, people.map(|one| &one.profile));
        for (member, who) in members.iter().zip(people) {
            let joined = format!(
                "circle_members c JOIN miners m ON m.id = c.miner_id
                 WHERE m.user_id = '{}' AND c.joined_at = {}",
                who.actor.id(),
                literal(&member["joinedAt"])
            );
            assert!(is_one(app, &joined).await, "{member}");
        }
        // The last one came an hour after the others.
        let [first, .., last] = members.as_slice() else {
            unreachable!("three members")
        };
        assert!(at(&last["joinedAt"]) - at(&first["joinedAt"]) >= TimeDelta::hours(1));
    });
}

#[test]
fn a_referral_shows_since_when_and_its_events_carry_who() {
    test(async |app| {
        let ((alice, code), (bob, _)) = (coded(app).await, coded(app).await);
        must_apply(&bob, &code).await;
        app.advance(TimeDelta::hours(1)).await;
        verify(app, &bob).await;
        let query = "{ viewer { referrals { referrals(first: 1) { nodes {
            uuid createdAt activatedAt referrer { id } referred { id }
        } } } } }";
        let seen = alice.get(query, json!({})).await;
        let referral = &seen["viewer"]["referrals"]["referrals"]["nodes"][0];
        assert!(at(&referral["activatedAt"]) - at(&referral["createdAt"]) >= TimeDelta::hours(1));
        let [created, activated] =
            ["createdAt", "activatedAt"].map(|name| literal(&referral[name]));
        let stored =
            format!("referrals WHERE created_at = {created} AND activated_at = {activated}");
        assert!(is_one(app, &stored).await, "{referral}");
        let miner = "{ viewer { miner { uuid } } }";
        let uuid =
            async |who: &Actor| who.get(miner, json!({})).await["viewer"]["miner"]["uuid"].clone();
        let payload = json!({
            "referralId": referral["uuid"], "referrerId": uuid(&alice).await, "referredId": uuid(&bob).await,
            "referredUserId": bob.id().to_string(), "bonusRate": "0.2500",
        });
        for (name, by) in [("ReferralApplied", &bob), ("ReferralActivated", &alice)] {
            let told = format!(
                "outbox WHERE name = '{name}' AND payload @> '{payload}' AND audience_id = '{}'",
                by.id()
            );
            assert!(is_one(app, &told).await, "{name}: {payload}");
        }
    });
}

fn at(value: &Value) -> chrono::DateTime<chrono::FixedOffset> {
    chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap()
}

/// A moment as SQL writes it.
fn literal(value: &Value) -> String {
    format!("'{}'::timestamptz", value.as_str().unwrap())
}
