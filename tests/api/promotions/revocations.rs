//! `campaignForceCancel` with `revokeIssued`, and the job that revokes.

use chrono::TimeDelta;
use db::promotions::voucher::revocation::revoke_all;
use serde_json::{Value, json};

use crate::support::rounds::rounds;
use crate::support::wallets::mp;
use crate::support::{TestApp, at_once, test};

const PROGRESS: &str =
    "query ($by: CampaignBy!) { campaign(by: $by) { status revocation { done total } } }";

#[test]
fn revokes_the_vouchers_of_a_campaign() {
    test(async |app| {
        let (merchant, campaign) = app.sold().await;
        let people = [
            app.holder("10").await.actor(),
            app.holder("10").await.actor(),
        ];
        let mut vouchers = Vec::new();
        for person in &people {
            let bought = person.exchange(&campaign).await.ok();
            vouchers.push(bought["voucher"]["id"].clone());
        }
        let pending = people[0]
            .redeem(&vouchers[0], app.order().await, "1")
            .await
            .ok();
        let cancelled = app.admin().revoke_campaign(&campaign).await.ok()["campaign"].clone();
        assert_eq!(cancelled["status"], "CANCELLED");
        let revocation = cancelled["revocation"].clone();
        assert_eq!(
            (&revocation["done"], &revocation["total"]),
            (&json!(0), &json!(2))
        );
        // From then on nothing is redeemed, before a job has revoked them.
        people[1]
            .redeem(&vouchers[1], app.order().await, "1")
            .await
            .refused("VOUCHER_REVOKED", None);
        revoke_all(&app.db).await.unwrap();
        let by = json!({"by": {"id": campaign}});
        let seen = merchant.get(PROGRESS, by).await["campaign"].clone();
        assert_eq!(seen["revocation"], json!({"done": 2, "total": 2}));
        // 0.4 of the first price waits with the pending redemption.
        assert_eq!(app.balance(&people[0]).await.0, "9.6000");
        assert_eq!(app.balance(&people[1]).await.0, "10.0000");
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts, ("1.0000".to_owned(), "0.4000".to_owned()));
        let id = pending["redemption"]["id"].clone();
        app.shop().void_redemption(&id).await.ok();
        assert_eq!(app.balance(&people[0]).await.0, "10.0000");
        assert_eq!(app.till(&merchant).await, "100.0000");
        assert_eq!(app.events("VoucherRevoked").await.len(), 2);
        let refunds = app.events("VoucherRefunded").await.into_iter();
        let mut prices: Vec<_> = refunds
            .map(|event| event.payload["price"].clone())
            .collect();
        prices.sort_by_key(Value::to_string);
        assert_eq!(json!(prices), json!(["0.4000", "1.6000", "2.0000"]));
    });
}

#[test]
fn counts_no_voucher_that_was_refunded_late_for_the_limit() {
    test(async |app| {
        let merchant = app.merchant("100").await;
        let priced = json!({"acquisitionType": "EXCHANGE_POINTS", "acquisitionPrice": mp("2")});
        let payload = merchant.create_campaign().with(priced).await.ok();
        let campaign = payload["campaign"]["id"].clone();
        merchant.activate(&campaign).await.ok();
        let (admin, shop) = (app.admin(), app.shop());
        let alice = app.holder("10").await.actor();
        let buy = async || alice.exchange(&campaign).await.ok()["voucher"]["id"].clone();
        let redeem = async |voucher: &Value, amount: &str| {
            let redeemed = alice.redeem(voucher, app.order().await, amount).await.ok();
            redeemed["redemption"]["id"].clone()
        };
        let is_full = async || alice.exchange(&campaign).await.refusal() == Some("LIMIT_PER_USER");
        // Two redemptions that are voided after the revocation.
        let voucher = buy().await;
        let pending = [redeem(&voucher, "1").await, redeem(&voucher, "1").await];
        admin.revoke_voucher(&voucher).await.ok();
        for redemption in &pending {
            assert!(is_full().await);
            shop.void_redemption(redemption).await.ok();
        }
        // One that is settled, and returned in parts after the revocation.
        let voucher = buy().await;
        let settled = redeem(&voucher, "3").await;
        shop.settle_redemption(&settled).await.ok();
        admin.revoke_voucher(&voucher).await.ok();
        for part in [Some("1"), None] {
            assert!(is_full().await);
            shop.return_redemption(&settled, part).await.ok();
        }
        buy().await;
        assert_eq!(app.balance(&alice).await.0, "8.0000");
        assert_eq!(app.events("VoucherRefunded").await.len(), 6);
    });
}

/// An active campaign of two free vouchers of 1,500 MP, above the limit of one person.
async fn valuable(app: &TestApp) -> Value {
    let merchant = app.merchant("5000").await;
    let large = json!({"faceValue": mp("1500"), "totalVouchers": 2});
    let payload = merchant.create_campaign().with(large).await.ok();
    let campaign = payload["campaign"]["id"].clone();
    merchant.activate(&campaign).await.ok();
    campaign
}

