//! `voucherRedeem`, `redemptionSettle`, `redemptionVoid`, `redemptionReturn`.

use chrono::TimeDelta;
use db::promotions::redemption::commands::void_overdue;
use serde_json::json;

use crate::support::promotions::merchant_owner;
use crate::support::rounds::rounds;
use crate::support::wallets::{mp, owner};
use crate::support::{at_once, test};

#[test]
fn redeems_for_an_order_and_settles() {
    test(async |app| {
        let (merchant, campaign) = app.sold().await;
        let alice = app.holder("10").await.actor();
        let voucher = alice.exchange(&campaign).await.ok()["voucher"]["id"].clone();
        let order = app.order().await;
        let used = alice.redeem(&voucher, order, "3").await.ok()["redemption"].clone();
        assert_eq!(used["status"], "PENDING");
        assert_eq!(used["redeemedBy"], "HOLDER");
        assert_eq!(used["amountUsed"], mp("3.0000"));
        // 2 × 2 ÷ 5 covers what is left.
        assert_eq!(used["priceShare"], mp("1.2000"));
        assert_eq!(used["voucher"]["status"], "PARTIALLY_REDEEMED");
        assert_eq!(used["voucher"]["remainingValue"]["amount"], "2.0000");
        // A pending redemption posts nothing.
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts, ("50.0000".to_owned(), "2.0000".to_owned()));
        let shop = app.shop();
        let settled = shop.settle_redemption(&used["id"]).key("s").await.ok();
        assert_eq!(settled["redemption"]["status"], "SETTLED");
        assert!(settled["redemption"]["endedAt"].is_string());
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts, ("47.0000".to_owned(), "0.8000".to_owned()));
        assert_eq!(app.till(&merchant).await, "54.2000");
        let replayed = shop
            .settle_redemption(&used["id"])
            .key("s")
            .await
            .replayed();
        assert_eq!(replayed["redemption"]["id"], used["id"]);
        let again = shop.settle_redemption(&used["id"]).await;
        let error = again.refused("REDEMPTION_SETTLED", Some("redemptionId"));
        assert_eq!(error["redemption"]["status"], "SETTLED");
        shop.void_redemption(&used["id"])
            .await
            .refused("REDEMPTION_SETTLED", Some("redemptionId"));
        let event = app.events("VoucherRedeemed").await.remove(0).payload;
        assert_eq!(event["orderId"], order.to_string());
        assert_eq!(event["amountUsed"], "3.0000");
        let event = app.events("RedemptionSettled").await.remove(0).payload;
        assert_eq!(event["priceShare"], "1.2000");
        let unknown = json!(
            "UmVkZW1wdGlvbjowMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAx"
        );
        for run in [
            shop.settle_redemption(&unknown),
            shop.void_redemption(&unknown),
        ] {
            run.await
                .refused("REDEMPTION_NOT_FOUND", Some("redemptionId"));
        }
    });
}

#[test]
fn redeems_at_the_till_at_once() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        let typed = code.as_str().unwrap().to_lowercase();
        let typed = json!(format!(" {}-{}", &typed[..3], &typed[3..]));
        let used = merchant.redeem_at_till(&typed, "2").await.ok();
        assert_eq!(used["redemption"]["status"], "SETTLED");
        assert_eq!(used["redemption"]["redeemedBy"], "MERCHANT");
        assert_eq!(used["transaction"]["cause"], "REDEMPTION_SETTLED");
        assert_eq!(app.till(&merchant).await, "52.0000");
        let other = app.merchant("0.0001").await;
        other
            .redeem_at_till(&code, "2")
            .await
            .refused("VOUCHER_NOT_FOUND", None);
        let stranger = app.user();
        stranger
            .redeem(&voucher, app.order().await, "2")
            .await
            .refused("VOUCHER_NOT_FOUND", None);
        // Only the merchant redeems without an order.
        alice
            .redeem_at_till(&code, "2")
            .await
            .error("BAD_USER_INPUT");
    });
}

