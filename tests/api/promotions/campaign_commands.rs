use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::promotions::merchant_owner;
use crate::support::samples::wallet;
use crate::support::wallets::mp;
use crate::support::{Actor, TestApp, at_once, test};

/// Available MP of a merchant.
async fn available(app: &TestApp, merchant: &Actor) -> String {
    let query = "query ($owner: WalletOwnerInput!) { wallets(owner: $owner) { kind available { amount } } }";
    let owner = json!({"owner": merchant_owner(merchant)});
    let wallets = app.support().get(query, owner).await["wallets"].clone();
    let main = wallets.as_array().unwrap().iter();
    let main = main.filter(|wallet| wallet["kind"] == "MAIN");
    let amounts: Vec<_> = main
        .map(|wallet| wallet["available"]["amount"].clone())
        .collect();
    assert_eq!(amounts.len(), 1, "{wallets}");
    amounts[0].as_str().unwrap().to_owned()
}

async fn status(app: &TestApp, campaign: &Value) -> Value {
    let query = "query ($id: ID!) { campaign(by: {id: $id}) { status availableVouchers escrow { amount } } }";
    app.support().get(query, json!({"id": campaign})).await["campaign"].clone()
}

#[test]
fn creates_a_draft_with_vouchers_and_escrow() {
    test(async |app| {
        let merchant = app.merchant("100").await;
        let run = merchant.create_campaign().key("a");
        let payload = run.clone().await.ok();
        let campaign = &payload["campaign"];
        assert_eq!(campaign["status"], "DRAFT");
        assert_eq!(campaign["merchantId"], merchant.id().to_string());
        assert_eq!(campaign["name"], "Coffee for two");
        assert_eq!(campaign["faceValue"], mp("5.0000"));
        assert_eq!(campaign["acquisitionPrice"], json!(null));
        assert_eq!(campaign["allowPartialRedemption"], true);
        assert_eq!(campaign["maxPerUser"], 1);
        assert_eq!(campaign["voucherValidityDays"], 30);
        assert_eq!(campaign["availableVouchers"], 10);
        assert_eq!(campaign["issuedVouchers"], 0);
        assert_eq!(campaign["escrow"], mp("50.0000"));
        assert_eq!(campaign["escrowTotal"], mp("50.0000"));
        assert_eq!(campaign["proceeds"], json!(null));
        assert_eq!(payload["transaction"]["cause"], "CAMPAIGN_ESCROW");
        assert_eq!(available(app, &merchant).await, "50.0000");

        let form = "code ~ '^V[A-HJ-NP-Z2-9]{6}$' AND status = 'AVAILABLE' AND remaining = 50000";
        assert_eq!(app.count("vouchers", form).await, 10);
        assert_eq!(
            app.number("SELECT sum(number)::bigint FROM vouchers").await,
            55
        );
        let listed = "(code, voucher_id) IN (SELECT code, id FROM vouchers)";
        assert_eq!(app.count("voucher_codes", listed).await, 10);
        let events = app.events("CampaignCreated").await;
        assert_eq!(events[0].payload["escrow"], "50.0000");
        assert_eq!(events[0].payload["campaignId"], campaign["uuid"]);
        assert_eq!(run.await.replayed()["campaign"]["id"], campaign["id"]);
        assert_eq!(app.count("campaigns", "true").await, 1);
    });
}

/// Tries to create campaigns with these fields; each is refused with a code and a path.
async fn refuse(merchant: &Actor, cases: Vec<(Value, &str, &str)>) {
    for (fields, code, path) in cases {
        let run = merchant.create_campaign().with(fields);
        run.await.refused(code, Some(path));
    }
}

/// The fields of a campaign with a price.
fn priced(kind: &str, price: &Value) -> Value {
    json!({"acquisitionType": kind, "acquisitionPrice": price})
}

