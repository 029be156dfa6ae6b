use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::rounds::rounds;
use crate::support::samples::{currency, wallet, with_reason};
use crate::support::wallets::mp;
use crate::support::{Run, TestApp, at_once, test};

const CAMPAIGN: Uuid = Uuid::from_u128(0xca3b);

fn vnd(amount: &str) -> Value {
    json!({"amount": amount, "currency": "VND"})
}

/// Stores the section `wallet` with the service `tester` and other settings of its first currencies.
async fn configure(app: &TestApp, first: Value, second: Value) {
    let mut currencies = wallet(json!({}))["currencies"].clone();
    currencies[0] = first;
    currencies[1] = second;
    let tester = json!([{"name": "tester", "issuer": "goodgo-dev-services", "subject": "tester", "depositCeilings": []}]);
    let section = wallet(json!({"currencies": currencies, "issuers": tester}));
    let update = app
        .admin()
        .run("walletConfigurationUpdate", with_reason(section));
    let updated = update.await.ok();
    assert_eq!(updated["approval"], Value::Null);
}

/// A currency with some fields set to other values.
fn with(mut currency: Value, name: &str, value: Value) -> Value {
    currency[name] = value;
    currency
}

#[test]
fn funds_a_campaign_and_pays_rewards() {
    test(async |app| {
        app.count_issuance().await;
        let (finance, minter, alice) = (app.finance(), app.minter(), app.user());
        let funded = finance.fund(CAMPAIGN, &mp("1000")).key("a").await.ok();
        assert_eq!(funded["approval"], Value::Null);
        let entry = |side: &str, amount: &str| json!({"side": side, "amount": mp(amount)});
        let receipt = &funded["transaction"];
        assert_eq!(receipt["cause"], "TREASURY_FUNDED");
        assert_eq!(receipt["entries"], json!([entry("CREDIT", "1000.0000")]));

        let mint = |claim: &str, amount: &str| minter.mint(CAMPAIGN, &alice, claim, amount);
        let minted = mint("c-1", "10").await.ok()["transaction"].clone();
        assert_eq!(minted["cause"], "REWARD");
        assert_eq!(app.balance(&alice).await.0, "10.0000");
        // The claimant and staff see their sides.
        let query = "query ($id: ID!) { node(id: $id) { ... on Transaction { entries { side amount { amount currency } } } } }";
        let id = json!({"id": minted["id"]});
        let credit = entry("CREDIT", "10.0000");
        for (reader, entries) in [
            (&alice, json!([credit])),
            (&app.support(), json!([entry("DEBIT", "10.0000"), credit])),
        ] {
            let seen = reader.get(query, id.clone()).await;
            assert_eq!(seen["node"]["entries"], entries);
        }
        // Repeated with another key.
        assert_eq!(mint("c-1", "10").await.ok()["transaction"], minted);
        assert_eq!(app.balance(&alice).await.0, "10.0000");
        mint("c-1", "11")
            .await
            .refused("REWARD_ALREADY_MINTED", Some("claimReference"));
        mint("c-2", "1").await.ok();
        let short = mint("c-3", "989.0001").await;
        let short = short.refused("TREASURY_SHORT", Some("amount"));
        assert_eq!(short["available"], mp("989.0000"));
        mint("c-3", "989").await.ok();

        let events = app.events("RewardMinted").await;
        assert_eq!(events.len(), 3);
        assert_eq!(events[0].payload["claimReference"], "c-1");
        assert_eq!(events[0].payload["issuer"], "tester");
        assert_eq!(events[0].audience_id, Some(alice.id().to_string()));
        let events = app.events("TreasuryFunded").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].payload["campaignId"], CAMPAIGN.to_string());
        let entry = &app.audited("wallets.treasury_fund").await[0];
        assert_eq!(entry.entity_id, Some(CAMPAIGN.to_string()));
        assert_eq!(entry.before["balance"], "0.0000");
        assert_eq!(entry.after["balance"], "1000.0000");
        assert_eq!(entry.after["issuer"], "tester");
    });
}