#[test]
fn redeems_for_a_holder_as_a_service() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        let (alice, bob, shop) = (app.user(), app.user(), app.shop());
        let voucher = alice.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        let order = app.order().await;
        shop.redeem_for(&bob, &code, order, "9")
            .await
            .refused("VOUCHER_NOT_FOUND", None);
        // A service needs the code: ids are in events.
        shop.redeem(&voucher, order, "9")
            .with(json!({"userId": alice.id().to_string()}))
            .await
            .refused("VOUCHER_NOT_FOUND", None);
        let used = shop.redeem_for(&alice, &code, order, "9").await.ok();
        assert_eq!(used["redemption"]["redeemedBy"], "SERVICE");
        assert_eq!(used["redemption"]["amountUsed"], mp("5.0000"));
        assert_eq!(used["redemption"]["voucher"]["status"], "FULLY_REDEEMED");
        shop.redeem_for(&alice, &code, app.order().await, "9")
            .await
            .refused("VOUCHER_USED", None);
        let nobody = shop.redeem_for(&alice, &code, order, "9");
        nobody
            .with(json!({"userId": null}))
            .await
            .error("BAD_USER_INPUT");
        let person = alice.redeem(&voucher, order, "9");
        person
            .with(json!({"userId": alice.id().to_string()}))
            .await
            .error("BAD_USER_INPUT");
    });
}

#[test]
fn refuses_redemptions_in_this_order() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let order = app.order().await;
        let redeem = |amount: &str| alice.redeem(&voucher, order, amount);
        let finance = app.finance();
        finance.freeze(&owner(&alice)).await.ok();
        redeem("1").await.refused("WALLET_FROZEN", None);
        finance.unfreeze(&owner(&alice), "FINANCE").await.ok();
        for amount in ["0", "-1", "0.00001"] {
            let refused = redeem("1").with(json!({"orderAmount": mp(amount)})).await;
            refused.refused("ORDER_AMOUNT_INVALID", Some("orderAmount.amount"));
        }
        let pt = json!({"orderAmount": {"amount": "1", "currency": "PT"}});
        redeem("1")
            .with(pt)
            .await
            .refused("CURRENCY_MISMATCH", Some("orderAmount.currency"));
        redeem("1").await.ok();
        redeem("1").await.refused("ORDER_REDEEMED", Some("orderId"));
        let bob = app.user();
        let other = bob.claimed(&campaign).await;
        let differs = bob.redeem(&other, order, "2").await;
        let error = differs.refused("ORDER_AMOUNT_DIFFERS", Some("orderAmount"));
        assert_eq!(error["orderAmount"], mp("1.0000"));
        bob.redeem(&other, order, "1")
            .await
            .refused("ORDER_COVERED", Some("orderId"));
        app.configure("promotion", &json!({"maxPendingRedemptions": 1}))
            .await;
        let limited = alice.redeem(&voucher, app.order().await, "1").await;
        let error = limited.refused("PENDING_LIMIT", None);
        assert_eq!(error["limit"], 1);
        // At the till nothing stays pending.
        let code = alice.code_of(&voucher).await;
        merchant.redeem_at_till(&code, "1").await.ok();
        app.admin().revoke_voucher(&voucher).await.ok();
        redeem("1").await.refused("VOUCHER_REVOKED", None);
        app.advance(TimeDelta::days(31)).await;
        bob.redeem(&other, app.order().await, "1")
            .await
            .refused("VOUCHER_EXPIRED", None);
    });
}

