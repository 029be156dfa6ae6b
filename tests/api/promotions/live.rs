//! `campaignUpdated`, `vouchersUpdated`, and the QR code of a voucher.

use db::promotions::voucher::revocation::revoke_all;
use serde_json::{Value, json};

use crate::support::qr::decoded;
use crate::support::wallets::mp;
use crate::support::{Socket, test};

/// The next event with this state of the campaign. Earlier ones can repeat the state before.
async fn until(socket: &mut Socket, campaign: &Value) -> Value {
    loop {
        let event = socket.event("1").await["campaignUpdated"].clone();
        if event["campaign"] == *campaign {
            return event;
        }
    }
}

#[test]
fn follows_the_money_of_a_campaign() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let mut socket = merchant.socket().await;
        let id = campaign.as_str().unwrap();
        let follow = format!(
            "subscription {{ campaignUpdated(campaignId: \"{id}\") {{ campaign {{ escrow {{ amount }} revocation {{ done total }} }} }} }}"
        );
        socket.subscribe("1", &follow).await;
        app.until(|| app.events.count() == 1).await;
        let (alice, bob) = (app.user(), app.user());
        let voucher = alice.claimed(&campaign).await;
        bob.claimed(&campaign).await;
        let code = alice.code_of(&voucher).await;
        merchant.redeem_at_till(&code, "2").await.ok();
        let used = json!({"escrow": {"amount": "48.0000"}, "revocation": null});
        until(&mut socket, &used).await;
        app.admin().revoke_campaign(&campaign).await.ok();
        let begun = json!({"escrow": {"amount": "8.0000"}, "revocation": {"done": 0, "total": 2}});
        until(&mut socket, &begun).await;
        revoke_all(&app.db).await.unwrap();
        let done = json!({"escrow": {"amount": "0.0000"}, "revocation": {"done": 2, "total": 2}});
        until(&mut socket, &done).await;
    });
}

#[test]
fn follows_a_campaign() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let mut socket = app.anonymous().socket().await;
        let id = campaign.as_str().unwrap();
        let follow = format!(
            "subscription {{ campaignUpdated(campaignId: \"{id}\") {{ sequence campaign {{ status availableVouchers escrow {{ amount }} }} }} }}"
        );
        socket.subscribe("1", &follow).await;
        app.until(|| app.events.count() == 1).await;
        app.user().claimed(&campaign).await;
        let seen = json!({"status": "ACTIVE", "availableVouchers": 9, "escrow": null});
        let event = until(&mut socket, &seen).await;
        merchant.pause(&campaign).await.ok();
        let seen = json!({"status": "PAUSED", "availableVouchers": 9, "escrow": null});
        let paused = until(&mut socket, &seen).await;
        let number =
            |event: &Value| -> i64 { event["sequence"].as_str().unwrap().parse().unwrap() };
        assert!(number(&paused) > number(&event));
        // A cancelled campaign is not public.
        merchant.cancel_campaign(&campaign).await.ok();
        assert_eq!(socket.hear().await, json!({"id": "1", "type": "complete"}));
        let (_, draft) = app.drafted().await;
        let hidden = follow.replace(id, draft.as_str().unwrap());
        socket.subscribe("2", &hidden).await;
        assert_eq!(socket.error().await, "NOT_FOUND");
    });
}

#[test]
fn follows_ones_own_vouchers() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let (alice, bob) = (app.user(), app.user());
        let mut socket = alice.socket().await;
        let follow = "subscription { vouchersUpdated { sequence voucher { id status code remainingValue { amount } } } }";
        socket.subscribe("1", follow).await;
        app.until(|| app.events.count() == 1).await;
        bob.claimed(&campaign).await;
        let voucher = alice.claimed(&campaign).await;
        let event = socket.event("1").await["vouchersUpdated"].clone();
        assert_eq!(event["voucher"]["id"], voucher);
        assert_eq!(event["voucher"]["status"], "CLAIMED");
        let code = event["voucher"]["code"].clone();
        merchant.redeem_at_till(&code, "2").await.ok();
        let used = socket.event("1").await["vouchersUpdated"]["voucher"].clone();
        assert_eq!(used["status"], "PARTIALLY_REDEEMED");
        assert_eq!(used["remainingValue"]["amount"], "3.0000");
    });
}

#[test]
fn redeems_by_the_qr_code_that_the_holder_shows() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let alice = app.user();
        let voucher = alice.claimed(&campaign).await;
        let seen = alice
            .voucher(&voucher, "code qrCodeUrl { url expiresAt }")
            .await;
        let url = seen["qrCodeUrl"]["url"].as_str().unwrap().to_owned();
        let path = &url[url.find("/vouchers/").unwrap()..];
        let answer = reqwest::get(app.url(path)).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "image/svg+xml");
        let image = answer.text().await.unwrap();
        let token = decoded(&image);
        assert!(!token.contains(seen["code"].as_str().unwrap()));
        let redeem = json!({"voucher": {"token": token}, "orderAmount": mp("2")});
        let used = merchant.run("voucherRedeem", redeem.clone()).await.ok();
        assert_eq!(used["redemption"]["redeemedBy"], "MERCHANT");
        // The token is worth nothing at another till, nor to the holder.
        for other in [app.merchant("1").await, alice] {
            let refused = other.run("voucherRedeem", redeem.clone()).await;
            refused.refused("VOUCHER_NOT_FOUND", None);
        }
        let wrong = app.url(path.split('?').next().unwrap());
        assert_eq!(reqwest::get(wrong).await.unwrap().status(), 403);
        let link = url.split("token=").nth(1).unwrap();
        let forged = json!({"voucher": {"token": link}, "orderAmount": mp("2")});
        let refused = merchant.run("voucherRedeem", forged).await;
        refused.refused("VOUCHER_NOT_FOUND", None);
    });
}
