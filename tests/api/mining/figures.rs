//! The figures of a miner, a circle, a referral and their events after known commands.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Miner, assert_includes, test};

#[test]
fn returns_the_figures_of_a_week_of_claims() {
    test(async |app| {
        let alice = app.miner().streak(7).await;
        let query = "{ serverInfo { now } viewer { miner {
            createdAt updatedAt
            rate { baseRate roleBonusRate circleBonusRate referralBonusRate streakBonusRate hourlyRate dailyRate }
            streak { streakDays longestStreakDays bonusRate badge status lastMiningAt freezeTokens isGracePeriod }
            session { uuid startedAt endsAt rate { hourlyRate } }
            history(first: 2) { nodes { source session { uuid } earnedAt hourlyRate streakDays pointsEarned } }
        } } }";
        let seen = alice.get(query, json!({})).await;
        let miner = &seen["viewer"]["miner"];
        // Seven days add a quarter to 0.25 points an hour.
        assert_eq!(
            miner["rate"],
            json!({
                "baseRate": "0.2500", "roleBonusRate": "0.0000", "circleBonusRate": "0.0000", "referralBonusRate": "0.0000",
                "streakBonusRate": "0.2500", "hourlyRate": "0.3125", "dailyRate": "7.5000",
            })
        );
        let claimed_at = &miner["history"]["nodes"][0]["earnedAt"];
        assert_eq!(
            miner["streak"],
            json!({
                "streakDays": 7, "longestStreakDays": 7, "bonusRate": "0.2500", "badge": "7-day", "status": "ON_TIME",
                "lastMiningAt": claimed_at, "freezeTokens": 1, "isGracePeriod": false,
            })
        );
        // The seventh session began on the sixth day, with a tenth added.
        let session = &miner["session"];
        assert_eq!(session["rate"]["hourlyRate"], "0.2750");
        for (line, points) in [("SESSION", "6.6000"), ("STREAK_MILESTONE", "50.0000")] {
            let lines = miner["history"]["nodes"].as_array().unwrap();
            let expected = json!({
                "source": line, "session": {"uuid": session["uuid"]}, "earnedAt": claimed_at, "hourlyRate": "0.2750",
                "streakDays": 7, "pointsEarned": points,
            });
            assert!(lines.contains(&expected), "{lines:?}");
        }
        let length = at(&session["endsAt"]) - at(&session["startedAt"]);
        assert_eq!(length, TimeDelta::hours(24));
        assert!(at(&miner["createdAt"]) < at(&session["startedAt"]));
        assert_eq!(miner["updatedAt"], *claimed_at);
        assert!(at(claimed_at) <= at(&seen["serverInfo"]["now"]));
    });
}

#[test]
fn writes_events_with_the_fields_of_the_old_service() {
    test(async |app| {
        let alice = app.miner().await;
        app.mine(&[&alice]).await;
        alice.claim().await.ok();
        let session = alice.own_miner("session { uuid }").await["session"]["uuid"].clone();
        let (id, user) = (&alice.uuid, alice.id().to_string());
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
            let events = app.events(name).await;
            assert_eq!(events.len(), 1, "{name}");
            assert_includes(&events[0].payload, &payload);
        }
        let events = app.all_events().await;
        let ids: std::collections::HashSet<_> =
            events.iter().map(|event| &event.event_id).collect();
        assert_eq!(ids.len(), events.len());
        let recent = "occurred_at BETWEEN app_now() - interval '25 hours' AND app_now()";
        let recent = app.count("outbox", recent).await;
        assert_eq!(usize::try_from(recent).unwrap(), events.len());
    });
}

#[test]
fn shows_a_claim_in_the_grace_period() {
    test(async |app| {
        let alice = app.miner().streak(3).await;
        let streak = async || {
            let miner = alice.own_miner("streak { streakDays status isGracePeriod }");
            miner.await["streak"].clone()
        };
        // The fourth session begins on time and is claimed an hour late.
        alice.start().await.ok();
        app.advance(TimeDelta::hours(24 + 25)).await;
        assert_eq!(
            streak().await,
            json!({"streakDays": 3, "status": "GRACE", "isGracePeriod": false})
        );
        assert_eq!(alice.claim().await.ok()["miner"]["streak"]["streakDays"], 4);
        assert_eq!(
            streak().await,
            json!({"streakDays": 4, "status": "ON_TIME", "isGracePeriod": true})
        );
        // The next claim on time ends the grace period.
        app.mine(&[&alice]).await;
        assert_eq!(alice.claim().await.ok()["miner"]["streak"]["streakDays"], 5);
        assert_eq!(
            streak().await,
            json!({"streakDays": 5, "status": "ON_TIME", "isGracePeriod": false})
        );
    });
}

#[test]
fn returns_the_bonus_and_members_of_a_circle() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let selection = "bonusRate members { joinedAt miner { id } }";
        let circle = alice.own_circle(selection).await;
        assert_eq!(circle["bonusRate"], "0.0000");
        app.advance(TimeDelta::hours(1)).await;
        let carol = app.miner().await;
        alice.take_in(&carol).await;
        let circle = alice.own_circle(selection).await;
        assert_eq!(circle["bonusRate"], "0.2500");
        let members = circle["members"].as_array().unwrap();
        let shown: Vec<_> = members.iter().map(|one| &one["miner"]["id"]).collect();
        let people = [&alice, &bob, &carol];
        assert_eq!(shown, people.map(|one| &one.profile));
        for (member, miner) in members.iter().zip(people) {
            let of_miner = format!("miner_id = '{}'", miner.uuid);
            let stored = app.row("circle_members", &of_miner).await;
            assert_eq!(at(&stored["joined_at"]), at(&member["joinedAt"]));
        }
        // The last member joined an hour after the others.
        let [first, .., last] = members.as_slice() else {
            unreachable!("three members")
        };
        assert!(at(&last["joinedAt"]) - at(&first["joinedAt"]) >= TimeDelta::hours(1));
    });
}

#[test]
fn returns_the_times_of_a_referral_and_its_events() {
    test(async |app| {
        let [alice, bob]: [Miner; 2] = app.miners().await;
        bob.apply(&alice.code).await.ok();
        app.advance(TimeDelta::hours(1)).await;
        app.verify(&bob).await.ok();
        let selection = "referrals(first: 1) { nodes {
            uuid createdAt activatedAt referrer { id } referred { id }
        } }";
        let seen = alice.viewer(selection).await;
        let referral = &seen["referrals"]["nodes"][0];
        assert_includes(
            referral,
            &json!({"referrer": {"id": alice.profile}, "referred": {"id": bob.profile}}),
        );
        assert!(at(&referral["activatedAt"]) - at(&referral["createdAt"]) >= TimeDelta::hours(1));
        let stored = app.row("referrals", "true").await;
        assert_eq!(at(&stored["created_at"]), at(&referral["createdAt"]));
        assert_eq!(at(&stored["activated_at"]), at(&referral["activatedAt"]));
        let payload = json!({
            "referralId": referral["uuid"], "referrerId": alice.uuid, "referredId": bob.uuid,
            "referredUserId": bob.id().to_string(), "bonusRate": "0.2500",
        });
        for (name, audience) in [("ReferralApplied", &bob), ("ReferralActivated", &alice)] {
            let events = app.events(name).await;
            assert_eq!(events.len(), 1, "{name}");
            assert_includes(&events[0].payload, &payload);
            assert_eq!(events[0].audience_id, Some(audience.id().to_string()));
        }
    });
}

fn at(value: &Value) -> chrono::DateTime<chrono::FixedOffset> {
    chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap()
}