#[test]
fn pays_one_order_with_several_vouchers() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        let (alice, bob) = (app.user(), app.user());
        let order = app.order().await;
        let first = alice.claimed(&campaign).await;
        let second = bob.claimed(&campaign).await;
        let used = alice.redeem(&first, order, "7").await.ok()["redemption"].clone();
        assert_eq!(used["amountUsed"]["amount"], "5.0000");
        let used = bob.redeem(&second, order, "7").await.ok()["redemption"].clone();
        assert_eq!(used["amountUsed"]["amount"], "2.0000");
        // A voided one leaves its part of the order open.
        let shop = app.shop();
        shop.void_redemption(&used["id"]).await.ok();
        let again = bob.redeem(&second, order, "7").await.ok();
        assert_eq!(again["redemption"]["amountUsed"]["amount"], "2.0000");
    });
}

#[test]
fn takes_all_of_a_voucher_that_is_not_split() {
    test(async |app| {
        let merchant = app.merchant("100").await;
        let whole = json!({"allowPartialRedemption": false});
        let payload = merchant.create_campaign().with(whole).await.ok();
        let campaign = payload["campaign"]["id"].clone();
        merchant.activate(&campaign).await.ok();
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let used = alice.redeem(&voucher, app.order().await, "3").await.ok();
        let used = used["redemption"].clone();
        assert_eq!(used["amountRefunded"]["amount"], "2.0000");
        assert_eq!(used["voucher"]["status"], "FULLY_REDEEMED");
        app.shop().settle_redemption(&used["id"]).await.ok();
        assert_eq!(app.till(&merchant).await, "55.0000");
        merchant
            .return_redemption(&used["id"], Some("1"))
            .await
            .refused("PARTIAL_RETURN_NOT_ALLOWED", Some("amount"));
        let back = merchant.return_redemption(&used["id"], None).await.ok();
        assert_eq!(back["redemption"]["amountReturned"]["amount"], "3.0000");
        assert_eq!(
            back["redemption"]["voucher"]["status"],
            "PARTIALLY_REDEEMED"
        );
    });
}

#[test]
fn voids_back_onto_the_voucher() {
    test(async |app| {
        let (merchant, campaign) = app.sold().await;
        let alice = app.holder("10").await.actor();
        let voucher = alice.exchange(&campaign).await.ok()["voucher"]["id"].clone();
        let order = app.order().await;
        let used = alice.redeem(&voucher, order, "5").await.ok()["redemption"].clone();
        assert_eq!(used["priceShare"]["amount"], "2.0000");
        let voided = app.shop().void_redemption(&used["id"]).await.ok();
        assert_eq!(voided["redemption"]["status"], "VOIDED");
        assert_eq!(voided["transaction"], json!(null));
        assert_eq!(voided["redemption"]["voucher"]["status"], "CLAIMED");
        app.shop()
            .settle_redemption(&used["id"])
            .await
            .refused("REDEMPTION_VOIDED", Some("redemptionId"));
        // The order is free again.
        alice.redeem(&voucher, order, "5").await.ok();
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts, ("50.0000".to_owned(), "2.0000".to_owned()));
    });
}

#[test]
fn voids_what_is_not_settled_in_time() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let used = alice.redeem(&voucher, app.order().await, "5").await.ok();
        let kept = used["redemption"]["settleExpiresAt"].clone();
        assert!(kept.is_string());
        app.advance(TimeDelta::hours(73)).await;
        void_overdue(&app.db).await.unwrap();
        assert_eq!(app.count("redemptions", "status = 'VOIDED'").await, 1);
        let fields = "status redemptions(first: 5) { nodes { status } }";
        let seen = alice.voucher(&voucher, fields).await;
        assert_eq!(seen["status"], "CLAIMED");
        assert_eq!(seen["redemptions"]["nodes"], json!([{"status": "VOIDED"}]));
        assert_eq!(app.events("RedemptionVoided").await.len(), 1);
    });
}

