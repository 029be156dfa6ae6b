//! `voucherRevoke`, `voucherExtend`, the expiry of vouchers, and their reads.

use chrono::TimeDelta;
use domain::access::Scope;
use serde_json::{Value, json};

use crate::support::promotions::merchant_owner;
use crate::support::rounds::rounds;
use crate::support::wallets::mp;
use crate::support::{Actor, at_once, test};

#[test]
fn revokes_a_voucher() {
    test(async |app| {
        let (merchant, campaign) = app.sold().await;
        let alice = app.holder("10").await.actor();
        let voucher = alice.exchange(&campaign).await.ok()["voucher"]["id"].clone();
        let admin = app.admin();
        admin
            .revoke_voucher(&voucher)
            .with(json!({"reason": " "}))
            .await
            .refused("REASON_INVALID", Some("reason"));
        let code = alice.code_of(&voucher).await;
        merchant.redeem_at_till(&code, "3").await.ok();
        let revoked = admin.revoke_voucher(&voucher).await.ok();
        assert_eq!(revoked["voucher"]["status"], "EXPIRED");
        assert_eq!(revoked["voucher"]["revocationReason"], "a test");
        assert!(revoked["voucher"]["revokedAt"].is_string());
        // 1.2 of the price was earned.
        assert_eq!(app.balance(&alice).await.0, "8.8000");
        assert_eq!(app.till(&merchant).await, "56.2000");
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts, ("45.0000".to_owned(), "0.0000".to_owned()));
        admin
            .revoke_voucher(&voucher)
            .await
            .refused("VOUCHER_STATUS_INVALID", Some("voucherId"));
        let event = app.events("VoucherRefunded").await.remove(0).payload;
        assert_eq!(event["price"], "0.8000");
        let event = app.events("VoucherRevoked").await.remove(0).payload;
        assert_eq!(event["reason"], "a test");
        assert_eq!(app.audited("promotions.voucher_revoke").await.len(), 3);
        // One that was used counts for the limit, one that was not does not.
        let counted = "acquired = 1";
        assert_eq!(app.count("campaign_users", counted).await, 1);
        let unused = alice.exchange(&campaign).await.ok()["voucher"]["id"].clone();
        admin.revoke_voucher(&unused).await.ok();
        assert_eq!(app.count("campaign_users", counted).await, 1);
        let unknown = json!(
            "Vm91Y2hlcjowMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAx"
        );
        for run in [
            admin.revoke_voucher(&unknown),
            admin.extend_voucher(&unknown, 1),
        ] {
            run.await.refused("VOUCHER_NOT_FOUND", None);
        }
    });
}

#[test]
fn extends_a_voucher() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let admin = app.admin();
        for days in [0, 366] {
            admin
                .extend_voucher(&voucher, days)
                .await
                .refused("DAYS_INVALID", Some("additionalDays"));
        }
        admin
            .extend_voucher(&voucher, 1)
            .with(json!({"reason": ""}))
            .await
            .refused("REASON_INVALID", Some("reason"));
        let extended = admin.extend_voucher(&voucher, 5).await.ok();
        assert_eq!(extended["voucher"]["status"], "CLAIMED");
        app.advance(TimeDelta::days(34)).await;
        let code = alice.code_of(&voucher).await;
        alice.redeem(&voucher, app.order().await, "1").await.ok();
        app.advance(TimeDelta::days(1)).await;
        admin
            .extend_voucher(&voucher, 1)
            .await
            .refused("VOUCHER_STATUS_INVALID", Some("voucherId"));
        assert!(code.is_string());
        assert_eq!(app.events("VoucherExtended").await.len(), 1);
    });
}

#[test]
fn decides_nothing_about_ones_own_vouchers() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        let admin = app.admin();
        let voucher = admin.claimed(&campaign).await;
        for run in [
            admin.revoke_voucher(&voucher),
            admin.extend_voucher(&voucher, 1),
        ] {
            run.await.refused("OWN_ACCOUNT", Some("voucherId"));
        }
    });
}