#[test]
fn refuses_names_and_amounts_in_order() {
    test(async |app| {
        let merchant = app.merchant("100").await;
        let unknown = json!({"amount": "1", "currency": "XX"});
        let vnd = json!({"amount": "1", "currency": "VND"});
        let (name, face, price) = (
            "CAMPAIGN_NAME_INVALID",
            "FACE_VALUE_INVALID",
            "PRICE_INVALID",
        );
        let (number, amount) = ("VOUCHER_COUNT_INVALID", "acquisitionPrice.amount");
        let description = json!({"description": " ", "faceValue": unknown});
        let cases = vec![
            (json!({"name": " ", "description": " "}), name, "name"),
            (description, "DESCRIPTION_INVALID", "description"),
            (
                json!({"faceValue": unknown, "totalVouchers": 0}),
                "CURRENCY_UNKNOWN",
                "faceValue.currency",
            ),
            (
                priced("FREE", &unknown),
                "CURRENCY_UNKNOWN",
                "acquisitionPrice.currency",
            ),
            (
                json!({"faceValue": mp("0"), "totalVouchers": 0}),
                face,
                "faceValue.amount",
            ),
            (json!({"totalVouchers": 0}), number, "totalVouchers"),
            (json!({"totalVouchers": 100_001}), number, "totalVouchers"),
            (priced("FREE", &mp("1")), price, "acquisitionPrice"),
            (
                priced("EXCHANGE_POINTS", &json!(null)),
                price,
                "acquisitionPrice",
            ),
            (
                priced("PURCHASE", &mp("1")),
                price,
                "acquisitionPrice.currency",
            ),
            (priced("EXCHANGE_POINTS", &mp("0")), price, amount),
            (
                priced("EXCHANGE_POINTS", &mp("50.01")),
                "PRICE_NOT_ALLOWED",
                amount,
            ),
            (
                priced("PURCHASE", &vnd),
                "PRICE_NOT_ALLOWED",
                "acquisitionPrice.currency",
            ),
        ];
        refuse(&merchant, cases).await;
        let dear = merchant
            .create_campaign()
            .with(priced("EXCHANGE_POINTS", &mp("50.01")));
        assert_eq!(
            dear.await.refused("PRICE_NOT_ALLOWED", Some(amount))["max"],
            "50"
        );
    });
}

#[test]
fn refuses_dates_and_limits_in_order() {
    test(async |app| {
        let merchant = app.merchant("100").await;
        app.configure("promotion", &json!({"maxVouchersPerDay": 20}))
            .await;
        let (past, future) = (json!("2026-01-02T00:00:00Z"), json!("2100-01-01T00:00:00Z"));
        let (dates, validity, limit) =
            ("DATES_INVALID", "VALIDITY_INVALID", "MAX_PER_USER_INVALID");
        let cases = vec![
            (
                json!({"startsAt": future, "maxPerUser": 0}),
                dates,
                "endsAt",
            ),
            (json!({"endsAt": past, "maxPerUser": 0}), dates, "endsAt"),
            (
                json!({"voucherValidityDays": 0, "maxPerUser": 0}),
                validity,
                "voucherValidityDays",
            ),
            (
                json!({"voucherValidityDays": 1826}),
                validity,
                "voucherValidityDays",
            ),
            (json!({"maxPerUser": -1}), limit, "maxPerUser"),
            (json!({"maxPerUser": 0}), limit, "maxPerUser"),
            (
                json!({"totalVouchers": 21}),
                "CAMPAIGN_LIMIT",
                "totalVouchers",
            ),
        ];
        refuse(&merchant, cases).await;
    });
}

#[test]
fn refuses_disabled_currencies_and_uncovered_escrow() {
    test(async |app| {
        let merchant = app.merchant("100").await;
        let mut currencies = wallet(json!({}))["currencies"].clone();
        for currency in currencies.as_array_mut().unwrap() {
            if ["PT", "VND"].contains(&currency["code"].as_str().unwrap()) {
                currency["isEnabled"] = json!(false);
            }
        }
        app.configure_wallets(json!({"currencies": currencies}))
            .await;
        let off = |code: &str| json!({"amount": "1", "currency": code});
        let cases = vec![
            (
                json!({"faceValue": off("PT"), "totalVouchers": 0}),
                "CURRENCY_DISABLED",
                "faceValue.currency",
            ),
            (
                priced("PURCHASE", &off("VND")),
                "CURRENCY_DISABLED",
                "acquisitionPrice.currency",
            ),
        ];
        refuse(&merchant, cases).await;
        let dear = json!({"faceValue": mp("10.01")});
        let short = merchant.create_campaign().with(dear.clone()).await;
        let short = short.refused("INSUFFICIENT_FUNDS", Some("faceValue"));
        assert_eq!(short["available"], mp("100.0000"));
        let finance = app.finance();
        finance.freeze(&merchant_owner(&merchant)).await.ok();
        let frozen = merchant.create_campaign().with(dear).await;
        frozen.refused("WALLET_FROZEN", None);
        // A merchant without a wallet is frozen, too.
        let other = app.person(&[domain::access::Role::Merchant]);
        finance.freeze(&merchant_owner(&other)).await.ok();
        other.create_campaign().await.refused("WALLET_FROZEN", None);
        assert_eq!(app.count("voucher_codes", "true").await, 0);
    });
}