#[test]
fn gives_back_no_more_than_was_redeemed_after_the_end() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        app.advance(TimeDelta::days(28)).await;
        alice.redeem(&voucher, app.order().await, "1").await.ok();
        app.advance(TimeDelta::days(4)).await;
        // Before the job that books expired vouchers.
        void_overdue(&app.db).await.unwrap();
        db::promotions::voucher::expire(&app.db).await.unwrap();
        let seen = alice
            .voucher(&voucher, "status remainingValue { amount }")
            .await;
        let kept = json!({"status": "PARTIALLY_REDEEMED", "remainingValue": {"amount": "1.0000"}});
        assert_eq!(seen, kept);
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts.0, "46.0000");
        assert_eq!(app.events("VoucherExpired").await.len(), 1);
    });
}

#[test]
fn returns_no_more_than_was_redeemed_after_the_end() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        let used = merchant.redeem_at_till(&code, "1").await.ok();
        app.advance(TimeDelta::days(31)).await;
        // Before the job that books expired vouchers.
        let id = used["redemption"]["id"].clone();
        let back = merchant.return_redemption(&id, None).await.ok();
        let kept = &back["redemption"]["voucher"]["remainingValue"];
        assert_eq!(kept["amount"], "1.0000");
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts.0, "46.0000");
        assert_eq!(app.events("VoucherExpired").await.len(), 1);
    });
}

#[test]
fn takes_another_amount_once_all_of_an_order_is_voided() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        let (alice, shop) = (app.user(), app.shop());
        let voucher = alice.claimed(&campaign).await;
        let order = app.order().await;
        let used = alice.redeem(&voucher, order, "4").await.ok();
        let id = used["redemption"]["id"].clone();
        shop.void_redemption(&id).await.ok();
        let again = alice.redeem(&voucher, order, "3").await.ok();
        assert_eq!(again["redemption"]["amountUsed"], mp("3.0000"));
    });
}

/// Their commands that post nothing leave no other trace.
#[test]
fn audits_what_services_redeem_and_void() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        let (alice, shop) = (app.user(), app.shop());
        let voucher = alice.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        let used = shop.redeem_for(&alice, &code, app.order().await, "2");
        let id = used.await.ok()["redemption"]["id"].clone();
        shop.void_redemption(&id).await.ok();
        for action in ["promotions.voucher_redeem", "promotions.redemption_void"] {
            assert_eq!(app.audited(action).await.len(), 1, "{action}");
        }
        // A posting carries its caller.
        let used = shop.redeem_for(&alice, &code, app.order().await, "2");
        let id = used.await.ok()["redemption"]["id"].clone();
        shop.settle_redemption(&id).await.ok();
        assert_eq!(app.audited("promotions.redemption_settle").await.len(), 0);
    });
}

#[test]
fn returns_value_of_a_settled_redemption() {
    test(async |app| {
        let (merchant, campaign) = app.sold().await;
        let alice = app.holder("10").await.actor();
        let voucher = alice.exchange(&campaign).await.ok()["voucher"]["id"].clone();
        let used = alice.redeem(&voucher, app.order().await, "4").await.ok();
        let used = used["redemption"]["id"].clone();
        merchant
            .return_redemption(&used, None)
            .await
            .refused("REDEMPTION_PENDING", Some("redemptionId"));
        app.shop().settle_redemption(&used).await.ok();
        assert_eq!(app.till(&merchant).await, "55.6000");
        for amount in ["0", "-1", "0.00001"] {
            let refused = merchant.return_redemption(&used, Some(amount)).await;
            refused.refused("AMOUNT_INVALID", Some("amount"));
        }
        let too_much = merchant.return_redemption(&used, Some("4.5")).await;
        let error = too_much.refused("RETURN_EXCEEDED", Some("amount"));
        assert_eq!(error["returnable"], mp("4.0000"));
        let back = merchant.return_redemption(&used, Some("1")).await.ok();
        assert_eq!(back["redemption"]["amountReturned"]["amount"], "1.0000");
        assert_eq!(
            back["redemption"]["voucher"]["remainingValue"]["amount"],
            "2.0000"
        );
        assert_eq!(app.till(&merchant).await, "54.2000");
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts, ("47.0000".to_owned(), "0.8000".to_owned()));
        let finance = app.finance();
        finance.freeze(&merchant_owner(&merchant)).await.ok();
        merchant
            .return_redemption(&used, None)
            .await
            .refused("WALLET_FROZEN", None);
        finance
            .unfreeze(&merchant_owner(&merchant), "FINANCE")
            .await
            .ok();
        let other = app.merchant("1").await;
        other
            .return_redemption(&used, None)
            .await
            .refused("REDEMPTION_NOT_FOUND", Some("redemptionId"));
        app.shop().return_redemption(&used, None).await.ok();
        merchant
            .return_redemption(&used, None)
            .await
            .refused("RETURN_EXCEEDED", Some("amount"));
        app.advance(TimeDelta::days(91)).await;
        merchant
            .return_redemption(&used, None)
            .await
            .refused("RETURN_TOO_LATE", Some("redemptionId"));
        assert_eq!(app.events("RedemptionReturned").await.len(), 2);
    });
}

