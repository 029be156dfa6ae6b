use chrono::TimeDelta;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::support::rounds::rounds;
use crate::support::wallets::{bet_of_tester, loss, mp, owner};
use crate::support::{Actor, Run, TestApp, at_once, test};

/// The game, after it collected 30 MP for bet 7.
async fn collected(app: &TestApp) -> Actor {
    let (alice, game) = (app.holder("100").await, app.game());
    let lost = game.placed(&alice, "30", "7").await;
    game.settle(loss(&lost)).await.ok();
    game
}

/// A release of bet 7 by finance.
fn by_finance(finance: &Actor, amount: &str, payee: Option<&Actor>) -> Run {
    let release = finance.release_clearing("7", amount, payee);
    release.with(json!({"reference": bet_of_tester("7")}))
}

#[test]
fn pays_an_owner_and_the_revenue() {
    test(async |app| {
        let game = collected(app).await;
        let bob = app.user();
        let release = game.release_clearing("7", "10.5", Some(&bob));
        let paid = release.clone().key("a").await.ok();
        assert_eq!(paid["approval"], Value::Null);
        assert_eq!(paid["clearing"]["balance"]["amount"], "19.5000");
        let receipt = &paid["transaction"];
        assert_eq!(receipt["cause"], "CLEARING_RELEASED");
        // The side of the platform's account is for staff.
        let credit =
            json!({"bucket": "AVAILABLE", "side": "CREDIT", "amount": {"amount": "10.5000"}});
        assert_eq!(receipt["entries"], json!([credit]));
        assert_eq!(app.balance(&bob).await.0, "10.5000");
        let rest = game.release_clearing("7", "19.5", None).await.ok();
        assert_eq!(rest["clearing"]["balance"]["amount"], "0.0000");
        assert_eq!(rest["transaction"]["entries"], json!([]));
        assert_eq!(
            app.count("clearing_accounts", "open_since IS NULL").await,
            1
        );
        let revenue =
            "SELECT sum(amount)::bigint FROM transfers t JOIN wallets w ON w.id = t.credit_wallet
            WHERE w.kind = 'REVENUE'";
        assert_eq!(app.number(revenue).await, 195_000);

        let replayed = release.key("a").await.replayed();
        assert_eq!(replayed["transaction"], *receipt);
        assert_eq!(replayed["clearing"]["balance"]["amount"], "0.0000");
        let events = app.events("ClearingReleased").await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].payload["ownerId"], bob.id().to_string());
        assert_eq!(events[0].payload["amount"], "10.5000");
        assert_eq!(events[0].audience_id, Some(bob.id().to_string()));
        assert_eq!(events[1].payload["ownerId"], Value::Null);
        // The transfers of a service carry the caller in place of an audit entry.
        assert!(app.audited("wallets.clearing_release").await.is_empty());
        let by = "reason = 'CLEARING_RELEASED' AND caller = 'tester' AND origin = 'SERVICE'";
        assert_eq!(app.count("transfers", by).await, 3);
    });
}

#[test]
fn shows_the_platforms_side_to_staff_only() {
    test(async |app| {
        let game = collected(app).await;
        let paid = game
            .release_clearing("7", "10", Some(&app.user()))
            .await
            .ok();
        let query = "query ($id: ID!) { node(id: $id) { ... on Transaction { entries { id side } }
            ... on LedgerEntry { side transfer { reason } } } }";
        let seen = async |who: &Actor, id: &Value| {
            let found = who.get(query, json!({"id": id})).await;
            found["node"].clone()
        };
        let (staff, id) = (app.support(), &paid["transaction"]["id"]);
        let entries = seen(&staff, id).await["entries"].clone();
        let directions: Vec<_> = entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["side"].as_str().unwrap())
            .collect();
        assert_eq!(directions, ["DEBIT", "CREDIT"]);
        let debit = &entries[0]["id"];
        let entry = json!({"side": "DEBIT", "transfer": {"reason": "CLEARING_RELEASED"}});
        assert_eq!(seen(&staff, debit).await, entry);
        assert_eq!(seen(&game, debit).await, Value::Null);
        assert_eq!(seen(&app.user(), id).await, Value::Null);
    });
}

#[test]
fn refuses_to_release_in_order() {
    test(async |app| {
        let game = collected(app).await;
        let other = json!({"referenceType": "bet", "referenceId": "8"});
        let amount = |amount: &str, code: &str| json!({"amount": amount, "currency": code});
        for (fields, code, path) in [
            (
                json!({"reason": " ", "amount": amount("0", "XX"), "reference": other}),
                "REASON_INVALID",
                "reason",
            ),
            (
                json!({"amount": amount("0", "XX"), "reference": other}),
                "AMOUNT_INVALID",
                "amount.amount",
            ),
            (
                json!({"amount": amount("0.00001", "MP"), "reference": other}),
                "AMOUNT_INVALID",
                "amount.amount",
            ),
            (
                json!({"reference": other}),
                "CLEARING_NOT_FOUND",
                "reference",
            ),
            (
                json!({"amount": amount("1", "VND")}),
                "CLEARING_NOT_FOUND",
                "reference",
            ),
            (
                json!({"amount": amount("1", "XX")}),
                "CLEARING_NOT_FOUND",
                "reference",
            ),
        ] {
            let refused = game.release_clearing("7", "1", None).with(fields).await;
            refused.refused(code, Some(path));
        }
        let short = game.release_clearing("7", "30.0001", None).await;
        let short = short.refused("CLEARING_SHORT", Some("amount"));
        assert_eq!(short["available"], mp("30.0000"));
        for (who, reference) in [
            (
                &game,
                json!({"issuer": "other", "referenceType": "bet", "referenceId": "7"}),
            ),
            (
                &app.finance(),
                json!({"referenceType": "bet", "referenceId": "7"}),
            ),
        ] {
            let run = who.release_clearing("7", "1", None);
            let answer = run.with(json!({"reference": reference})).await.answer;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.body);
        }
        assert_eq!(app.count("clearing_releases", "true").await, 0);
    });
}