#[test]
fn makes_thousands_of_vouchers() {
    test(async |app| {
        let merchant = app.merchant("1000").await;
        let fields = json!({"totalVouchers": 10_001, "faceValue": mp("0.01")});
        merchant.create_campaign().with(fields).await.ok();
        let sums =
            "SELECT count(*) + sum(number) + count(DISTINCT code) + max(number) FROM vouchers";
        let sums = format!("SELECT ({sums})::bigint");
        assert_eq!(app.number(&sums).await, 3 * 10_001 + 10_001 * 10_002 / 2);
        let listed =
            "(code, voucher_id, merchant_id) IN (SELECT code, id, merchant_id FROM vouchers)";
        assert_eq!(app.count("voucher_codes", listed).await, 10_001);
    });
}

#[test]
fn reads_times_to_the_microsecond() {
    test(async |app| {
        let merchant = app.merchant("100").await;
        let times = json!({
            "startsAt": "2099-01-01T00:00:00.0000001Z", "endsAt": "2099-01-01T00:00:00.0000002Z",
        });
        let run = merchant.create_campaign().with(times);
        run.await.refused("DATES_INVALID", Some("endsAt"));
    });
}

#[test]
fn limits_the_campaigns_of_a_merchant() {
    test(async |app| {
        app.configure(
            "promotion",
            &json!({"maxOpenCampaigns": 2, "maxVouchersPerDay": 25}),
        )
        .await;
        let merchant = app.merchant("1000").await;
        // Of two at once one may be sent again.
        let payloads = futures_util::future::join_all(
            [merchant.create_campaign(), merchant.create_campaign()].map(IntoFuture::into_future),
        );
        for outcome in payloads.await {
            if outcome.field("campaign").is_null() {
                outcome.error("CONFLICT");
                merchant.create_campaign().await.ok();
            }
        }
        merchant
            .create_campaign()
            .await
            .refused("CAMPAIGN_LIMIT", None);
        let query = "{ campaigns(first: 1) { nodes { id } } }";
        let id = merchant.get(query, json!({})).await["campaigns"]["nodes"][0]["id"].clone();
        merchant.cancel_campaign(&id).await.ok();
        let day = merchant.create_campaign().await;
        day.refused("CAMPAIGN_LIMIT", Some("totalVouchers"));
        merchant
            .create_campaign()
            .with(json!({"totalVouchers": 5}))
            .await
            .ok();
        app.advance(TimeDelta::days(1)).await;
        let open = merchant.create_campaign().await;
        open.refused("CAMPAIGN_LIMIT", None);
    });
}

#[test]
fn activates_and_pauses() {
    test(async |app| {
        let (merchant, campaign) = app.drafted().await;
        let other = app.person(&[domain::access::Role::Merchant]);
        for run in [other.activate(&campaign), other.pause(&campaign)] {
            run.await.refused("CAMPAIGN_NOT_FOUND", Some("campaignId"));
        }
        let draft = merchant.pause(&campaign).await;
        let draft = draft.refused("CAMPAIGN_STATUS_INVALID", Some("campaignId"));
        assert_eq!(draft["campaign"]["status"], "DRAFT");
        let active = merchant.activate(&campaign).await.ok();
        assert_eq!(active["campaign"]["status"], "ACTIVE");
        merchant
            .activate(&campaign)
            .await
            .refused("CAMPAIGN_STATUS_INVALID", Some("campaignId"));
        assert_eq!(
            merchant.pause(&campaign).await.ok()["campaign"]["status"],
            "PAUSED"
        );
        assert_eq!(
            merchant.activate(&campaign).await.ok()["campaign"]["status"],
            "ACTIVE"
        );
        let names = ["CampaignCreated", "CampaignActivated", "CampaignPaused"];
        let mut counts = Vec::new();
        for name in names {
            counts.push(app.events(name).await.len());
        }
        assert_eq!(counts, [1, 2, 1]);
        merchant.pause(&campaign).await.ok();
        app.pass(TimeDelta::days(36_500)).await;
        let over = merchant.activate(&campaign).await;
        over.refused("CAMPAIGN_STATUS_INVALID", Some("campaignId"));
    });
}

