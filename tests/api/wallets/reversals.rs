use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::wallets::{loss, mp, owner};
use crate::support::{Actor, TestApp, at_once, test};

/// A reward of 10 MP to a person, from a treasury of 100 MP.
async fn rewarded(app: &TestApp, whose: &Actor) -> (Uuid, Value) {
    let campaign = app.campaign("100").await;
    let minted = app.minter().mint(campaign, whose, "c-1", "10").await.ok();
    (campaign, minted["transaction"].clone())
}

/// Available amount of a wallet of a kind, in the smallest unit.
async fn available(app: &TestApp, kind: &str) -> i64 {
    app.number(&format!(
        "SELECT available FROM wallets WHERE kind = '{kind}'"
    ))
    .await
}

#[test]
fn reverses_a_reward_with_a_second_person() {
    test(async |app| {
        let alice = app.user();
        let (_, reward) = rewarded(app, &alice).await;
        let (finance, other) = (app.finance(), app.finance());
        let waiting = finance.reverse(&reward).key("a").await.ok();
        let approval = &waiting["approval"];
        assert_eq!(approval["proposal"]["transaction"]["uuid"], reward["uuid"]);
        finance
            .approve(&approval["id"])
            .await
            .refused("OWN_ACCOUNT", Some("approvalId"));
        assert_eq!(app.balance(&alice).await.0, "10.0000");
        let query = "query ($id: ID!) { node(id: $id) { ... on Transaction { cause reversal { cause entries { side } } } } }";
        let id = json!({"id": reward["id"]});
        let seen = app.support().get(query, id.clone()).await;
        assert_eq!(seen["node"]["reversal"], Value::Null);
        other.approve(&approval["id"]).await.ok();
        assert_eq!(app.balance(&alice).await.0, "0.0000");
        assert_eq!(available(app, "CAMPAIGN_TREASURY").await, 1_000_000);
        let entries = json!([{"side": "DEBIT"}, {"side": "CREDIT"}]);
        let seen = app.support().get(query, id.clone()).await;
        assert_eq!(
            seen["node"],
            json!({"cause": "REWARD", "reversal": {"cause": "REVERSAL", "entries": entries}})
        );
        let seen = alice.get(query, id).await;
        assert_eq!(
            seen["node"]["reversal"]["entries"],
            json!([{"side": "DEBIT"}])
        );
        finance
            .reverse(&reward)
            .await
            .refused("TRANSACTION_REVERSED", Some("transactionId"));
        // The claim stays paid for good.
        let events = app.events("TransactionReversed").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].payload["reversedTransactionId"], reward["uuid"]);
        assert_eq!(events[0].payload["ownerId"], alice.id().to_string());
        assert_eq!(events[0].payload["amount"], "10.0000");
        assert_eq!(events[0].audience_id, Some(alice.id().to_string()));
        let audited = app.audited("wallets.transaction_reverse").await;
        assert_eq!(audited[1].entity_id.as_deref(), reward["uuid"].as_str());
        assert_eq!(audited[1].reason.as_deref(), Some("a test"));
        assert_eq!(audited[1].before["reversal"], Value::Null);
        assert!(audited[1].after["reversal"].is_string());
        assert!(audited[1].transaction_id.is_some());
    });
}

#[test]
fn reverses_fundings_and_releases() {
    test(async |app| {
        let campaign = app.campaign("100").await;
        let finance = app.finance();
        let funded = finance.fund(campaign, &mp("50")).await.ok()["transaction"].clone();
        app.approved_by_finance(finance.reverse(&funded)).await;
        assert_eq!(available(app, "CAMPAIGN_TREASURY").await, 1_000_000);
        let (alice, bob, game) = (app.holder("100").await, app.user(), app.game());
        let lost = game.placed(&alice, "30", "7").await;
        game.settle(loss(&lost)).await.ok();
        let paid = game.release_clearing("7", "20", Some(&bob)).await.ok()["transaction"].clone();
        let earned = game.release_clearing("7", "10", None).await.ok()["transaction"].clone();
        assert_eq!(
            app.count("clearing_accounts", "open_since IS NULL").await,
            1
        );
        for transaction in [paid, earned] {
            app.approved_by_finance(finance.reverse(&transaction)).await;
        }
        assert_eq!(available(app, "CLEARING").await, 300_000);
        assert_eq!(
            app.count("clearing_accounts", "open_since IS NULL").await,
            0
        );
        assert_eq!(app.balance(&bob).await.0, "0.0000");
    });
}