#[test]
fn waits_for_a_second_person_above_the_limit() {
    test(async |app| {
        let campaign = valuable(app).await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let waiting = app.admin().revoke_campaign(&campaign).await.ok();
        assert_eq!(waiting["campaign"]["status"], "ACTIVE");
        let approval = waiting["approval"].clone();
        assert_eq!(approval["proposal"]["campaign"]["id"], campaign);
        alice.redeem(&voucher, app.order().await, "1").await.ok();
        app.admin().approve(&approval["id"]).await.ok();
        revoke_all(&app.db).await.unwrap();
        let seen = alice.voucher(&voucher, "status revocationReason").await;
        let revoked = json!({"status": "EXPIRED", "revocationReason": "a test"});
        assert_eq!(seen, revoked);
    });
}

/// Voided after the revocation, they would move as much.
#[test]
fn judges_what_pending_redemptions_hold_too() {
    test(async |app| {
        let campaign = valuable(app).await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let order = app.order().await;
        alice.redeem(&voucher, order, "1500").await.ok();
        let waiting = app.admin().revoke_campaign(&campaign).await.ok();
        assert_eq!(waiting["campaign"]["status"], "ACTIVE");
        assert!(waiting["approval"].is_object(), "{waiting}");
    });
}

#[test]
fn revokes_what_a_pending_redemption_used_whole() {
    test(async |app| {
        let (merchant, campaign) = app.sold().await;
        let alice = app.holder("10").await.actor();
        let bought = alice.exchange(&campaign).await.ok();
        let voucher = bought["voucher"]["id"].clone();
        let redeemed = alice.redeem(&voucher, app.order().await, "5").await.ok();
        app.admin().revoke_campaign(&campaign).await.ok();
        revoke_all(&app.db).await.unwrap();
        let id = redeemed["redemption"]["id"].clone();
        app.shop().void_redemption(&id).await.ok();
        let fields = "status revocationReason remainingValue { amount }";
        assert_eq!(
            alice.voucher(&voucher, fields).await,
            json!({"status": "EXPIRED", "revocationReason": "a test", "remainingValue": {"amount": "5.0000"}})
        );
        assert_eq!(app.till(&merchant).await, "100.0000");
        assert_eq!(app.balance(&alice).await.0, "10.0000");
    });
}

#[test]
fn lets_no_holder_decide_about_a_revocation() {
    test(async |app| {
        let campaign = valuable(app).await;
        let holder = app.admin();
        holder.claimed(&campaign).await;
        holder
            .revoke_campaign(&campaign)
            .await
            .refused("OWN_ACCOUNT", Some("campaignId"));
        let waiting = app.admin().revoke_campaign(&campaign).await.ok();
        let approval = waiting["approval"]["id"].clone();
        let decided = holder.approve(&approval).await;
        assert!(decided.refusal().is_some(), "{}", decided.answer.body);
        // OWN_ACCOUNT comes before CAMPAIGN_STATUS_INVALID.
        app.admin().force_cancel(&campaign).await.ok();
        holder
            .revoke_campaign(&campaign)
            .await
            .refused("OWN_ACCOUNT", Some("campaignId"));
    });
}

#[test]
fn refuses_revocations_in_this_order() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let admin = app.admin();
        admin
            .revoke_campaign(&campaign)
            .with(json!({"reason": ""}))
            .await
            .refused("REASON_INVALID", Some("reason"));
        merchant.complete_campaign(&campaign).await.ok();
        admin
            .revoke_campaign(&campaign)
            .await
            .refused("CAMPAIGN_STATUS_INVALID", Some("campaignId"));
    });
}

#[test]
fn books_what_expired_before_the_revocation_as_expired() {
    test(async |app| {
        let (merchant, campaign) = app.sold().await;
        let alice = app.holder("10").await.actor();
        alice.exchange(&campaign).await.ok();
        app.advance(TimeDelta::days(31)).await;
        let cancelled = app.admin().revoke_campaign(&campaign).await.ok();
        assert_eq!(cancelled["campaign"]["revocation"]["total"], 0);
        revoke_all(&app.db).await.unwrap();
        db::promotions::voucher::expire(&app.db).await.unwrap();
        // The merchant has earned the price of a voucher that nobody used.
        assert_eq!(app.balance(&alice).await.0, "8.0000");
        assert_eq!(app.till(&merchant).await, "102.0000");
    });
}

#[test]
fn redeems_or_revokes_the_campaign_of_both_at_once() {
    test(async |app| {
        let merchant = app.merchant("5000").await;
        let admin = app.admin();
        app.configure("promotion", &json!({"maxOpenCampaigns": 1000}))
            .await;
        rounds(async |_| {
            let payload = merchant
                .create_campaign()
                .with(json!({"totalVouchers": 1}))
                .await
                .ok();
            let campaign = payload["campaign"]["id"].clone();
            merchant.activate(&campaign).await.ok();
            let alice = app.user();
            let voucher = alice.claimed(&campaign).await;
            let code = alice.code_of(&voucher).await;
            let both = [
                merchant.redeem_at_till(&code, "5"),
                admin.revoke_campaign(&campaign),
            ];
            let outcomes = at_once(both).await;
            let refusals = outcomes.refusals();
            let one = [vec![None, None], vec![Some("VOUCHER_REVOKED"), None]];
            assert!(one.contains(&refusals), "{refusals:?}");
        })
        .await;
        revoke_all(&app.db).await.unwrap();
    });
}