#[test]
fn updates_before_the_end() {
    test(async |app| {
        let (merchant, campaign) = app.drafted().await;
        let change = json!({
            "name": "Tea", "description": null, "startsAt": "2027-01-01T00:00:00Z", "endsAt": "2028-01-01T00:00:00Z",
            "maxPerUser": 3,
        });
        let changed = merchant
            .update_campaign(&campaign, change.clone())
            .await
            .ok();
        let changed = &changed["campaign"];
        assert_eq!(changed["name"], "Tea");
        assert_eq!(changed["description"], json!(null));
        assert_eq!(changed["startsAt"], "2027-01-01T00:00:00Z");
        assert_eq!(changed["endsAt"], "2028-01-01T00:00:00Z");
        assert_eq!(changed["maxPerUser"], 3);
        // The same values again are no change.
        merchant.update_campaign(&campaign, change).await.ok();
        assert_eq!(app.events("CampaignUpdated").await.len(), 1);
        // With one key, a description that is removed is another change than one that stays.
        let keyed = |change| merchant.update_campaign(&campaign, change).key("k");
        keyed(json!({"name": "Tea"})).await.ok();
        let removed = keyed(json!({"name": "Tea", "description": null})).await;
        removed.error_with_reason("CONFLICT", "IDEMPOTENCY_KEY_REUSED");

        let update = |change| merchant.update_campaign(&campaign, change);
        let other = app.person(&[domain::access::Role::Merchant]);
        let foreign = other.update_campaign(&campaign, json!({})).await;
        foreign.refused("CAMPAIGN_NOT_FOUND", Some("campaignId"));
        for (change, code, path) in [
            (json!({}), "NOTHING_TO_CHANGE", None),
            (
                json!({"name": " ", "description": " "}),
                "CAMPAIGN_NAME_INVALID",
                Some("name"),
            ),
            (
                json!({"description": " ", "maxPerUser": 0}),
                "DESCRIPTION_INVALID",
                Some("description"),
            ),
            (
                json!({"endsAt": "2026-12-31T00:00:00Z", "maxPerUser": 0}),
                "DATES_INVALID",
                Some("endsAt"),
            ),
            (
                json!({"maxPerUser": 0}),
                "MAX_PER_USER_INVALID",
                Some("maxPerUser"),
            ),
            (
                json!({"maxPerUser": -1}),
                "MAX_PER_USER_INVALID",
                Some("maxPerUser"),
            ),
        ] {
            update(change).await.refused(code, path);
        }
        update(json!({"startsAt": "2026-01-01T00:00:00Z"}))
            .await
            .ok();
        merchant.activate(&campaign).await.ok();
        for (change, code, path) in [
            (
                json!({"startsAt": "2027-01-01T00:00:00Z"}),
                "DATES_INVALID",
                Some("startsAt"),
            ),
            (
                json!({"endsAt": "2027-12-31T00:00:00Z"}),
                "DATES_INVALID",
                Some("endsAt"),
            ),
            (
                json!({"maxPerUser": 2}),
                "MAX_PER_USER_INVALID",
                Some("maxPerUser"),
            ),
        ] {
            update(change).await.refused(code, path);
        }
        update(json!({"endsAt": "2029-01-01T00:00:00Z", "maxPerUser": 4}))
            .await
            .ok();
        merchant.cancel_campaign(&campaign).await.ok();
        let ended = update(json!({"name": "Cake"})).await;
        ended.refused("CAMPAIGN_STATUS_INVALID", Some("campaignId"));
    });
}

#[test]
fn releases_the_escrow_at_the_end() {
    test(async |app| {
        let (merchant, campaign) = app.drafted().await;
        let other = app.person(&[domain::access::Role::Merchant]);
        for run in [
            other.complete_campaign(&campaign),
            other.cancel_campaign(&campaign),
        ] {
            run.await.refused("CAMPAIGN_NOT_FOUND", Some("campaignId"));
        }
        let draft = merchant.complete_campaign(&campaign).await;
        draft.refused("CAMPAIGN_STATUS_INVALID", Some("campaignId"));
        merchant.activate(&campaign).await.ok();
        let run = merchant.complete_campaign(&campaign).key("c");
        let done = run.clone().await.ok();
        assert_eq!(done["campaign"]["status"], "COMPLETED");
        assert_eq!(done["campaign"]["availableVouchers"], 0);
        assert_eq!(done["campaign"]["escrow"], mp("0.0000"));
        assert_eq!(done["campaign"]["escrowTotal"], mp("50.0000"));
        assert_eq!(done["transaction"]["cause"], "ESCROW_RELEASE");
        assert_eq!(available(app, &merchant).await, "100.0000");
        assert_eq!(run.await.replayed()["transaction"], done["transaction"]);
        for run in [
            merchant.complete_campaign(&campaign),
            merchant.cancel_campaign(&campaign),
        ] {
            run.await
                .refused("CAMPAIGN_STATUS_INVALID", Some("campaignId"));
        }
        let events = app.events("CampaignCompleted").await;
        assert_eq!(events[0].payload["released"], "50.0000");
        assert_eq!(events[0].payload["unissuedVouchers"], 10);

        let draft = merchant.create_campaign().await.ok()["campaign"]["id"].clone();
        let cancelled = merchant.cancel_campaign(&draft).await.ok();
        assert_eq!(cancelled["campaign"]["status"], "CANCELLED");
        assert_eq!(available(app, &merchant).await, "100.0000");
    });
}