#[test]
fn refuses_to_reverse_in_order() {
    test(async |app| {
        let (alice, game, finance) = (app.holder("100").await, app.game(), app.finance());
        let held = game.place(&alice, "10").await.ok()["transaction"].clone();
        let (_, reward) = rewarded(app, &finance).await;
        let nothing = format!("Transaction:{}", Uuid::nil().simple());
        let nothing = json!({"id": URL_SAFE_NO_PAD.encode(nothing)});
        for (transaction, reason, code, path) in [
            (&nothing, " ", "REASON_INVALID", Some("reason")),
            (
                &nothing,
                "r",
                "TRANSACTION_NOT_FOUND",
                Some("transactionId"),
            ),
            (&reward, "r", "OWN_ACCOUNT", None),
            (
                &held,
                "r",
                "TRANSACTION_NOT_REVERSIBLE",
                Some("transactionId"),
            ),
        ] {
            let run = finance.reverse(transaction).with(json!({"reason": reason}));
            run.await.refused(code, path);
        }
        let other = app.finance();
        app.approved_by_finance(other.reverse(&reward)).await;
        let query = "query ($id: ID!) { node(id: $id) { ... on Transaction { reversal { id } } } }";
        let seen = other.get(query, json!({"id": reward["id"]})).await;
        other
            .reverse(&seen["node"]["reversal"])
            .await
            .refused("TRANSACTION_NOT_REVERSIBLE", Some("transactionId"));
    });
}

/// Nothing is forced below zero, and nothing leaves a frozen wallet.
#[test]
fn refuses_what_is_no_longer_there() {
    test(async |app| {
        let (alice, game, finance) = (app.user(), app.game(), app.finance());
        let (campaign, reward) = rewarded(app, &alice).await;
        let waiting = finance.reverse(&reward).await.ok();
        game.place(&alice, "4").await.ok();
        let refused = finance.reverse(&reward).await;
        let refused = refused.refused("INSUFFICIENT_FUNDS", Some("amount"));
        assert_eq!(refused["available"], mp("6.0000"));
        let refused = app.finance().approve(&waiting["approval"]["id"]).await;
        let refused = refused.refused("COMMAND_REFUSED", Some("approvalId"));
        assert_eq!(refused["cause"]["walletCode"], "INSUFFICIENT_FUNDS");
        finance.freeze(&owner(&alice)).await.ok();
        let refused = finance.reverse(&reward).await;
        let refused = refused.refused("INSUFFICIENT_FUNDS", Some("amount"));
        assert_eq!(refused["available"], mp("0.0000"));
        let funded = finance.fund(campaign, &mp("50")).await.ok()["transaction"].clone();
        let rest = app.minter().mint(campaign, &app.user(), "c-2", "120").await;
        rest.ok();
        let refused = finance.reverse(&funded).await;
        let refused = refused.refused("INSUFFICIENT_FUNDS", Some("amount"));
        assert_eq!(refused["available"], mp("20.0000"));
    });
}

#[test]
fn reverses_once_when_two_are_approved() {
    test(async |app| {
        let alice = app.user();
        let (_, reward) = rewarded(app, &alice).await;
        let (finance, other) = (app.finance(), app.finance());
        let mut waiting = Vec::new();
        for _ in 0..2 {
            let approval = finance.reverse(&reward).await.ok()["approval"]["id"].clone();
            waiting.push(approval);
        }
        let approved = waiting.iter().map(|approval| other.approve(approval));
        at_once(approved).await.one_applied("COMMAND_REFUSED");
        assert_eq!(available(app, "CAMPAIGN_TREASURY").await, 1_000_000);
        assert_eq!(app.count("reversals", "true").await, 1);
    });
}