#[test]
fn books_vouchers_that_expired() {
    test(async |app| {
        let (merchant, campaign) = app.sold().await;
        let alice = app.holder("10").await.actor();
        let used = alice.exchange(&campaign).await.ok()["voucher"]["id"].clone();
        let pending = alice.exchange(&campaign).await.ok()["voucher"]["id"].clone();
        let code = alice.code_of(&used).await;
        merchant.redeem_at_till(&code, "3").await.ok();
        app.advance(TimeDelta::days(28)).await;
        db::promotions::voucher::expire(&app.db).await.unwrap();
        assert_eq!(app.count("vouchers", "is_warned").await, 2);
        let redeemed = alice.redeem(&pending, app.order().await, "1").await.ok();
        app.advance(TimeDelta::days(2)).await;
        db::promotions::voucher::expire(&app.db).await.unwrap();
        assert_eq!(app.count("vouchers", "status = 'EXPIRED'").await, 2);
        // The eight unissued vouchers, and what the pending redemption holds.
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts, ("41.0000".to_owned(), "0.4000".to_owned()));
        assert_eq!(app.till(&merchant).await, "62.6000");
        assert_eq!(app.events("VoucherExpired").await.len(), 2);
        assert_eq!(app.events("VoucherExpiring").await.len(), 2);
        let id = redeemed["redemption"]["id"].clone();
        app.shop().settle_redemption(&id).await.ok();
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts, ("40.0000".to_owned(), "0.0000".to_owned()));
    });
}

#[test]
fn redeems_or_revokes_of_both_at_once() {
    test(async |app| {
        let merchant = app.merchant("1000").await;
        let many = json!({"totalVouchers": 220, "faceValue": mp("4")});
        let payload = merchant.create_campaign().with(many).await.ok();
        let campaign = payload["campaign"]["id"].clone();
        merchant.activate(&campaign).await.ok();
        let admin = app.admin();
        rounds(async |_| {
            let alice = app.user();
            let voucher = alice.claimed(&campaign).await;
            let code = alice.code_of(&voucher).await;
            let both = [
                merchant.redeem_at_till(&code, "5"),
                admin.revoke_voucher(&voucher),
            ];
            let outcomes = at_once(both).await;
            let refusals = outcomes.refusals();
            let one = [
                vec![None, Some("VOUCHER_STATUS_INVALID")],
                vec![Some("VOUCHER_REVOKED"), None],
            ];
            assert!(one.contains(&refusals), "{refusals:?}");
        })
        .await;
    });
}

const VALIDATION: &str =
    "query ($by: VoucherTicketBy!, $user: UUID) { voucherValidation(by: $by, userId: $user) {
    isValid refusal voucher { id remainingValue { amount } expiresAt campaign { name } } } }";

async fn validated(actor: &Actor, by: &Value) -> Value {
    let seen = actor.get(VALIDATION, json!({"by": by})).await;
    seen["voucherValidation"].clone()
}

#[test]
fn validates_what_is_the_callers_concern() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        let by_code = json!({"code": code});
        let valid = validated(&merchant, &by_code).await;
        assert_eq!(valid["isValid"], true);
        assert_eq!(valid["voucher"]["remainingValue"]["amount"], "5.0000");
        assert_eq!(valid["voucher"]["campaign"]["name"], "Coffee for two");
        let valid = validated(&alice, &json!({"voucherId": voucher})).await;
        assert_eq!(valid["isValid"], true);
        let unknown = json!({"isValid": false, "refusal": "VOUCHER_NOT_FOUND", "voucher": null});
        assert_eq!(validated(&app.user(), &by_code).await, unknown);
        assert_eq!(validated(&app.merchant("1").await, &by_code).await, unknown);
        assert_eq!(
            validated(&merchant, &json!({"code": "VAAAAAA"})).await,
            unknown
        );
        assert_eq!(validated(&merchant, &json!({"code": "?"})).await, unknown);
        assert_eq!(
            validated(&merchant, &json!({"voucherId": voucher})).await,
            unknown
        );
        let shop = app.service(&[Scope::PromotionsRedeem]);
        let of_alice = json!({"by": by_code, "user": alice.id().to_string()});
        let seen = shop.get(VALIDATION, of_alice).await;
        assert_eq!(seen["voucherValidation"]["isValid"], true);
        let of_other = json!({"by": by_code, "user": app.user().id().to_string()});
        let seen = shop.get(VALIDATION, of_other).await;
        assert_eq!(seen["voucherValidation"], unknown);
        let nobody = shop.ask(VALIDATION, json!({"by": by_code})).await;
        assert_eq!(nobody.code(), "BAD_USER_INPUT");
        let named = json!({"by": by_code, "user": alice.id().to_string()});
        assert_eq!(alice.ask(VALIDATION, named).await.code(), "BAD_USER_INPUT");
        app.finance()
            .freeze(&crate::support::wallets::owner(&alice))
            .await
            .ok();
        let frozen = validated(&merchant, &by_code).await;
        assert_eq!(frozen["refusal"], "WALLET_FROZEN");
        assert_eq!(frozen["voucher"]["id"], voucher);
    });
}

