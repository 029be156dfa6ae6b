use chrono::TimeDelta;
use domain::access::Role;
use serde_json::{Value, json};

use super::decisions::must;
use super::referral_apply::{coded, must_apply, verify};
use crate::support::{Actor, TestApp, test, test_with};

const OVERVIEW: &str = "query ($status: ReferralStatus) { viewer { referrals {
    myReferralCode shareUrl totalReferrals activeReferrals pendingReferrals inactiveReferrals
    totalEarned currentBonusRate totalBonusPercent
    referrals(first: 10, status: $status) { totalCount nodes { uuid status } }
} } }";

const LIST: &str =
    "query ($filter: ReferralFilter, $first: Int, $last: Int, $after: String, $offset: Int) {
    referrals(filter: $filter, first: $first, last: $last, after: $after, offset: $offset) {
        totalCount pageInfo { hasNextPage hasPreviousPage endCursor } nodes { uuid }
    }
}";

async fn overview(of: &Actor, status: Value) -> Value {
    of.get(OVERVIEW, json!({"status": status})).await["viewer"]["referrals"].clone()
}

/// Somebody who brought seven: five that count, one that waits, one that is suspended. Answers the referrals in order.
async fn seven(app: &TestApp) -> (Actor, String, Vec<Value>) {
    let (boss, code) = coded(app).await;
    let mut all = Vec::new();
    for n in 0..7 {
        let (friend, _) = coded(app).await;
        all.push(must_apply(&friend, &code).await["referral"]["uuid"].clone());
        if n > 0 {
            verify(app, &friend).await;
        }
        if n == 6 {
            must(&app.person(&[Role::Admin]), "minerSuspend", &friend, "1").await;
        }
    }
    (boss, code, all)
}

#[test]
fn shows_whom_one_brought_and_what_that_is_worth() {
    test(async |app| {
        let (boss, code, all) = seven(app).await;
        let mut seen = overview(&boss, Value::Null).await;
        let listed = seen["referrals"].take();
        assert_eq!(
            seen,
            json!({
                "myReferralCode": code, "shareUrl": format!("https://goodgo.app/invite/{code}"),
                "totalReferrals": 7, "activeReferrals": 5, "pendingReferrals": 1, "inactiveReferrals": 1,
                "totalEarned": "0.0000", "currentBonusRate": "1.0000", "totalBonusPercent": "100.00", "referrals": null,
            })
        );
        assert_eq!(listed["totalCount"], 7);
        let newest: Vec<_> = listed["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| &node["uuid"])
            .collect();
        assert_eq!(newest, all.iter().rev().collect::<Vec<_>>());
        for (status, count) in [("ACTIVE", 5), ("PENDING", 1), ("INACTIVE", 1)] {
            let listed = overview(&boss, json!(status)).await["referrals"].clone();
            assert_eq!(listed["totalCount"], count, "{status}");
            let nodes = listed["nodes"].as_array().unwrap();
            assert_eq!(i64::try_from(nodes.len()).unwrap(), count);
            assert!(nodes.iter().all(|node| node["status"] == status));
        }
        // A day at 0.25 × 1.25 as an ambassador × 2: half of it is owed to referrals.
        boss.start().await;
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(boss.must_claim("1").await["pointsEarned"], "15.0000");
        assert_eq!(overview(&boss, Value::Null).await["totalEarned"], "7.5000");
    });
}

#[test]
fn nobody_is_brought_by_who_is_no_miner_or_new() {
    test(async |app| {
        assert_eq!(overview(&app.user(), Value::Null).await, Value::Null);
        let seen = overview(&app.miner().await, Value::Null).await;
        assert_eq!(seen["totalReferrals"], 0);
        assert_eq!(seen["totalBonusPercent"], "0.00");
        assert_eq!(seen["referrals"], json!({"totalCount": 0, "nodes": []}));
    });
}

#[test]
fn links_begin_as_they_are_set() {
    let settings = [("SHARE_BASE_URL", "http://localhost:3000/i/")];
    test_with(&settings, async |app| {
        let (alice, code) = coded(app).await;
        let seen = overview(&alice, Value::Null).await;
        assert_eq!(seen["shareUrl"], format!("http://localhost:3000/i/{code}"));
    });
}

#[test]
fn staff_list_all_of_them_in_pages() {
    test(async |app| {
        let (boss, code, mut all) = seven(app).await;
        all.reverse();
        let staff = app.person(&[Role::Support]);
        let uuids = |page: &Value| -> Vec<Value> {
            let nodes = page["referrals"]["nodes"].as_array().unwrap();
            nodes.iter().map(|node| node["uuid"].clone()).collect()
        };
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
            (json!({"referrer": {"code": code}}), 7),
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