#[test]
fn waits_for_a_second_person_above_the_limit() {
    test(async |app| {
        app.count_issuance().await;
        let (finance, other) = (app.finance(), app.finance());
        let waiting = finance.fund(CAMPAIGN, &mp("1000.0001")).await.ok();
        assert_eq!(waiting["transaction"], Value::Null);
        let proposal = json!({
            "amount": mp("1000.0001"), "campaignId": CAMPAIGN.to_string(), "issuer": "tester", "presentIssuer": null,
        });
        assert_eq!(waiting["approval"]["proposal"], proposal);
        let approval = &waiting["approval"]["id"];
        finance
            .approve(approval)
            .await
            .refused("OWN_ACCOUNT", Some("approvalId"));
        assert_eq!(app.count("treasury_fundings", "true").await, 0);
        other.approve(approval).await.ok();
        app.minter()
            .mint(CAMPAIGN, &app.user(), "c-1", "1000.0001")
            .await
            .ok();
        // Splitting avoids nothing, over campaigns neither.
        let first = finance.fund(CAMPAIGN, &mp("600")).await.ok();
        assert_eq!(first["approval"], Value::Null);
        let other_campaign = Uuid::from_u128(0xca3c);
        let second = finance.fund(other_campaign, &mp("400.0001")).await.ok();
        assert_eq!(second["approval"]["status"], "PENDING");
        let audited = app.audited("wallets.treasury_fund").await;
        let posted: Vec<_> = audited
            .iter()
            .map(|entry| entry.transaction_id.is_some())
            .collect();
        assert_eq!(posted, [false, true, true, false]);
    });
}

/// Stores a section `wallet` with the services `tester` and `other`.
async fn configure_two_services(app: &TestApp) {
    let issuer = |name: &str| json!({"name": name, "issuer": "goodgo-dev-services", "subject": name, "depositCeilings": []});
    let section = wallet(json!({"issuers": [issuer("tester"), issuer("other")]}));
    let update = app
        .admin()
        .run("walletConfigurationUpdate", with_reason(section));
    let waiting = update.await.ok();
    app.admin().approve(&waiting["approval"]["id"]).await.ok();
}

#[test]
fn waits_for_a_second_person_who_names_another_service() {
    test(async |app| {
        configure_two_services(app).await;
        let campaign = app.campaign("10").await;
        let (finance, second, minter, alice) =
            (app.finance(), app.finance(), app.minter(), app.user());
        let fund = |issuer: &str| {
            finance
                .fund(campaign, &mp("0.0001"))
                .with(json!({"issuer": issuer}))
        };
        let waiting = fund("other").await.ok()["approval"].clone();
        let proposal = json!({
            "amount": mp("0.0001"), "campaignId": campaign.to_string(), "issuer": "other", "presentIssuer": "tester",
        });
        assert_eq!(waiting["proposal"], proposal);
        minter.mint(campaign, &alice, "c-1", "1").await.ok();
        let renamed = second.approve(&waiting["id"]).await.ok();
        assert_eq!(renamed["approval"]["status"], "APPROVED");
        let short = minter.mint(campaign, &alice, "c-2", "1").await;
        short.refused("TREASURY_SHORT", Some("amount"));
        let funding = app.row("treasury_fundings", "issuer = 'other'").await;
        let uuid: Uuid = funding["transaction_id"].as_str().unwrap().parse().unwrap();
        let approved = URL_SAFE_NO_PAD.encode(format!("Transaction:{}", uuid.simple()));
        // The service that has it now needs no second person.
        let funded = fund("other").await.ok();
        assert_eq!(funded["approval"], Value::Null);
        // Without its fundings the treasury is again that of the first service.
        for transaction in [json!({"id": approved}), funded["transaction"].clone()] {
            let short = minter.mint(campaign, &alice, "c-2", "1").await;
            short.refused("TREASURY_SHORT", Some("amount"));
            app.approved_by_finance(finance.reverse(&transaction)).await;
        }
        minter.mint(campaign, &alice, "c-2", "1").await.ok();
    });
}

/// Of two first fundings at the same time, the second one finds the treasury named.
#[test]
fn names_a_new_treasury_once() {
    test(async |app| {
        configure_two_services(app).await;
        app.count_issuance().await;
        let finance = app.finance();
        rounds(async |round| {
            let campaign = Uuid::from_u128(0xca40 + round as u128);
            let runs = ["tester", "other"].map(|issuer| {
                let fund = finance.fund(campaign, &mp("0.0001"));
                fund.with(json!({"issuer": issuer}))
            });
            let payloads = at_once(runs).await.all_ok();
            let posted = payloads.iter().filter(|one| one["transaction"].is_object());
            assert_eq!(posted.count(), 1, "{payloads:?}");
        })
        .await;
    });
}