#[test]
fn limits_guesses_of_codes() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        app.configure("promotion", &json!({"codeGuessesPerHour": 3}))
            .await;
        // Known codes don't count.
        for _ in 0..5 {
            let valid = validated(&merchant, &json!({"code": code})).await;
            assert_eq!(valid["isValid"], true);
        }
        // A command that was not carried out tells nothing.
        for _ in 0..5 {
            alice
                .redeem_at_till(&code, "1")
                .await
                .error("BAD_USER_INPUT");
        }
        let guess = json!({"code": "VAAAAAA"});
        validated(&merchant, &guess).await;
        merchant
            .redeem_at_till(&json!("VBBBBBB"), "1")
            .await
            .refused("VOUCHER_NOT_FOUND", None);
        let query = "query ($by: VoucherBy!) { voucher(by: $by) { id } }";
        let seen = merchant
            .get(query, json!({"by": {"code": "VCCCCCC"}}))
            .await;
        assert_eq!(seen["voucher"], Value::Null);
        let limited = merchant.ask(VALIDATION, json!({"by": guess})).await;
        assert_eq!(limited.code(), "RATE_LIMITED");
        merchant
            .redeem_at_till(&code, "1")
            .await
            .error("RATE_LIMITED");
        // Others of the address are limited later.
        validated(&alice, &guess).await;
    });
}

#[test]
fn takes_any_number_of_known_codes_at_once() {
    test(async |app| {
        let merchant = app.merchant("1000").await;
        let many = json!({"totalVouchers": 30});
        let payload = merchant.create_campaign().with(many).await.ok();
        let campaign = payload["campaign"]["id"].clone();
        merchant.activate(&campaign).await.ok();
        app.configure("promotion", &json!({"codeGuessesPerHour": 2}))
            .await;
        let (shop, mut runs) = (app.shop(), Vec::new());
        for _ in 0..20 {
            let person = app.user();
            let voucher = person.claimed(&campaign).await;
            let code = person.code_of(&voucher).await;
            runs.push(merchant.redeem_at_till(&code, "1"));
            runs.push(shop.redeem_for(&person, &code, app.order().await, "1"));
        }
        at_once(runs).await.all_ok();
    });
}

#[test]
fn counts_guesses_of_a_service_per_holder() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        app.configure("promotion", &json!({"codeGuessesPerHour": 2}))
            .await;
        let (shop, alice, bob) = (app.shop(), app.user(), app.user());
        let order = app.order().await;
        for code in ["VAAAAAA", "VBBBBBB"] {
            shop.redeem_for(&alice, &json!(code), order, "1")
                .await
                .refused("VOUCHER_NOT_FOUND", None);
        }
        let voucher = bob.claimed(&campaign).await;
        let code = bob.code_of(&voucher).await;
        shop.redeem_for(&alice, &code, order, "1")
            .await
            .error("RATE_LIMITED");
        shop.redeem_for(&bob, &code, order, "1").await.ok();
    });
}

#[test]
fn counts_the_code_of_an_unissued_voucher_as_a_guess() {
    test(async |app| {
        let (merchant, _) = app.offered().await;
        app.configure("promotion", &json!({"codeGuessesPerHour": 2}))
            .await;
        let unissued = app.row("vouchers", "number = 1").await;
        let guess = json!({"code": unissued["code"]});
        for _ in 0..2 {
            assert_eq!(validated(&merchant, &guess).await["isValid"], false);
        }
        let limited = merchant.ask(VALIDATION, json!({"by": guess})).await;
        assert_eq!(limited.code(), "RATE_LIMITED");
    });
}

