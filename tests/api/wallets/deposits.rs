use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::rounds::rounds;
use crate::support::samples::wallet;
use crate::support::wallets::{mp, owner};
use crate::support::{Actor, TestApp, at_once, test};

/// A payment of the provider VCB.
fn vcb(reference: &str) -> Value {
    json!({"payment": {"provider": "VCB", "reference": reference}})
}

async fn available(app: &TestApp, whose: &Actor) -> String {
    app.balance(whose).await.0
}

#[test]
fn credits_a_payment_once() {
    test(async |app| {
        let (alice, bank) = (app.miner().await, app.bank().await);
        let done = bank.deposit(&alice, "12.5").key("a").await.ok();
        let deposit = &done["deposit"];
        assert_eq!(deposit["status"], "CREDITED");
        assert_eq!(deposit["amount"], mp("12.5000"));
        assert_eq!(deposit["owner"]["uuid"], alice.id().to_string());
        assert_eq!(
            deposit["payment"],
            json!({"provider": "vcb", "reference": "7"})
        );
        assert_eq!(deposit["receivedAt"], deposit["creditedAt"]);
        let receipt = &done["transaction"];
        assert_eq!(receipt["cause"], "DEPOSIT");
        assert_eq!(receipt["entries"][0]["side"], "CREDIT");
        assert_eq!(receipt["entries"][0]["balanceAfter"]["amount"], "12.5000");
        assert_eq!(available(app, &alice).await, "12.5000");
        // With the same key, and as another message of the provider.
        let replayed = bank.deposit(&alice, "12.5").key("a").await.replayed();
        assert_eq!(replayed["transaction"], *receipt);
        let again = bank.deposit(&alice, "12.50").await.ok();
        assert_eq!(again["deposit"]["id"], deposit["id"]);
        assert_eq!(again["transaction"], *receipt);
        assert_eq!(available(app, &alice).await, "12.5000");
        for same in ["vcb", "Vcb", "\u{ff36}CB"] {
            let same = json!({"payment": {"provider": same, "reference": "7"}});
            let again = bank.deposit(&alice, "12.5").with(same).await.ok();
            assert_eq!(again["deposit"]["id"], deposit["id"]);
        }
        // References are those of their provider.
        let other = json!({"payment": {"provider": "ACB", "reference": "7"}});
        bank.deposit(&alice, "1").with(other).await.ok();
        assert_eq!(available(app, &alice).await, "13.5000");
        let events = app.events("DepositCredited").await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].payload["depositId"], deposit["uuid"]);
        assert_eq!(events[0].payload["ownerId"], alice.id().to_string());
    });
}

#[test]
fn credits_a_payment_once_that_is_sent_at_once() {
    test(async |app| {
        let (bank, alice) = (app.bank().await, app.miner().await);
        rounds(async |round| {
            let reference = vcb(&round.to_string());
            let sent = (0..4).map(|_| bank.deposit(&alice, "2").with(reference.clone()));
            let done = at_once(sent).await.all_ok();
            assert!(done.iter().all(|one| one == &done[0]), "{done:?}");
            let expected = format!("{}.0000", 2 * (round + 1));
            assert_eq!(available(app, &alice).await, expected);
        })
        .await;
        assert_eq!(app.count("deposits", "true").await, 200);
    });
}