#[test]
fn refuses_an_external_id_twice() {
    test(async |app| {
        let game = collected(app).await;
        let bob = app.user();
        let release = |amount: &str| {
            let release = game.release_clearing("7", amount, Some(&bob));
            release.with(json!({"externalId": "refund-1"}))
        };
        let first = release("1").await.ok()["transaction"]["id"].clone();
        // Before the balance is judged.
        for amount in ["1", "100"] {
            let refused = release(amount).await;
            let refused = refused.refused("DUPLICATE_EXTERNAL_ID", Some("externalId"));
            assert_eq!(refused["duplicateId"], first);
        }
        rounds(async |round| {
            let fields = json!({"externalId": format!("race-{round}")});
            let release = game.release_clearing("7", "0.1", None).with(fields);
            let twice = at_once(vec![release; 2]).await;
            twice.one_applied("DUPLICATE_EXTERNAL_ID");
        })
        .await;
    });
}

#[test]
fn never_overdraws_the_account() {
    test(async |app| {
        let game = collected(app).await;
        let bob = app.user();
        let runs = (0..4).map(|_| game.release_clearing("7", "20", Some(&bob)));
        at_once(runs).await.one_applied("CLEARING_SHORT");
        assert_eq!(app.balance(&bob).await.0, "20.0000");
    });
}

#[test]
fn lets_finance_release_an_overdue_account_with_a_second_person() {
    test(async |app| {
        collected(app).await;
        let (bob, finance) = (app.user(), app.finance());
        let young = by_finance(&finance, "30", Some(&bob)).await;
        young.refused("CLEARING_NOT_OVERDUE", Some("reference"));
        app.advance(TimeDelta::hours(72)).await;
        let finance = app.finance();
        let own = by_finance(&finance, "100", Some(&finance)).await;
        own.refused("OWN_ACCOUNT", Some("owner"));
        let short = by_finance(&finance, "30.0001", Some(&bob)).await;
        short.refused("CLEARING_SHORT", Some("amount"));
        let waiting = by_finance(&finance, "30", Some(&bob)).await.ok();
        assert_eq!(waiting["transaction"], Value::Null);
        assert_eq!(waiting["clearing"]["isOverdue"], true);
        let proposal = &waiting["approval"]["proposal"];
        assert_eq!(proposal["amount"], mp("30.0000"));
        assert_eq!(proposal["owner"]["uuid"], bob.id().to_string());
        assert_eq!(proposal["clearing"]["id"], waiting["clearing"]["id"]);
        assert_eq!(app.count("clearing_releases", "true").await, 0);
        // Neither the first person nor the payee decides.
        let approval = &waiting["approval"]["id"];
        let also = app.person_of(&bob, &[Role::Finance]);
        for who in [&finance, &also] {
            let refused = who.approve(approval).await;
            refused.refused("OWN_ACCOUNT", Some("approvalId"));
        }
        app.finance().approve(approval).await.ok();
        assert_eq!(app.balance(&bob).await.0, "30.0000");
        let audited = app.audited("wallets.clearing_release").await;
        let applied = audited.last().unwrap();
        assert_eq!(applied.after["balance"], "0.0000");
        assert!(applied.transaction_id.is_some());
        // An account at zero is not overdue.
        by_finance(&finance, "1", None)
            .await
            .refused("CLEARING_NOT_OVERDUE", Some("reference"));
    });
}

#[test]
fn checks_a_release_again_when_it_is_approved() {
    test(async |app| {
        collected(app).await;
        app.advance(TimeDelta::hours(72)).await;
        let (finance, other) = (app.finance(), app.finance());
        let waiting = by_finance(&finance, "30", None).await.ok();
        app.service(&[Scope::WalletSettle])
            .release_clearing("7", "1", None)
            .await
            .ok();
        let refused = other.approve(&waiting["approval"]["id"]).await;
        let refused = refused.refused("COMMAND_REFUSED", Some("approvalId"));
        assert_eq!(refused["cause"]["settlementCode"], "CLEARING_SHORT");
        let named = by_finance(&finance, "1", Some(&app.user()));
        let named = named.with(json!({"owner": owner(&app.user()), "externalId": "once"}));
        let [first, second] = [named.clone().await.ok(), named.await.ok()];
        other.approve(&first["approval"]["id"]).await.ok();
        let refused = other.approve(&second["approval"]["id"]).await;
        let refused = refused.refused("COMMAND_REFUSED", Some("approvalId"));
        assert_eq!(refused["cause"]["settlementCode"], "DUPLICATE_EXTERNAL_ID");
    });
}