#[test]
fn refuses_fundings_in_order() {
    test(async |app| {
        let off = with(currency("PT", 4, 4), "isEnabled", json!(false));
        configure(app, currency("MP", 4, 4), off).await;
        app.count_issuance().await;
        let finance = app.finance();
        let amount = |amount: &str, code: &str| json!({"amount": amount, "currency": code});
        for (fields, code, path) in [
            (
                json!({"reason": " ", "amount": amount("0", "XX"), "issuer": "nobody"}),
                "REASON_INVALID",
                "reason",
            ),
            (
                json!({"amount": amount("0", "XX"), "issuer": "nobody"}),
                "CURRENCY_UNKNOWN",
                "amount.currency",
            ),
            (
                json!({"amount": amount("0", "PT"), "issuer": "nobody"}),
                "CURRENCY_DISABLED",
                "amount.currency",
            ),
            (
                json!({"amount": amount("0", "MP"), "issuer": "nobody"}),
                "AMOUNT_INVALID",
                "amount.amount",
            ),
            (json!({"issuer": "nobody"}), "ISSUER_UNKNOWN", "issuer"),
        ] {
            let refused = finance.fund(CAMPAIGN, &mp("1")).with(fields).await;
            refused.refused(code, Some(path));
        }
        let nil = finance.fund(Uuid::nil(), &mp("1")).await.answer;
        assert_eq!(nil.code(), "BAD_USER_INPUT", "{}", nil.body);
        let mint = |fields| {
            let run = app.minter().mint(CAMPAIGN, &app.user(), "c-1", "1");
            run.with(fields)
        };
        for (currency, code, path) in [
            (amount("0", "XX"), "CURRENCY_UNKNOWN", "amount.currency"),
            (amount("0", "PT"), "CURRENCY_DISABLED", "amount.currency"),
            (amount("0", "MP"), "AMOUNT_INVALID", "amount.amount"),
            (amount("1", "MP"), "TREASURY_SHORT", "amount"),
        ] {
            let refused = mint(json!({"amount": currency})).await;
            refused.refused(code, Some(path));
        }
        let nil = mint(json!({"userId": Uuid::nil().to_string()}))
            .await
            .answer;
        assert_eq!(nil.code(), "BAD_USER_INPUT", "{}", nil.body);
    });
}

#[test]
fn refuses_an_external_id_twice() {
    test(async |app| {
        app.count_issuance().await;
        let finance = app.finance();
        let fund = |amount: &str| -> Run {
            let run = finance.fund(CAMPAIGN, &mp(amount));
            run.with(json!({"externalId": "grant-1"}))
        };
        let first = fund("1").await.ok()["transaction"]["id"].clone();
        // Also where it would wait for a second person.
        for amount in ["1", "5000"] {
            let refused = fund(amount).await;
            let refused = refused.refused("DUPLICATE_EXTERNAL_ID", Some("externalId"));
            assert_eq!(refused["duplicateId"], first);
        }
        rounds(async |round| {
            let fields = json!({"externalId": format!("race-{round}")});
            let fund = finance.fund(CAMPAIGN, &mp("1")).with(fields);
            at_once(vec![fund; 2])
                .await
                .one_applied("DUPLICATE_EXTERNAL_ID");
        })
        .await;
    });
}

/// In a currency without a ceiling the treasury pays only what it was given.
#[test]
fn pays_what_the_treasury_was_given() {
    test(async |app| {
        app.count_issuance().await;
        let (finance, other) = (app.finance(), app.finance());
        let refused = finance.fund(CAMPAIGN, &vnd("5")).await;
        let refused = refused.refused("ISSUANCE_CEILING", Some("amount"));
        assert_eq!(refused["available"], vnd("0.000000"));
        let given = finance.move_house("EXTERNAL", "TREASURY", &vnd("100"), "bank-1");
        app.approved_by_finance(given).await;
        app.count_issuance().await;
        let fund = async |amount: &str| {
            let waiting = finance.fund(CAMPAIGN, &vnd(amount)).await.ok();
            waiting["approval"]["id"].clone()
        };
        let (sixty, fifty) = (fund("60").await, fund("50").await);
        other.approve(&sixty).await.ok();
        app.count_issuance().await;
        let refused = other.approve(&fifty).await;
        let refused = refused.refused("COMMAND_REFUSED", Some("approvalId"));
        assert_eq!(refused["cause"]["walletCode"], "ISSUANCE_CEILING");
        assert_eq!(refused["cause"]["available"]["amount"], "40.000000");
    });
}