#[test]
fn refuses_to_credit_in_order() {
    test(async |app| {
        let (alice, finance) = (app.miner().await, app.finance());
        let mut currencies = wallet(json!({}))["currencies"].clone();
        currencies[1]["isEnabled"] = json!(false);
        let bank = app.bank_with(json!({"currencies": currencies})).await;
        let amount = |amount: &str, code: &str| json!({"amount": amount, "currency": code});
        let own = json!({"owner": owner(&finance), "amount": amount("0", "XX")});
        let refused = finance.deposit(&alice, "1").with(own).await;
        refused.refused("REASON_INVALID", Some("reason"));
        for (fields, code, path) in [
            (
                json!({"amount": amount("0", "XX")}),
                "CURRENCY_UNKNOWN",
                "amount.currency",
            ),
            (
                json!({"amount": amount("0", "PT")}),
                "CURRENCY_DISABLED",
                "amount.currency",
            ),
            (
                json!({"amount": amount("0", "MP")}),
                "AMOUNT_INVALID",
                "amount.amount",
            ),
            (
                json!({"amount": amount("1.00001", "MP")}),
                "AMOUNT_INVALID",
                "amount.amount",
            ),
        ] {
            let refused = bank.deposit(&alice, "1").with(fields).await;
            refused.refused(code, Some(path));
        }
        let reason = json!({"reason": "a test"});
        let refused = finance.deposit(&finance, "1").with(reason.clone()).await;
        refused.refused("OWN_ACCOUNT", Some("owner"));
        let first = bank.deposit(&alice, "990").await.ok();
        for other in [
            json!({"amount": mp("991")}),
            json!({"owner": owner(&*app.miner().await)}),
            json!({"owner": null}),
        ] {
            let refused = bank.deposit(&alice, "990").with(other).await;
            let refused = refused.refused("DEPOSIT_MISMATCH", Some("payment"));
            assert_eq!(refused["deposit"]["id"], first["deposit"]["id"]);
        }
        let refused = bank.deposit(&alice, "10.0001").with(vcb("8")).await;
        refused.refused("DEPOSIT_CEILING", Some("amount"));
        bank.deposit(&alice, "10").with(vcb("8")).await.ok();
        // The ceiling of a currency that is not listed is zero.
        let refused = bank.deposit(&alice, "1").with(vcb("9"));
        let refused = refused.with(json!({"amount": amount("1", "USD")})).await;
        refused.refused("DEPOSIT_CEILING", Some("amount"));
        // A new day has a new ceiling.
        app.advance(chrono::TimeDelta::days(1)).await;
        bank.deposit(&alice, "1000").with(vcb("10")).await.ok();
        app.sql("UPDATE wallets SET available = 9223372036854775807 WHERE kind = 'MAIN'")
            .await;
        app.advance(chrono::TimeDelta::days(1)).await;
        let refused = bank.deposit(&alice, "1").with(vcb("11")).await;
        refused.refused("BALANCE_OVERFLOW", None);
        app.sql("UPDATE wallets SET available = 20000000 WHERE kind = 'MAIN'")
            .await;
        assert_eq!(app.count("deposits", "true").await, 3);
    });
}

#[test]
fn refuses_invisible_differences_of_payments() {
    test(async |app| {
        let (alice, bank) = (app.miner().await, app.bank().await);
        for (provider, reference) in [("", "7"), ("VCB ", "7"), ("VCB", "7\u{7}"), ("VCB", "")] {
            let payment = json!({"payment": {"provider": provider, "reference": reference}});
            let answer = bank.deposit(&alice, "1").with(payment).await.answer;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.body);
        }
    });
}

