use chrono::TimeDelta;
use serde_json::json;

use crate::support::{Actor, Miner, TestApp, assert_includes, at_once, test};

#[test]
fn adjusts_both_ways_in_the_wallet_too() {
    test(async |app| {
        let (admin, other) = (app.admin(), app.admin());
        let alice = app.miner().await;
        let selection = "__typename ... on PointsUpdated { source pointsEarned totalMinedPoints }";
        let mut events = app.follow(&alice, selection).await;
        let up = admin.adjust(&alice, "1000").await.ok();
        assert_eq!(
            up,
            json!({"entry": {"source": "ADJUSTMENT", "pointsEarned": "1000.0000"}, "approval": null,
                   "miner": {"totalMinedPoints": "1000.0000"}, "userErrors": []})
        );
        let down = other.adjust(&alice, "-0.0001").await.ok();
        assert_eq!(down["miner"]["totalMinedPoints"], "999.9999");
        assert_eq!(alice.points().await, "999.9999");
        for (points, total) in [("1000.0000", "1000.0000"), ("-0.0001", "999.9999")] {
            assert_eq!(
                events.next().await,
                json!({"__typename": "PointsUpdated", "source": "ADJUSTMENT",
                    "pointsEarned": points, "totalMinedPoints": total})
            );
        }
        let history = "history(first: 9) { nodes { source pointsEarned } }";
        assert_eq!(
            alice.own_miner(history).await["history"]["nodes"],
            json!([{"source": "ADJUSTMENT", "pointsEarned": "-0.0001"}, {"source": "ADJUSTMENT", "pointsEarned": "1000.0000"}])
        );
        let audited = app.audited("mining.miner_points_adjust").await;
        assert_eq!(audited.len(), 2);
        let entry = &audited[1];
        assert_eq!(entry.outcome, "APPLIED");
        assert_eq!(entry.entity_kind.as_deref(), Some("miner"));
        assert_eq!(entry.reason.as_deref(), Some("a test"));
        assert!(entry.transaction_id.is_some());
        assert_eq!(entry.before["totalMinedPoints"], "1000.0000");
        assert_eq!(entry.after["totalMinedPoints"], "999.9999");
        let posted = app.transfers("ADJUSTMENT").await;
        let amounts: Vec<_> = posted.iter().map(|transfer| transfer.amount).collect();
        assert_eq!(amounts, [10_000_000, 1]);
        for transfer in posted {
            assert_eq!(transfer.origin, "STAFF");
            assert_eq!(transfer.reference_kind, "miner");
        }
    });
}

#[test]
fn asks_for_an_approval_beyond_the_limit() {
    test(async |app| {
        let alice = app.miner().await;
        let payload = app.admin().adjust(&alice, "1000.0001").await.ok();
        assert_includes(
            &payload,
            &json!({
                "entry": null, "miner": {"totalMinedPoints": "0.0000"},
                "approval": {"status": "PENDING", "reason": "a test", "proposal": {"points": "1000.0001"}},
            }),
        );
        assert_eq!(alice.points().await, "0.0000");
        let audited = app.audited("mining.miner_points_adjust").await;
        assert_eq!(audited.len(), 1);
        assert_eq!(audited[0].outcome, "APPLIED");
        assert_eq!(audited[0].transaction_id, None);
        let approval = app.row("approvals", "true").await;
        assert_eq!(audited[0].after["approval"], approval["id"]);
    });
}

/// The sums of an administrator, and the number of adjustments that took effect.
async fn sums(app: &TestApp, kind: &str) -> (i64, i64) {
    let sum = format!(
        "SELECT coalesce(sum(amount), 0)::bigint FROM dual_control_sums WHERE for_kind = '{kind}'"
    );
    let applied = "SELECT count(*) FROM mining_history WHERE source = 'ADJUSTMENT'";
    (app.number(&sum).await, app.number(applied).await)
}

/// An adjustment waits once what its administrator did alone exceeds the limit, however it is split.
#[test]
fn asks_for_an_approval_of_split_adjustments() {
    test(async |app| {
        let admin = app.admin();
        let [alice, bob] = app.miners().await;
        let aliases = (0..20).map(|n| {
            let miner = alice.by_user()["userId"].to_string();
            format!("a{n}: minerPointsAdjust(input: {{idempotencyKey: \"{n}\", miner: {{userId: {miner}}}, points: \"1000\", reason: \"r\"}}) {{
                entry {{ pointsEarned }} approval {{ status }} userErrors {{ code }} }}")
        });
        let document = format!("mutation {{ {} }}", aliases.collect::<Vec<_>>().join(" "));
        let payloads = admin.get(&document, json!({})).await;
        assert_eq!(payloads["a0"]["entry"]["pointsEarned"], "1000.0000");
        for n in 1..20 {
            assert_eq!(payloads[format!("a{n}")]["approval"]["status"], "PENDING");
        }
        assert_eq!(alice.points().await, "1000.0000");
        // Neither another owner nor the other sign avoids it; another administrator has sums of their own.
        for (whose, points) in [(&bob, "0.0001"), (&alice, "-0.0001")] {
            let payload = admin.adjust(whose, points).await.ok();
            assert_eq!(payload["approval"]["status"], "PENDING", "{points}");
        }
        let other = app.admin();
        for points in ["600", "-400"] {
            assert_eq!(
                other.adjust(&bob, points).await.ok()["approval"],
                json!(null)
            );
        }
        let payload = other.adjust(&alice, "0.0001").await.ok();
        assert_eq!(payload["approval"]["status"], "PENDING");
        assert_eq!(sums(app, "ALL").await, (20_000_000, 3));
        assert_eq!(sums(app, "USER").await, (20_000_000, 3));
    });
}

