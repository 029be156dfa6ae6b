use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::is_stored;
use crate::support::{samples, test};

const IN_FORCE: &str = "{ systemConfiguration {
    mining { version baseRate sessionDurationHours maxSessionsPerDay isGloballyEnabled claimWindowHours circleCooldownHours updatedAt updatedBy reason }
    streak { version gracePeriodEnabled gracePeriodHours recoveryCost freezeTokenDays updatedAt updatedBy reason
             tiers { minDays maxDays bonusPercent badgeName milestoneMpBonus } }
    referral { version bonusPerReferral maxBonusCap kycRequired maxReferralLevels updatedAt updatedBy reason }
} }";

const HISTORY: &str = "query ($first: Int, $last: Int, $after: String, $before: String) { systemConfiguration {
    miningHistory(first: $first, last: $last, after: $after, before: $before) {
        totalCount nodes { version baseRate updatedBy reason } edges { cursor node { version } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
    streakHistory(first: 5) { totalCount nodes { version tiers { minDays } } edges { cursor } }
    referralHistory(first: 5) { totalCount nodes { version maxBonusCap } edges { node { version } } }
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
                "isGloballyEnabled": true, "claimWindowHours": 168, "circleCooldownHours": 168, "updatedAt": null, "updatedBy": "system",
                "reason": "default",
            })
        );
        let tiers = shown["streak"]["tiers"].take();
        assert_eq!(tiers.as_array().unwrap().len(), 7);
        assert_eq!(
            tiers[6],
            json!({"minDays": 90, "maxDays": null, "bonusPercent": "1.5000", "badgeName": "90-day", "milestoneMpBonus": "1000.0000"})
        );
        assert_eq!(
            shown["streak"],
            json!({
                "version": 1, "gracePeriodEnabled": true, "gracePeriodHours": 24, "recoveryCost": "50.0000",
                "freezeTokenDays": 7, "updatedAt": null, "updatedBy": "system", "reason": "default", "tiers": null,
            })
        );
        assert_eq!(
            shown["referral"],
            json!({
                "version": 1, "bonusPerReferral": "0.2500", "maxBonusCap": "1.0000", "kycRequired": true,
                "maxReferralLevels": 1, "updatedAt": null, "updatedBy": "system", "reason": "default",
            })
        );
    });
}

#[test]
fn pages_histories_newest_first() {
    test(async |app| {
        let admin = app.admin();
        for version in 1..6 {
            let input = samples::mining(json!({
                "version": version, "baseRate": format!("0.{version}"), "reason": format!("{version}"),
            }));
            admin.run("miningConfigurationUpdate", input).await.ok();
        }
        let page = async |variables: Value| {
            admin.get(HISTORY, variables).await["systemConfiguration"].clone()
        };
        let numbers = |page: &Value| -> Vec<i64> {
            let nodes = page["miningHistory"]["nodes"].as_array().unwrap();
            nodes
                .iter()
                .map(|node| node["version"].as_i64().unwrap())
                .collect()
        };
        let first = page(json!({"first": 4})).await;
        assert_eq!(numbers(&first), [6, 5, 4, 3]);
        let history = &first["miningHistory"];
        assert_eq!(history["totalCount"], 6);
        assert_eq!(
            history["nodes"][0],
            json!({"version": 6, "baseRate": "0.5000", "updatedBy": admin.id().to_string(), "reason": "5"})
        );
        assert_eq!(history["pageInfo"]["hasNextPage"], true);
        let end = history["pageInfo"]["endCursor"].clone();
        let rest = page(json!({"first": 4, "after": end})).await;
        assert_eq!(numbers(&rest), [2, 1]);
        let start = rest["miningHistory"]["pageInfo"]["startCursor"].clone();
        let back = page(json!({"last": 2, "before": start})).await;
        assert_eq!(numbers(&back), [4, 3]);
        assert_eq!(numbers(&page(json!({"last": 2})).await), [2, 1]);
        for section in ["streakHistory", "referralHistory"] {
            assert_eq!(first[section]["totalCount"], 1);
            assert_eq!(first[section]["nodes"][0]["version"], 1);
        }
        let foreign = first["streakHistory"]["edges"][0]["cursor"].clone();
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
