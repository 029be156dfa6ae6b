use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::promotions::merchant_owner;
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

#[test]
fn refuses_to_create_in_order() {
    test(async |app| {
        let merchant = app.merchant("100").await;
        app.configure(
            "promotion",
            &json!({"maxOpenCampaigns": 2, "maxVouchersPerDay": 20}),
        )
        .await;
        let unknown = json!({"amount": "1", "currency": "XX"});
        let free = |fields: Value| merchant.create_campaign().with(fields);
        let price = |kind: &str, price: Value| {
            let fields = json!({"acquisitionType": kind, "acquisitionPrice": price});
            merchant.create_campaign().with(fields)
        };
        let (past, future) = (json!("2026-01-02T00:00:00Z"), json!("2100-01-01T00:00:00Z"));
        for (run, code, path) in [
            (
                free(json!({"name": " ", "description": " "})),
                "CAMPAIGN_NAME_INVALID",
                "name",
            ),
            (
                free(json!({"description": " ", "faceValue": unknown})),
                "DESCRIPTION_INVALID",
                "description",
            ),
            (
                free(json!({"faceValue": unknown, "totalVouchers": 0})),
                "CURRENCY_UNKNOWN",
                "faceValue.currency",
            ),
            (
                price("FREE", unknown.clone()),
                "CURRENCY_UNKNOWN",
                "acquisitionPrice.currency",
            ),
            (
                free(json!({"faceValue": mp("0"), "totalVouchers": 0})),
                "FACE_VALUE_INVALID",
                "faceValue.amount",
            ),
            (
                free(json!({"totalVouchers": 0})),
                "VOUCHER_COUNT_INVALID",
                "totalVouchers",
            ),
            (
                free(json!({"totalVouchers": 100_001})),
                "VOUCHER_COUNT_INVALID",
                "totalVouchers",
            ),
            (price("FREE", mp("1")), "PRICE_INVALID", "acquisitionPrice"),
            (
                price("EXCHANGE_POINTS", json!(null)),
                "PRICE_INVALID",
                "acquisitionPrice",
            ),
            (
                price("PURCHASE", mp("1")),
                "PRICE_INVALID",
                "acquisitionPrice.currency",
            ),
            (
                price("EXCHANGE_POINTS", mp("0")),
                "PRICE_INVALID",
                "acquisitionPrice.amount",
            ),
            (
                price("EXCHANGE_POINTS", mp("50.01")),
                "PRICE_NOT_ALLOWED",
                "acquisitionPrice.amount",
            ),
            (
                price("PURCHASE", json!({"amount": "1", "currency": "VND"})),
                "PRICE_NOT_ALLOWED",
                "acquisitionPrice.currency",
            ),
            (
                free(json!({"startsAt": future, "maxPerUser": 0})),
                "DATES_INVALID",
                "endsAt",
            ),
            (
                free(json!({"endsAt": past, "maxPerUser": 0})),
                "DATES_INVALID",
                "endsAt",
            ),
            (
                free(json!({"voucherValidityDays": 0, "maxPerUser": 0})),
                "VALIDITY_INVALID",
                "voucherValidityDays",
            ),
            (
                free(json!({"voucherValidityDays": 1826})),
                "VALIDITY_INVALID",
                "voucherValidityDays",
            ),
            (
                free(json!({"maxPerUser": -1})),
                "MAX_PER_USER_INVALID",
                "maxPerUser",
            ),
            (
                free(json!({"maxPerUser": 0})),
                "MAX_PER_USER_INVALID",
                "maxPerUser",
            ),
            (
                free(json!({"totalVouchers": 21})),
                "CAMPAIGN_LIMIT",
                "totalVouchers",
            ),
            (
                free(json!({"faceValue": mp("10.01")})),
                "INSUFFICIENT_FUNDS",
                "faceValue",
            ),
        ] {
            run.await.refused(code, Some(path));
        }
        let max = price("EXCHANGE_POINTS", mp("50.01")).await;
        assert_eq!(
            max.refused("PRICE_NOT_ALLOWED", Some("acquisitionPrice.amount"))["max"],
            "50"
        );
        let short = free(json!({"faceValue": mp("10.01")})).await;
        let short = short.refused("INSUFFICIENT_FUNDS", Some("faceValue"));
        assert_eq!(short["available"], mp("100.0000"));
        let (finance, owner) = (app.finance(), merchant_owner(&merchant));
        finance.freeze(&owner).await.ok();
        free(json!({"faceValue": mp("10.01")}))
            .await
            .refused("WALLET_FROZEN", None);
        // A merchant without a wallet is frozen, too.
        let other = app.person(&[domain::access::Role::Merchant]);
        finance.freeze(&merchant_owner(&other)).await.ok();
        other.create_campaign().await.refused("WALLET_FROZEN", None);
        assert_eq!(app.count("voucher_codes", "true").await, 0);
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
        // Three at once make two.
        let outcomes = at_once(vec![merchant.create_campaign(); 3]).await;
        let mut refusals = outcomes.refusals();
        refusals.sort_unstable();
        assert_eq!(refusals, [None, None, Some("CAMPAIGN_LIMIT")]);
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
        assert!(["DATES_INVALID", "CAMPAIGN_STATUS_INVALID"].contains(&over.refusal().unwrap()));
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
        let query = r#"{ auditLog(first: 1, filter: {action: CAMPAIGN_FORCE_CANCEL}) { nodes { entity { ... on Campaign { id } } } } }"#;
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