#[test]
fn counts_each_code_in_a_list_as_a_guess() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        app.configure("promotion", &json!({"codeGuessesPerHour": 2}))
            .await;
        let query = "query ($by: CampaignBy!, $code: String) { campaign(by: $by) {
            vouchers(first: 1, filter: {code: $code}) { nodes { id } }
        } }";
        let of_code = json!({"by": {"id": campaign}, "code": code});
        let support = app.support();
        for reader in [&merchant, &merchant, &support, &support, &support] {
            let seen = reader.get(query, of_code.clone()).await;
            assert_eq!(seen["campaign"]["vouchers"]["nodes"][0]["id"], voucher);
        }
        let limited = merchant.ask(query, of_code).await;
        assert_eq!(limited.code(), "RATE_LIMITED");
    });
}

#[test]
fn warns_again_of_a_later_end() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        let voucher = app.user().claimed(&campaign).await;
        app.advance(TimeDelta::days(28)).await;
        db::promotions::voucher::expire(&app.db).await.unwrap();
        assert_eq!(app.events("VoucherExpiring").await.len(), 1);
        app.admin().extend_voucher(&voucher, 10).await.ok();
        db::promotions::voucher::expire(&app.db).await.unwrap();
        assert_eq!(app.events("VoucherExpiring").await.len(), 1);
        app.advance(TimeDelta::days(10)).await;
        db::promotions::voucher::expire(&app.db).await.unwrap();
        assert_eq!(app.events("VoucherExpiring").await.len(), 2);
    });
}

#[test]
fn shows_a_voucher_to_holder_merchant_and_staff() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let query = "query ($by: VoucherBy!) { voucher(by: $by) { code codeEnding status owner { uuid } qrCodeUrl { url } } }";
        let by = json!({"by": {"id": voucher}});
        let seen = alice.get(query, by.clone()).await["voucher"].clone();
        assert!(
            seen["code"].is_string() && seen["qrCodeUrl"]["url"].is_string(),
            "{seen}"
        );
        let by_code = json!({"by": {"code": seen["code"]}});
        let same = alice.get(query, by_code.clone()).await["voucher"].clone();
        assert_eq!(same["code"], seen["code"]);
        for reader in [&merchant, &app.support(), &app.shop()] {
            let shown = reader.get(query, by.clone()).await["voucher"].clone();
            assert_eq!(shown["codeEnding"], seen["codeEnding"]);
            assert_eq!(
                (&shown["code"], &shown["qrCodeUrl"]),
                (&Value::Null, &Value::Null)
            );
        }
        // A code finds nothing for others than the holder.
        for reader in [&merchant, &app.user()] {
            assert_eq!(
                reader.get(query, by_code.clone()).await["voucher"],
                Value::Null
            );
        }
        assert_eq!(app.user().get(query, by).await["voucher"], Value::Null);
    });
}

