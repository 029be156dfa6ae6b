use serde_json::{Value, json};

use crate::support::{Actor, Miner, TestApp, test, test_with};

const OVERVIEW: &str = "query ($status: ReferralStatus) { viewer {
    miner { referralCode referralShareUrl referralQrCodeUrl
        referralStatistics { total active pending inactive earnedPoints bonusRate }
        referrals(first: 10, status: $status) { totalCount nodes { uuid status } } }
    referrals(first: 10, status: $status) { totalCount nodes { uuid status } }
} }";

const LIST: &str =
    "query ($filter: ReferralFilter, $first: Int, $last: Int, $after: String, $offset: Int) {
    referrals(filter: $filter, first: $first, last: $last, after: $after, offset: $offset) {
        totalCount pageInfo { hasNextPage hasPreviousPage endCursor } nodes { uuid }
    }
}";

/// The referrals of the viewer's miner, which are those of the viewer.
async fn overview(of: &Actor, status: Value) -> Value {
    let viewer = of.get(OVERVIEW, json!({"status": status})).await["viewer"].clone();
    assert_eq!(viewer["miner"]["referrals"], viewer["referrals"]);
    viewer["miner"].clone()
}

/// A miner with seven referrals: one is pending, five are active, one is inactive. Returns the referrals in order.
async fn seven(app: &TestApp) -> (Miner, Vec<Value>) {
    let boss = app.miner().await;
    let mut all = Vec::new();
    for n in 0..7 {
        let friend = app.miner().await;
        let payload = friend.apply(&boss.code).await.ok();
        all.push(payload["referral"]["uuid"].clone());
        if n > 0 {
            app.verify(&friend).await.ok();
        }
        if n == 6 {
            app.admin().suspend(&friend).await.ok();
        }
    }
    (boss, all)
}

fn uuids(list: &Value) -> Vec<Value> {
    let nodes = list["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["uuid"].clone()).collect()
}

#[test]
fn returns_the_referrals_and_their_bonus() {
    test(async |app| {
        let (boss, all) = seven(app).await;
        let code = &boss.code;
        let mut seen = overview(&boss, Value::Null).await;
        let listed = seen["referrals"].take();
        assert_eq!(
            seen,
            json!({
                "referralCode": code, "referralShareUrl": format!("https://goodgo.app/invite/{code}"),
                "referralQrCodeUrl": format!("http://localhost:8080/invites/{code}.svg"),
                "referralStatistics": {
                    "total": 7, "active": 5, "pending": 1, "inactive": 1,
                    "earnedPoints": "0.0000", "bonusRate": "1.0000",
                },
                "referrals": null,
            })
        );
        assert_eq!(listed["totalCount"], 7);
        let newest: Vec<_> = all.into_iter().rev().collect();
        assert_eq!(uuids(&listed), newest);
        for (status, count) in [("ACTIVE", 5), ("PENDING", 1), ("INACTIVE", 1)] {
            let listed = overview(&boss, json!(status)).await["referrals"].clone();
            assert_eq!(listed["totalCount"], count, "{status}");
            let nodes = listed["nodes"].as_array().unwrap();
            assert_eq!(i64::try_from(nodes.len()).unwrap(), count);
            assert!(nodes.iter().all(|node| node["status"] == status));
        }
        // A day at 0.25 × 1.25 as an ambassador × 2; half of it comes from the referrals.
        app.mine(&[&boss]).await;
        assert_eq!(boss.claim().await.ok()["pointsEarned"], "15.0000");
        let seen = overview(&boss, Value::Null).await;
        assert_eq!(seen["referralStatistics"]["earnedPoints"], "7.5000");
    });
}

#[test]
fn returns_none_of_users_and_new_miners() {
    test(async |app| {
        assert_eq!(overview(&app.user(), Value::Null).await, Value::Null);
        let alice = app.miner().await;
        let seen = overview(&alice, Value::Null).await;
        let statistics = &seen["referralStatistics"];
        assert_eq!(
            (&statistics["total"], &statistics["bonusRate"]),
            (&json!(0), &json!("0.0000"))
        );
        assert_eq!(seen["referrals"], json!({"totalCount": 0, "nodes": []}));
    });
}

#[test]
fn uses_the_configured_urls() {
    let settings = [
        ("SHARE_BASE_URL", "http://localhost:3000/i/"),
        ("GOODGO_PUBLIC_URL", "http://localhost:8081/"),
    ];
    test_with(&settings, async |app| {
        let alice = app.miner().await;
        let seen = overview(&alice, Value::Null).await;
        let url = format!("http://localhost:3000/i/{}", alice.code);
        assert_eq!(seen["referralShareUrl"], url);
        let url = format!("http://localhost:8081/invites/{}.svg", alice.code);
        assert_eq!(seen["referralQrCodeUrl"], url);
    });
}

#[test]
fn lists_all_referrals_to_staff() {
    test(async |app| {
        let (boss, mut all) = seven(app).await;
        all.reverse();
        let staff = app.support();
        let uuids = |page: &Value| uuids(&page["referrals"]);
        let first = staff.get(LIST, json!({"first": 3})).await;
        assert_eq!(uuids(&first), all[..3]);
        assert_eq!(first["referrals"]["totalCount"], 7);
        let after = &first["referrals"]["pageInfo"]["endCursor"];
        let second = staff.get(LIST, json!({"first": 10, "after": after})).await;
        assert_eq!(uuids(&second), all[3..]);
        assert_eq!(second["referrals"]["pageInfo"]["hasNextPage"], false);
        assert_eq!(uuids(&staff.get(LIST, json!({"last": 2})).await), all[5..]);
        assert_eq!(
            uuids(&staff.get(LIST, json!({"first": 2, "offset": 4})).await),
            all[4..6]
        );
        let user = boss.id().to_string();
        for (filter, count) in [
            (json!({"status": "ACTIVE"}), 5),
            (json!({"referrer": {"code": boss.code}}), 7),
            (
                json!({"referrer": {"userId": user}, "status": "PENDING"}),
                1,
            ),
            (json!({"referred": {"userId": user}}), 0),
            (json!({"referrer": {"code": "NOBODYS2"}}), 0),
        ] {
            let page = staff
                .get(LIST, json!({"filter": filter, "first": 10}))
                .await;
            assert_eq!(page["referrals"]["totalCount"], count, "{filter}");
            assert_eq!(
                uuids(&page).len(),
                usize::try_from(count).unwrap(),
                "{filter}"
            );
        }
        let bad = json!({"first": 1, "after": "x"});
        assert_eq!(staff.ask(LIST, bad).await.code(), "BAD_USER_INPUT");
        assert_eq!(
            boss.ask(LIST, json!({"first": 1})).await.code(),
            "FORBIDDEN"
        );
    });
}