#[test]
fn keeps_payments_without_a_known_owner() {
    test(async |app| {
        let (alice, bank, finance) = (app.miner().await, app.bank().await, app.finance());
        let stranger = app.user();
        let unknown = bank.deposit(&stranger, "5").await.ok();
        assert_eq!(unknown["deposit"]["status"], "UNMATCHED");
        assert_eq!(unknown["deposit"]["owner"], Value::Null);
        assert_eq!(unknown["transaction"]["cause"], "DEPOSIT_UNMATCHED");
        // The provider's next message is the same payment.
        let again = bank.deposit(&stranger, "5").await.ok();
        assert_eq!(again["deposit"]["id"], unknown["deposit"]["id"]);
        let nobody = bank.suspended("3", "8").await;
        assert_eq!(app.events("DepositSuspended").await.len(), 2);

        let refused = finance
            .assign(&nobody, &alice)
            .with(json!({"reason": ""}))
            .await;
        refused.refused("REASON_INVALID", Some("reason"));
        let refused = finance.assign(&nobody, &app.user()).await;
        refused.refused("OWNER_UNKNOWN", Some("owner"));
        finance.register().await.ok();
        let refused = finance.assign(&nobody, &finance).await;
        refused.refused("OWN_ACCOUNT", Some("owner"));
        let assigned = finance.assign(&nobody, &alice).key("a").await.ok();
        assert_eq!(assigned["deposit"]["status"], "CREDITED");
        assert_eq!(assigned["transaction"]["cause"], "DEPOSIT");
        // The receipt of the deposit is that of its arrival.
        assert_eq!(
            assigned["deposit"]["transaction"]["cause"],
            "DEPOSIT_UNMATCHED"
        );
        assert_eq!(available(app, &alice).await, "3.0000");
        finance.assign(&nobody, &alice).key("a").await.replayed();
        let refused = finance.assign(&nobody, &alice).await;
        let refused = refused.refused("DEPOSIT_NOT_UNMATCHED", Some("depositId"));
        assert_eq!(refused["deposit"]["owner"]["uuid"], alice.id().to_string());
        assert_eq!(app.events("DepositAssigned").await.len(), 1);

        let page = "query ($filter: DepositFilter) { deposits(first: 5, filter: $filter) { totalCount nodes { uuid } } }";
        for (filter, count) in [
            (json!({}), 2),
            (json!({"status": "UNMATCHED"}), 1),
            (json!({"status": "CREDITED"}), 1),
            (json!({"owner": owner(&alice)}), 1),
            (
                json!({"owner": {"kind": "MERCHANT", "ownerId": alice.id().to_string()}}),
                0,
            ),
            (json!({"provider": "VCB", "reference": "8"}), 1),
            (json!({"provider": "ACB"}), 0),
            (json!({"receivedAt": {"from": "2999-01-01T00:00:00Z"}}), 0),
        ] {
            let found = finance.get(page, json!({"filter": filter})).await["deposits"].clone();
            assert_eq!(found["totalCount"], count, "{filter}");
        }
        let by = "query ($by: DepositBy!) { deposit(by: $by) { id } }";
        for key in [
            json!({"id": nobody}),
            json!({"uuid": assigned["deposit"]["uuid"]}),
            json!({"payment": {"provider": "VCB", "reference": "8"}}),
        ] {
            assert_eq!(
                bank.get(by, json!({"by": key})).await["deposit"]["id"],
                nobody,
                "{key}"
            );
        }
    });
}

/// A member of finance who is the merchant or the advertiser decides neither about a deposit nor its reversal.
#[test]
fn refuses_decisions_of_the_depositor() {
    test(async |app| {
        for (role, kind) in [
            (Role::Merchant, "MERCHANT"),
            (Role::Advertiser, "ADVERTISER"),
        ] {
            let (finance, own) = (app.finance(), app.person(&[Role::Finance, role]));
            let whose = json!({"kind": kind, "ownerId": own.id().to_string()});
            let credit = finance
                .deposit(&own, "2500")
                .with(json!({"owner": whose, "reason": "a test"}))
                .with(vcb(kind));
            let decide = async |waiting: &Value| {
                let approval = &waiting["approval"]["id"];
                for decision in [own.approve(approval), own.decline_approval(approval, "r")] {
                    decision.await.refused("OWN_ACCOUNT", Some("approvalId"));
                }
                app.finance().approve(approval).await.ok();
            };
            decide(&credit.await.ok()).await;
            let deposit = app
                .row("deposits", &format!("credited_id = '{}'", own.id()))
                .await;
            let transaction: Uuid = deposit["transaction_id"].as_str().unwrap().parse().unwrap();
            let id = URL_SAFE_NO_PAD.encode(format!("Transaction:{}", transaction.simple()));
            let reversed = finance.reverse(&json!({"id": id})).await.ok();
            decide(&reversed).await;
        }
    });
}

