use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::is_stored;
use crate::support::{samples, test};

const IN_FORCE: &str = "{ systemConfiguration {
    mining { version baseRate sessionDurationHours maxSessionsPerDay isGloballyEnabled claimWindowHours circleCooldownHours updatedAt updatedBy { uuid } reason }
    streak { version gracePeriodEnabled gracePeriodHours recoveryCost freezeTokenDays updatedAt updatedBy { uuid } reason
             tiers { minDays maxDays bonusRate badgeName milestonePoints } }
    referral { version bonusRate maxBonusRate kycRequired maxReferralLevels updatedAt updatedBy { uuid } reason }
} }";

const HISTORY: &str = "query ($first: Int, $last: Int, $after: String, $before: String) { systemConfiguration {
    mining: versions(section: MINING, first: $first, last: $last, after: $after, before: $before) {
        totalCount nodes { version updatedBy { uuid } reason ... on MiningConfiguration { baseRate } } edges { cursor node { version } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
    streak: versions(section: STREAK, first: 5) { totalCount nodes { version ... on StreakConfiguration { tiers { minDays } } } edges { cursor } }
    referral: versions(section: REFERRAL, first: 5) { totalCount nodes { version ... on ReferralConfiguration { maxBonusRate } } edges { node { version } } }
} }";

#[test]
fn returns_the_sections_in_force() {
    test(async |app| {
        let support = app.support();
        let mut shown = support.get(IN_FORCE, json!({})).await["systemConfiguration"].clone();
        for section in ["mining", "streak", "referral"] {
            let at = shown[section]["updatedAt"].take();
            assert!(is_stored(app, section, 1, &at).await, "{section}: {at}");
        }
        assert_eq!(
            shown["mining"],
            json!({
                "version": 1, "baseRate": "0.2500", "sessionDurationHours": 24, "maxSessionsPerDay": 1,
                "isGloballyEnabled": true, "claimWindowHours": 168, "circleCooldownHours": 168, "updatedAt": null, "updatedBy": null,
                "reason": "default",
            })
        );
        let tiers = shown["streak"]["tiers"].take();
        assert_eq!(tiers.as_array().unwrap().len(), 7);
        assert_eq!(
            tiers[6],
            json!({"minDays": 90, "maxDays": null, "bonusRate": "1.5000", "badgeName": "90-day", "milestonePoints": "1000.0000"})
        );
        assert_eq!(
            shown["streak"],
            json!({
                "version": 1, "gracePeriodEnabled": true, "gracePeriodHours": 24, "recoveryCost": "50.0000",
                "freezeTokenDays": 7, "updatedAt": null, "updatedBy": null, "reason": "default", "tiers": null,
            })
        );
        assert_eq!(
            shown["referral"],
            json!({
                "version": 1, "bonusRate": "0.2500", "maxBonusRate": "1.0000", "kycRequired": true,
                "maxReferralLevels": 1, "updatedAt": null, "updatedBy": null, "reason": "default",
            })
        );
    });
}

#[test]
fn pages_histories_newest_first() {
    test(async |app| {
        let admin = app.admin();
        for version in 1..6 {
            let section = samples::mining(
                json!({"version": version, "baseRate": format!("0.0{}", 9 - version)}),
            );
            let update = admin.run("miningConfigurationUpdate", samples::with_reason(section));
            let reason = json!({"reason": format!("{version}")});
            update.with(reason).await.ok();
        }
        let page = async |variables: Value| {
            admin.get(HISTORY, variables).await["systemConfiguration"].clone()
        };
        let numbers = |page: &Value| -> Vec<i64> {
            let nodes = page["mining"]["nodes"].as_array().unwrap();
            nodes
                .iter()
                .map(|node| node["version"].as_i64().unwrap())
                .collect()
        };
        let first = page(json!({"first": 4})).await;
        assert_eq!(numbers(&first), [6, 5, 4, 3]);
        let history = &first["mining"];
        assert_eq!(history["totalCount"], 6);
        assert_eq!(
            history["nodes"][0],
            json!({"version": 6, "baseRate": "0.0400", "updatedBy": {"uuid": admin.id().to_string()}, "reason": "5"})
        );
        assert_eq!(history["pageInfo"]["hasNextPage"], true);
        let end = history["pageInfo"]["endCursor"].clone();
        let rest = page(json!({"first": 4, "after": end})).await;
        assert_eq!(numbers(&rest), [2, 1]);
        let start = rest["mining"]["pageInfo"]["startCursor"].clone();
        let back = page(json!({"last": 2, "before": start})).await;
        assert_eq!(numbers(&back), [4, 3]);
        assert_eq!(numbers(&page(json!({"last": 2})).await), [2, 1]);
        for section in ["streak", "referral"] {
            assert_eq!(first[section]["totalCount"], 1);
            assert_eq!(first[section]["nodes"][0]["version"], 1);
        }
        let foreign = first["streak"]["edges"][0]["cursor"].clone();
        let answer = admin
            .ask(HISTORY, json!({"first": 1, "after": foreign}))
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
    });
}

#[test]
fn refuses_others_than_staff() {
    test(async |app| {
        assert_eq!(
            app.anonymous().ask(IN_FORCE, json!({})).await.code(),
            "UNAUTHENTICATED"
        );
        for actor in [app.user(), app.service(&Scope::ALL)] {
            assert_eq!(actor.ask(IN_FORCE, json!({})).await.code(), "FORBIDDEN");
        }
        for role in [Role::Support, Role::Finance, Role::Admin] {
            app.person(&[role]).get(IN_FORCE, json!({})).await;
        }
    });
}
