//! `voucherClaim`, `voucherExchange`, `voucherPurchase`.

use serde_json::json;

use crate::support::promotions::merchant_owner;
use crate::support::rounds::rounds;
use crate::support::wallets::mp;
use crate::support::{at_once, test};

#[test]
fn claims_a_free_voucher() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        let alice = app.user();
        let claimed = alice.claim_voucher(&campaign).key("1").await.ok();
        let voucher = claimed["voucher"].clone();
        assert_eq!(voucher["status"], "CLAIMED");
        assert_eq!(voucher["owner"]["uuid"], alice.id().to_string());
        assert_eq!(voucher["remainingValue"], mp("5.0000"));
        assert_eq!(voucher["pricePaid"], json!(null));
        assert_eq!(voucher["campaign"]["issuedVouchers"], 1);
        assert_eq!(voucher["campaign"]["availableVouchers"], 9);
        let replayed = alice.claim_voucher(&campaign).key("1").await.replayed();
        assert_eq!(replayed["voucher"]["id"], voucher["id"]);
        let code = alice.code_of(&voucher["id"]).await;
        let code = code.as_str().unwrap();
        assert!(code.len() == 7 && code.starts_with('V'), "{code}");
        assert!(code.ends_with(voucher["codeEnding"].as_str().unwrap()));
        let event = app.events("VoucherClaimed").await.remove(0).payload;
        assert_eq!(event["voucherId"], voucher["uuid"]);
        assert_eq!(event["userId"], alice.id().to_string());
        assert_eq!(event["transactionId"], json!(null));
        assert!(!event.to_string().contains(code), "{event}");
    });
}

#[test]
fn exchanges_and_purchases_for_the_price() {
    test(async |app| {
        let (merchant, campaign) = app.sold().await;
        let alice = app.holder("5").await.actor();
        let bought = alice.exchange(&campaign).await.ok();
        assert_eq!(bought["voucher"]["pricePaid"]["amount"], "2.0000");
        assert_eq!(bought["transaction"]["cause"], "VOUCHER_PRICE");
        assert_eq!(app.balance(&alice).await.0, "3.0000");
        let accounts = app.accounts(&merchant, &campaign).await;
        assert_eq!(accounts, ("50.0000".to_owned(), "2.0000".to_owned()));
        alice.exchange(&campaign).await.ok();
        let refused = alice.exchange(&campaign).await;
        let error = refused.refused("INSUFFICIENT_FUNDS", None);
        assert_eq!(error["available"], mp("1.0000"));
        alice
            .purchase(&campaign)
            .await
            .refused("WRONG_ACQUISITION_TYPE", Some("campaignId"));
        alice
            .claim_voucher(&campaign)
            .await
            .refused("WRONG_ACQUISITION_TYPE", Some("campaignId"));
    });
}

#[test]
fn refuses_in_this_order() {
    test(async |app| {
        let (merchant, campaign) = app.drafted().await;
        let alice = app.user();
        let claim = async |code: &str| {
            let refused = alice.claim_voucher(&campaign).await;
            refused.refused(code, Some("campaignId"))
        };
        claim("CAMPAIGN_NOT_FOUND").await;
        let soon = json!({"startsAt": app.in_days(1).await});
        merchant.update_campaign(&campaign, soon).await.ok();
        merchant.activate(&campaign).await.ok();
        let error = claim("CAMPAIGN_NOT_STARTED").await;
        assert!(error["retryAt"].is_string());
        // One that has ended never starts.
        let (other, never) = app.drafted().await;
        let soon = json!({"startsAt": app.in_days(1).await});
        other.update_campaign(&never, soon).await.ok();
        other.activate(&never).await.ok();
        other.complete_campaign(&never).await.ok();
        let late = alice.claim_voucher(&never).await;
        late.refused("CAMPAIGN_ENDED", Some("campaignId"));
        merchant.pause(&campaign).await.ok();
        claim("CAMPAIGN_NOT_ACTIVE").await;
        merchant.activate(&campaign).await.ok();
        app.advance(chrono::TimeDelta::days(2)).await;
        let finance = app.finance();
        let owner = merchant_owner(&merchant);
        finance.freeze(&owner).await.ok();
        alice
            .claim_voucher(&campaign)
            .await
            .refused("WALLET_FROZEN", None);
        finance.unfreeze(&owner, "FINANCE").await.ok();
        alice.claim_voucher(&campaign).await.ok();
        let error = claim("LIMIT_PER_USER").await;
        assert_eq!(error["limit"], 1);
        for _ in 0..9 {
            app.user().claim_voucher(&campaign).await.ok();
        }
        let late = app.user();
        late.claim_voucher(&campaign)
            .await
            .refused("SOLD_OUT", Some("campaignId"));
        merchant.cancel_campaign(&campaign).await.ok();
        claim("CAMPAIGN_ENDED").await;
        alice
            .claim_voucher(&json!("Q2FtcGFpZ246MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMQ"))
            .await
            .refused("CAMPAIGN_NOT_FOUND", Some("campaignId"));
    });
}

#[test]
fn gives_one_person_no_more_than_the_limit() {
    test(async |app| {
        let merchant = app.merchant("1000").await;
        let many = json!({"totalVouchers": 220, "faceValue": mp("4")});
        let payload = merchant.create_campaign().with(many).await.ok();
        let campaign = payload["campaign"]["id"].clone();
        merchant.activate(&campaign).await.ok();
        rounds(async |_| {
            let alice = app.user();
            let both = [
                alice.claim_voucher(&campaign),
                alice.claim_voucher(&campaign),
            ];
            at_once(both).await.one_applied("LIMIT_PER_USER");
        })
        .await;
    });
}