#[test]
fn waits_for_a_second_person_above_the_limit() {
    test(async |app| {
        let (alice, finance, other) = (app.miner().await, app.finance(), app.finance());
        let credit = |reference: &str, amount: &str| {
            finance
                .deposit(&alice, amount)
                .with(json!({"reason": "a test"}))
                .with(vcb(reference))
        };
        let alone = credit("1", "600").await.ok();
        assert_eq!(alone["deposit"]["status"], "CREDITED");
        // Splitting avoids nothing.
        let waiting = credit("2", "600").await.ok();
        assert_eq!(waiting["deposit"], Value::Null);
        let approval = &waiting["approval"]["id"];
        assert_eq!(waiting["approval"]["status"], "PENDING");
        let proposal = "query ($id: ID!) { node(id: $id) { ... on Approval { proposal { ... on DepositCreditProposal {
            amount { amount currency } owner { uuid } payment { provider reference } } } } } }";
        let shown = finance.get(proposal, json!({"id": approval})).await;
        assert_eq!(
            shown["node"]["proposal"],
            json!({
                "amount": mp("600.0000"), "owner": {"uuid": alice.id().to_string()}, "payment": {"provider": "vcb", "reference": "2"},
            })
        );
        finance
            .approve(approval)
            .await
            .refused("OWN_ACCOUNT", Some("approvalId"));
        // An administrator has another role.
        app.admin()
            .approve(approval)
            .await
            .refused("APPROVAL_NOT_FOUND", Some("approvalId"));
        other.approve(approval).await.ok();
        assert_eq!(available(app, &alice).await, "1200.0000");
        let unmatched = app.bank().await.suspended("500", "3").await;
        let waiting = finance.assign(&unmatched, &alice).await.ok();
        assert_eq!(waiting["deposit"]["status"], "UNMATCHED");
        let approval = &waiting["approval"]["id"];
        other.approve(approval).await.ok();
        assert_eq!(available(app, &alice).await, "1700.0000");
        // The rules apply again: what was assigned meanwhile is not assigned twice.
        let unmatched = app.bank().await.suspended("450", "4").await;
        let waiting = finance.assign(&unmatched, &alice).await.ok();
        other.assign(&unmatched, &*app.miner().await).await.ok();
        let refused = other.approve(&waiting["approval"]["id"]).await;
        refused.refused("COMMAND_REFUSED", Some("approvalId"));
        assert_eq!(available(app, &alice).await, "1700.0000");
    });
}

#[test]
fn credits_merchants_at_their_first_payment() {
    test(async |app| {
        let merchant = app.person(&[domain::access::Role::Merchant]);
        let owner = json!({"owner": {"kind": "MERCHANT", "ownerId": merchant.id().to_string()}});
        let bank = app.bank().await;
        let done = bank.deposit(&merchant, "5").with(owner).await.ok();
        assert_eq!(done["deposit"]["status"], "CREDITED");
        assert_eq!(done["deposit"]["owner"]["kind"], "MERCHANT");
    });
}

#[test]
fn answers_a_payment_that_meets_its_own_ceiling() {
    test(async |app| {
        let bank = app.bank().await;
        for round in 0..10 {
            let alice = app.miner().await;
            // Twice the amount would exceed the ceiling of the day.
            let sent = (0..2).map(|_| bank.deposit(&alice, "600").with(vcb(&format!("c-{round}"))));
            at_once(sent).await.all_ok();
            assert_eq!(available(app, &alice).await, "600.0000");
            app.advance(chrono::TimeDelta::days(1)).await;
        }
    });
}

#[test]
fn goes_back_when_it_is_reversed() {
    test(async |app| {
        let (alice, bob, bank) = (app.miner().await, app.miner().await, app.bank().await);
        let finance = app.finance();
        let credited = bank.deposit(&alice, "5").await.ok();
        app.approved_by_finance(finance.reverse(&credited["transaction"]))
            .await;
        assert_eq!(available(app, &alice).await, "0.0000");
        // One that was assigned waits for another owner.
        let waiting = bank.suspended("3", "8").await;
        let wrong = finance.assign(&waiting, &alice).await.ok();
        app.approved_by_finance(finance.reverse(&wrong["transaction"]))
            .await;
        let by = "query ($id: ID!) { deposit(by: {id: $id}) { status owner { uuid } } }";
        let seen = bank.get(by, json!({"id": waiting})).await["deposit"].clone();
        assert_eq!(seen, json!({"status": "UNMATCHED", "owner": null}));
        let right = finance.assign(&waiting, &bob).await.ok();
        assert_eq!(right["deposit"]["status"], "CREDITED");
        assert_eq!(available(app, &alice).await, "0.0000");
        assert_eq!(available(app, &bob).await, "3.0000");
    });
}
