//! `Campaign.statistics` and `promotionStatistics`.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::test;
use crate::support::wallets::mp;

const OF_CAMPAIGN: &str = "query ($by: CampaignBy!, $zone: TimeZone!) { campaign(by: $by) { statistics(timeZone: $zone) {
    available claimed expired fullyRedeemed issued partiallyRedeemed pendingValue { amount } revoked
    totalRedeemedValue { amount } unissued utilizationRate
    redemptions { total today thisWeek thisMonth totalUsed { amount } totalReturned { amount } totalRefunded { amount }
        averageUsed { amount } } } } }";

#[test]
fn counts_vouchers_and_redemptions() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let people: Vec<_> = (0..5).map(|_| app.user()).collect();
        let mut vouchers = Vec::new();
        for person in &people {
            vouchers.push(person.claimed(&campaign).await);
        }
        let till = async |who: usize, amount: &str| {
            let code = people[who].code_of(&vouchers[who]).await;
            let used = merchant.redeem_at_till(&code, amount).await.ok();
            used["redemption"]["id"].clone()
        };
        till(0, "5").await;
        let returned = till(1, "3").await;
        merchant.return_redemption(&returned, Some("1")).await.ok();
        people[2]
            .redeem(&vouchers[2], app.order().await, "2")
            .await
            .ok();
        let voided = people[3]
            .redeem(&vouchers[3], app.order().await, "1")
            .await
            .ok();
        let voided = voided["redemption"]["id"].clone();
        app.shop().void_redemption(&voided).await.ok();
        app.admin().revoke_voucher(&vouchers[4]).await.ok();
        let by = json!({"by": {"id": campaign}, "zone": "UTC"});
        let seen = merchant.get(OF_CAMPAIGN, by.clone()).await["campaign"]["statistics"].clone();
        let money = |amount: &str| json!([{"amount": amount}]);
        assert_eq!(
            seen,
            json!({
                "available": 5, "claimed": 1, "expired": 0, "fullyRedeemed": 1, "issued": 5, "partiallyRedeemed": 2,
                "pendingValue": {"amount": "2.0000"}, "revoked": 1, "totalRedeemedValue": {"amount": "9.0000"}, "unissued": 0,
                "utilizationRate": "0.3600",
                "redemptions": {
                    "total": 3, "today": 3, "thisWeek": 3, "thisMonth": 3, "totalUsed": money("10.0000"),
                    "totalReturned": money("1.0000"), "totalRefunded": money("0.0000"), "averageUsed": money("3.3333"),
                },
            })
        );
        app.advance(TimeDelta::days(40)).await;
        merchant.complete_campaign(&campaign).await.ok();
        let seen = merchant.get(OF_CAMPAIGN, by.clone()).await["campaign"]["statistics"].clone();
        assert_eq!(
            (&seen["claimed"], &seen["partiallyRedeemed"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(
            (&seen["expired"], &seen["unissued"]),
            (&json!(3), &json!(5))
        );
        assert_eq!(seen["redemptions"]["total"], 3);
        for period in ["today", "thisWeek", "thisMonth"] {
            assert_eq!(seen["redemptions"][period], 0, "{period}");
        }
        // Booked or not, the numbers are the same.
        db::promotions::voucher::expire(&app.db).await.unwrap();
        let booked = merchant.get(OF_CAMPAIGN, by.clone()).await["campaign"]["statistics"].clone();
        assert_eq!(booked, seen);
        assert_eq!(
            people[0].get(OF_CAMPAIGN, by).await["campaign"]["statistics"],
            Value::Null
        );
        let bad = json!({"by": {"id": campaign}, "zone": "Mars/Base"});
        assert_eq!(
            merchant.ask(OF_CAMPAIGN, bad).await.code(),
            "BAD_USER_INPUT"
        );
    });
}

#[test]
fn counts_over_all_campaigns() {
    test(async |app| {
        let query = "{ promotionStatistics { activeCampaigns issuedVouchers totalCampaigns totalVouchers
            totalEscrow { amount currency } redemptions { total totalUsed { amount currency } } } }";
        let staff = app.support();
        let empty = staff.get(query, json!({})).await["promotionStatistics"].clone();
        assert_eq!(empty["totalEscrow"], json!([]));
        let (merchant, campaign) = app.offered().await;
        app.drafted().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        merchant.redeem_at_till(&code, "2").await.ok();
        let seen = staff.get(query, json!({})).await["promotionStatistics"].clone();
        assert_eq!(
            seen,
            json!({
                "activeCampaigns": 1, "issuedVouchers": "1", "totalCampaigns": 2, "totalVouchers": "20",
                "totalEscrow": [mp("98.0000")], "redemptions": {"total": 1, "totalUsed": [mp("2.0000")]},
            })
        );
    });
}