/// The sum is that of this hour and the 24 before. Refused and approved adjustments don't count.
#[test]
fn counts_what_was_done_alone_within_a_day() {
    test(async |app| {
        let (admin, other) = (app.admin(), app.admin());
        let alice = app.miner().await;
        // From the beginning of an hour on.
        let rest = 3_600_000 - app.now().await.timestamp_millis() % 3_600_000;
        app.advance(TimeDelta::milliseconds(rest)).await;
        let waits = async |points: &str| {
            let payload = admin.adjust(&alice, points).await.ok();
            payload["approval"]["id"].clone()
        };
        let large = waits("5000").await;
        other.approve(&large).await.ok();
        admin
            .adjust(&alice, "-5001")
            .await
            .refused("INSUFFICIENT_POINTS", None);
        assert_eq!(waits("999").await, json!(null));
        app.advance(TimeDelta::hours(1)).await;
        assert_eq!(waits("1").await, json!(null));
        assert_ne!(waits("1").await, json!(null));
        app.advance(TimeDelta::hours(23)).await;
        assert_ne!(waits("1").await, json!(null), "24 hours later");
        app.advance(TimeDelta::hours(1)).await;
        assert_eq!(waits("999").await, json!(null), "25 hours later");
        assert_ne!(waits("1").await, json!(null));
    });
}

/// Adjustments of one administrator at the same time, of different miners, are judged one after the other.
#[test]
fn judges_adjustments_at_the_same_time_one_by_one() {
    test(async |app| {
        let admin = app.admin();
        let miners = app.miners::<6>().await;
        let runs = miners.iter().map(|miner| admin.adjust(miner, "400"));
        let payloads = at_once(runs).await.all_ok();
        let waiting = payloads
            .iter()
            .filter(|payload| payload["approval"].is_object());
        assert_eq!(waiting.count(), 4);
        assert_eq!(sums(app, "ALL").await, (8_000_000, 2));
    });
}

#[test]
fn refuses_in_documented_order() {
    test(async |app| {
        let admin = app.admin();
        let miner = Miner::of(admin.clone()).await;
        let own = admin.by_user();
        let nobody = json!({"uuid": "00000000-0000-7000-8000-000000000000"});
        for (whose, points, reason, code, path) in [
            (&nobody, "0", " ", "REASON_INVALID", "reason"),
            (&nobody, "0", "r", "MINER_NOT_FOUND", "miner"),
            (&own, "0", "r", "POINTS_INVALID", "points"),
            (&own, "0.00001", "r", "POINTS_INVALID", "points"),
            (&own, "1000000000001", "r", "POINTS_INVALID", "points"),
            (&own, "1", "r", "OWN_ACCOUNT", "miner"),
        ] {
            let input = json!({"miner": whose, "points": points, "reason": reason});
            let outcome = admin.adjust(&admin, points).with(input).await;
            outcome.refused(code, Some(path));
        }
        app.set_status(&miner, "BANNED").await;
        let outcome = app.admin().adjust(&miner, "1").await;
        outcome.refused("MINER_BANNED", None);
        assert_eq!(app.audited_refusals("OwnAccount").await.len(), 1);
    });
}

#[test]
fn refuses_to_take_more_than_there_is() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        admin.adjust(&alice, "10").await.ok();
        let refused = async |points: &str| {
            let outcome = admin.adjust(&alice, points).await;
            let error = outcome.refused("INSUFFICIENT_POINTS", None);
            assert_eq!(error["availablePoints"], "10.0000");
            assert_eq!(error["message"], "only 10.0000 points can be taken");
        };
        // More than was ever mined, also where it would need an approval.
        refused("-10.0001").await;
        refused("-5000").await;
        // Mined, but no longer in the wallet.
        app.sql("UPDATE miners SET lifetime_points = lifetime_points + 50000")
            .await;
        refused("-12").await;
        app.freeze_users(true).await;
        let outcome = admin.adjust(&alice, "-1").await;
        assert_eq!(outcome.refusal(), Some("WALLET_FROZEN"));
        // A frozen wallet takes points in.
        let given = admin.adjust(&alice, "1").await.ok();
        assert_eq!(given["entry"]["pointsEarned"], "1.0000");
        assert_eq!(alice.points().await, "11.0000");
        app.sql("UPDATE miners SET lifetime_points = lifetime_points - 50000")
            .await;
    });
}

/// A miner with 60 points and a broken streak, which costs 50 to recover.
async fn with_a_broken_streak(app: &TestApp, admin: &Actor) -> Miner {
    let alice = app.miner().streak(1).await;
    app.advance(TimeDelta::days(10)).await;
    alice.start().await.ok();
    admin.adjust(&alice, "54").await.ok();
    alice
}

#[test]
fn never_overdraws_against_a_spend_at_the_same_time() {
    test(async |app| {
        let admin = app.admin();
        for _ in 0..10 {
            let alice = with_a_broken_streak(app, &admin).await;
            let outcomes = at_once([admin.adjust(&alice, "-20"), alice.recover()]).await;
            outcomes.one_applied("INSUFFICIENT_POINTS");
        }
    });
}