#[test]
fn lists_vouchers_of_people_campaigns_and_all() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        app.user().claimed(&campaign).await;
        let own = "query ($status: VoucherStatus) { viewer { vouchers(first: 5, status: $status) { nodes { id code } totalCount } } }";
        let seen = alice.get(own, json!({})).await["viewer"]["vouchers"].clone();
        assert_eq!(
            seen,
            json!({"nodes": [{"id": voucher, "code": code}], "totalCount": 1})
        );
        for (status, count) in [
            ("CLAIMED", 1),
            ("EXPIRED", 0),
            ("AVAILABLE", 0),
            ("FULLY_REDEEMED", 0),
        ] {
            let seen = alice.get(own, json!({"status": status})).await;
            assert_eq!(seen["viewer"]["vouchers"]["totalCount"], count, "{status}");
        }
        let of_campaign = "query ($by: CampaignBy!, $filter: VoucherFilter) { campaign(by: $by) {
            vouchers(first: 20, filter: $filter) { totalCount nodes { code codeEnding } }
            redemptions(first: 5) { totalCount } } }";
        let all = json!({"by": {"id": campaign}});
        let seen = merchant.get(of_campaign, all.clone()).await["campaign"].clone();
        assert_eq!(seen["vouchers"]["totalCount"], 10);
        assert_eq!(seen["redemptions"]["totalCount"], 0);
        assert!(!seen.to_string().contains(code.as_str().unwrap()));
        let seen = alice.get(of_campaign, all).await["campaign"].clone();
        assert_eq!(seen, json!({"vouchers": null, "redemptions": null}));
        let list = "query ($filter: VoucherFilter) { vouchers(first: 20, filter: $filter) { totalCount nodes { id } } }";
        let staff = app.support();
        let filters = [
            (json!({}), 10),
            (json!({"campaignId": campaign}), 10),
            (json!({"code": code}), 1),
            (json!({"code": "VAAAAAA"}), 0),
            (json!({"userId": alice.id().to_string()}), 1),
            (json!({"status": "AVAILABLE"}), 8),
            (json!({"status": "CLAIMED"}), 2),
            (json!({"status": "PARTIALLY_REDEEMED"}), 0),
            (json!({"status": "FULLY_REDEEMED"}), 0),
            (json!({"status": "EXPIRED"}), 0),
        ];
        for (filter, count) in filters {
            let seen = staff.get(list, json!({"filter": filter})).await;
            assert_eq!(seen["vouchers"]["totalCount"], count, "{filter}");
        }
        merchant.cancel_campaign(&campaign).await.ok();
        let seen = staff
            .get(list, json!({"filter": {"status": "EXPIRED"}}))
            .await;
        assert_eq!(seen["vouchers"]["totalCount"], 8);
        // A holder sees the cancelled campaign of the voucher.
        let seen = alice.voucher(&voucher, "campaign { status }").await;
        assert_eq!(seen["campaign"]["status"], "CANCELLED");
    });
}

#[test]
fn lists_redemptions() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let order = app.order().await;
        let used = alice.redeem(&voucher, order, "1").await.ok()["redemption"].clone();
        let list = "query ($filter: RedemptionFilter) { redemptions(first: 20, filter: $filter) { totalCount nodes { id } } }";
        let staff = app.support();
        let filters = [
            (json!({}), 1),
            (json!({"campaignId": campaign}), 1),
            (json!({"merchantId": merchant.id().to_string()}), 1),
            (json!({"merchantId": alice.id().to_string()}), 0),
            (json!({"orderId": order.to_string()}), 1),
            (json!({"orderId": alice.id().to_string()}), 0),
            (json!({"redeemedAt": {"from": "2026-01-01T00:00:00Z"}}), 1),
            (json!({"redeemedAt": {"until": "2026-01-01T00:00:00Z"}}), 0),
            (json!({"status": "PENDING"}), 1),
            (json!({"status": "SETTLED"}), 0),
            (json!({"userId": alice.id().to_string()}), 1),
            (json!({"userId": merchant.id().to_string()}), 0),
            (json!({"voucherId": voucher}), 1),
        ];
        for (filter, count) in filters {
            let seen = staff.get(list, json!({"filter": filter})).await;
            assert_eq!(seen["redemptions"]["totalCount"], count, "{filter}");
        }
        let own =
            "{ viewer { redemptions(first: 5) { nodes { id voucher { id } user { uuid } } } } }";
        let seen = alice.get(own, json!({})).await["viewer"]["redemptions"]["nodes"].clone();
        assert_eq!(seen[0]["id"], used["id"]);
        assert_eq!(seen[0]["voucher"]["id"], voucher);
        let one =
            "query ($by: RedemptionBy!) { redemption(by: $by) { status amountUsed { amount } } }";
        for by in [json!({"id": used["id"]}), json!({"uuid": used["uuid"]})] {
            for reader in [&alice, &merchant, &staff, &app.shop()] {
                let seen = reader.get(one, json!({"by": by})).await;
                assert_eq!(
                    seen["redemption"]["amountUsed"]["amount"],
                    mp("1.0000")["amount"]
                );
            }
            assert_eq!(
                app.user().get(one, json!({"by": by})).await["redemption"],
                Value::Null
            );
        }
        assert_eq!(merchant_owner(&merchant)["kind"], "MERCHANT");
    });
}