#[test]
fn refuses_a_return_that_the_wallet_does_not_cover() {
    test(async |app| {
        let merchant = app.merchant("50").await;
        let payload = merchant.create_campaign().await.ok();
        let campaign = payload["campaign"]["id"].clone();
        merchant.activate(&campaign).await.ok();
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        let used = merchant.redeem_at_till(&code, "5").await.ok()["redemption"]["id"].clone();
        // All that the merchant has goes into another campaign.
        let small = json!({"totalVouchers": 1});
        merchant.create_campaign().with(small).await.ok();
        let refused = merchant.return_redemption(&used, None).await;
        let error = refused.refused("INSUFFICIENT_FUNDS", None);
        assert_eq!(error["available"], mp("0.0000"));
    });
}

#[test]
fn keeps_a_voucher_usable_after_value_came_back() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let (alice, bob) = (app.user(), app.user());
        let mut used = Vec::new();
        for person in [&alice, &bob] {
            let voucher = person.claimed(&campaign).await;
            let code = person.code_of(&voucher).await;
            let payload = merchant.redeem_at_till(&code, "3").await.ok();
            used.push((voucher, payload["redemption"]["id"].clone()));
        }
        // The vouchers are valid for 30 days, and 14 more for value that comes back.
        app.advance(TimeDelta::days(40)).await;
        db::promotions::voucher::expire(&app.db).await.unwrap();
        assert_eq!(app.count("vouchers", "status = 'EXPIRED'").await, 2);
        let back = merchant.return_redemption(&used[0].1, None).await.ok();
        assert_eq!(
            back["redemption"]["voucher"]["status"],
            "PARTIALLY_REDEEMED"
        );
        assert_eq!(
            back["redemption"]["voucher"]["remainingValue"]["amount"],
            "3.0000"
        );
        alice.redeem(&used[0].0, app.order().await, "1").await.ok();
        app.advance(TimeDelta::days(5)).await;
        let late = merchant.return_redemption(&used[1].1, None).await.ok();
        assert_eq!(late["transaction"], json!(null));
        assert_eq!(late["redemption"]["voucher"]["status"], "EXPIRED");
    });
}

#[test]
fn uses_a_voucher_once_of_two_at_once() {
    test(async |app| {
        let merchant = app.merchant("1000").await;
        let many = json!({"totalVouchers": 220, "faceValue": mp("4")});
        let payload = merchant.create_campaign().with(many).await.ok();
        let campaign = payload["campaign"]["id"].clone();
        merchant.activate(&campaign).await.ok();
        rounds(async |_| {
            let alice = app.user();
            let voucher = alice.claimed(&campaign).await;
            let code = alice.code_of(&voucher).await;
            let tills = [
                merchant.redeem_at_till(&code, "5"),
                merchant.redeem_at_till(&code, "5"),
            ];
            at_once(tills).await.one_applied("VOUCHER_USED");
        })
        .await;
    });
}