#[test]
fn ends_once_of_two_at_once() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let both = [
            merchant.complete_campaign(&campaign),
            merchant.cancel_campaign(&campaign),
        ];
        at_once(both).await.one_applied("CAMPAIGN_STATUS_INVALID");
        assert_eq!(available(app, &merchant).await, "100.0000");
    });
}

#[test]
fn ends_by_administrators() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let admin = app.admin();
        let blank = admin
            .force_complete(&campaign)
            .with(json!({"reason": " "}))
            .await;
        blank.refused("REASON_INVALID", Some("reason"));
        // The same id but for its last digit.
        let mut gone = URL_SAFE_NO_PAD.decode(campaign.as_str().unwrap()).unwrap();
        let last = gone.last_mut().unwrap();
        *last = if *last == b'0' { b'1' } else { b'0' };
        let gone = URL_SAFE_NO_PAD.encode(gone);
        for run in [
            admin.force_complete(&json!(gone)),
            admin.force_cancel(&json!(gone)),
        ] {
            run.await.refused("CAMPAIGN_NOT_FOUND", Some("campaignId"));
        }
        let own = app.person_of(&merchant, &[domain::access::Role::Admin]);
        for run in [own.force_complete(&campaign), own.force_cancel(&campaign)] {
            run.await.refused("OWN_ACCOUNT", Some("campaignId"));
        }
        assert_eq!(
            admin.force_complete(&campaign).await.ok()["campaign"]["status"],
            "COMPLETED"
        );
        let again = admin.force_cancel(&campaign).await;
        again.refused("CAMPAIGN_STATUS_INVALID", Some("campaignId"));
        let (_, other) = app.drafted().await;
        let draft = admin.force_complete(&other).await;
        draft.refused("CAMPAIGN_STATUS_INVALID", Some("campaignId"));
        assert_eq!(
            admin.force_cancel(&other).await.ok()["campaign"]["status"],
            "CANCELLED"
        );
        let audited = app.audited("promotions.campaign_force_cancel").await;
        let applied = audited
            .iter()
            .find(|entry| entry.outcome == "APPLIED")
            .unwrap();
        assert_eq!(applied.reason.as_deref(), Some("a test"));
        assert_eq!(applied.before["status"], "DRAFT");
        assert_eq!(applied.after["status"], "CANCELLED");
        assert!(applied.transaction_id.is_some());
        let query = "{ auditLog(first: 1, filter: {action: CAMPAIGN_FORCE_CANCEL}) { nodes { entity { ... on Campaign { id } } } } }";
        let seen = app.support().get(query, json!({})).await;
        assert_eq!(seen["auditLog"]["nodes"][0]["entity"]["id"], other);
    });
}

#[test]
fn ends_at_its_time() {
    test(async |app| {
        let ends_at = app.in_days(3).await;
        let merchant = app.merchant("150").await;
        let create = merchant.create_campaign().with(json!({"endsAt": ends_at}));
        let draft = create.clone().await.ok()["campaign"]["id"].clone();
        let active = create.await.ok()["campaign"]["id"].clone();
        merchant.activate(&active).await.ok();
        assert_eq!(status(app, &active).await["status"], "ACTIVE");
        app.advance(TimeDelta::days(3)).await;
        // Reads decide by time, and the job stores it.
        assert_eq!(status(app, &active).await["status"], "COMPLETED");
        assert_eq!(status(app, &active).await["availableVouchers"], 0);
        assert_eq!(status(app, &draft).await["status"], "CANCELLED");
        db::promotions::campaign::commands::end_over(&app.db)
            .await
            .unwrap();
        app.until_count("campaigns", "status IN ('COMPLETED', 'CANCELLED')", 2)
            .await;
        assert_eq!(status(app, &active).await["escrow"]["amount"], "0.0000");
        assert_eq!(available(app, &merchant).await, "150.0000");
        assert_eq!(app.events("CampaignCompleted").await.len(), 1);
        assert_eq!(app.events("CampaignCancelled").await.len(), 1);
        let over = merchant.activate(&active).await;
        over.refused("CAMPAIGN_STATUS_INVALID", Some("campaignId"));
    });
}