#[test]
fn issues_within_the_ceiling_of_a_day() {
    test(async |app| {
        let low = with(currency("MP", 4, 4), "issuanceCeiling", json!("30"));
        configure(app, low, currency("PT", 4, 4)).await;
        // From the beginning of a day on. Mined points count.
        let rest = 86_400_000 - app.now().await.timestamp_millis() % 86_400_000;
        app.advance(TimeDelta::milliseconds(rest)).await;
        let alice = app.miner().ready().await;
        alice.claim().await.ok();
        app.count_issuance().await;
        let finance = app.finance();
        finance.fund(CAMPAIGN, &mp("20")).await.ok();
        app.count_issuance().await;
        let refused = finance.fund(CAMPAIGN, &mp("4.0001")).await;
        let refused = refused.refused("ISSUANCE_CEILING", Some("amount"));
        assert_eq!(refused["available"], mp("4.0000"));
        let issued = "SELECT issued FROM issuance_counts WHERE currency = 1";
        assert_eq!(app.number(issued).await, 260_000);
        app.advance(TimeDelta::days(1)).await;
        let finance = app.finance();
        app.count_issuance().await;
        assert_eq!(app.number(issued).await, 0);
        finance.fund(CAMPAIGN, &mp("30")).await.ok();
        app.count_issuance().await;
        finance
            .fund(CAMPAIGN, &mp("0.0001"))
            .await
            .refused("ISSUANCE_CEILING", Some("amount"));
    });
}

#[test]
fn needs_a_recent_count() {
    test(async |app| {
        let fund = |amount: &str| app.finance().fund(CAMPAIGN, &mp(amount));
        fund("1").await.ok();
        // A minute after the last count.
        app.pass(TimeDelta::seconds(61)).await;
        for amount in ["1", "5000"] {
            fund(amount).await.error("UNAVAILABLE");
        }
        // Rewards were issued before.
        let mint = app.minter().mint(CAMPAIGN, &app.user(), "c-1", "1");
        mint.await.ok();
    });
}

#[test]
fn pays_the_service_of_the_treasury_only() {
    test(async |app| {
        let campaign = app.campaign("100").await;
        let (minter, alice) = (app.minter(), app.user());
        let mint = |claim: &str, amount: &str| minter.mint(campaign, &alice, claim, amount);
        let first = mint("c-1", "1").await.ok();
        app.sql("UPDATE campaign_treasuries SET issuer = 'other'")
            .await;
        let short = mint("c-2", "1").await;
        let short = short.refused("TREASURY_SHORT", Some("amount"));
        assert_eq!(short["available"], mp("0.0000"));
        // What it was paid before is still answered.
        assert_eq!(mint("c-1", "1").await.ok(), first);
        app.sql("UPDATE rewards SET issuer = 'other'").await;
        mint("c-1", "1")
            .await
            .refused("TREASURY_SHORT", Some("amount"));
        app.sql("UPDATE campaign_treasuries SET issuer = 'tester'")
            .await;
        mint("c-1", "1")
            .await
            .refused("REWARD_ALREADY_MINTED", Some("claimReference"));
    });
}

#[test]
fn pays_a_claim_once_when_it_is_sent_twice() {
    test(async |app| {
        let campaign = app.campaign("100").await;
        let (minter, alice) = (app.minter(), app.user());
        rounds(async |round| {
            let claim = format!("c-{round}");
            let twice = (0..2).map(|_| minter.mint(campaign, &alice, &claim, "0.1"));
            let receipts = at_once(twice).await.all_ok();
            assert_eq!(receipts[0]["transaction"], receipts[1]["transaction"]);
        })
        .await;
        assert_eq!(app.balance(&alice).await.0, "20.0000");
        let runs = (0..3).map(|n| minter.mint(campaign, &alice, &format!("l-{n}"), "60"));
        at_once(runs).await.one_applied("TREASURY_SHORT");
    });
}

#[test]
fn freezes_stop_no_reward() {
    test(async |app| {
        let campaign = app.campaign("100").await;
        let alice = app.user();
        let whose = crate::support::wallets::owner(&alice);
        app.finance().freeze(&whose).await.ok();
        app.minter().mint(campaign, &alice, "c-1", "1").await.ok();
        assert_eq!(app.balance(&alice).await.0, "1.0000");
    });
}
