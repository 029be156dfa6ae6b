use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::rounds::{prepared, race, rounds};
use crate::support::wallets::{bet, loss, mp, win};
use crate::support::{Actor, Outcome, TestApp, test};

/// Balance of the clearing account of a bet.
async fn clearing(app: &TestApp, id: &str) -> Value {
    let query =
        "query ($filter: ClearingAccountFilter) { clearingAccounts(first: 1, filter: $filter) {
        nodes { balance { amount } isOverdue } } }";
    let filter = json!({"filter": {"reference": bet(id)}});
    app.game().get(query, filter).await["clearingAccounts"]["nodes"][0].clone()
}

#[test]
fn a_loser_pays_a_winner() {
    test(async |app| {
        let ([alice, bob], game) = (
            [app.holder("100").await, app.holder("100").await],
            app.game(),
        );
        let lost = game.placed(&alice, "30", "7").await;
        let won = game.placed(&bob, "10", "7").await;
        let settled = game.settle(loss(&lost)).await.ok();
        assert_eq!(settled["settlement"]["outcome"], "LOSS");
        assert_eq!(settled["settlement"]["payouts"], json!([]));
        assert_eq!(settled["settlement"]["hold"]["status"], "SETTLED");
        assert_eq!(
            clearing(app, "7").await,
            json!({"balance": {"amount": "30.0000"}, "isOverdue": false})
        );
        let paid = game.settle(win(&won, &[(&bob, "40")])).await.ok();
        assert_eq!(paid["transaction"]["cause"], "HOLD_SETTLED");
        assert_eq!(
            paid["settlement"]["payouts"][0]["amount"],
            json!({"amount": "40.0000"})
        );
        assert_eq!(clearing(app, "7").await["balance"]["amount"], "0.0000");
        assert_eq!(app.balance(&alice).await.0, "70.0000");
        assert_eq!(app.balance(&bob).await.0, "130.0000");
        let events = app.events("HoldSettled").await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].payload["outcome"], "LOSS");
        let list = "{ settlements(first: 5) { totalCount nodes { outcome } } }";
        assert_eq!(
            game.get(list, json!({})).await["settlements"]["totalCount"],
            2
        );
        assert_eq!(
            alice.get(list, json!({})).await["settlements"]["totalCount"],
            1
        );
        let refused = game
            .settle(loss(&lost))
            .await
            .refused("HOLD_ALREADY_SETTLED", None);
        assert_eq!(
            refused["hold"]["settlement"]["id"],
            settled["settlement"]["id"]
        );
    });
}

#[test]
fn settles_a_part_and_returns_the_rest() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let hold = game.placed(&alice, "30", "7").await;
        let part = json!({"holdId": hold, "outcome": "LOSS", "amount": mp("12.5")});
        let settled = game.settle(part).await.ok();
        assert_eq!(settled["settlement"]["amount"]["amount"], "12.5000");
        let (available, held) = app.balance(&alice).await;
        assert_eq!((available.as_str(), held.as_str()), ("87.5000", "0.0000"));
        assert_eq!(clearing(app, "7").await["balance"]["amount"], "12.5000");
        // A win without payouts pays the settled amount to the owner.
        let hold = game.placed(&alice, "30", "8").await;
        game.settle(json!({"holdId": hold, "outcome": "WIN"}))
            .await
            .ok();
        assert_eq!(app.balance(&alice).await.0, "87.5000");
    });
}

#[test]
fn pays_merchants_from_a_pot() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let merchant = uuid::Uuid::from_u128(0xfeed);
        let hold = game.placed(&alice, "30", "7").await;
        let payouts = json!([
            {"owner": {"kind": "MERCHANT", "ownerId": merchant.to_string()}, "amount": mp("20")},
            {"owner": {"ownerId": alice.id().to_string()}, "amount": mp("10")},
        ]);
        game.settle(json!({"holdId": hold, "outcome": "WIN", "payouts": payouts}))
            .await
            .ok();
        let condition =
            format!("owner_kind = 'MERCHANT' AND owner_id = '{merchant}' AND available = 200000");
        assert_eq!(app.count("wallets", &condition).await, 1);
        let mut numbers: Vec<_> = app.events("PayoutReceived").await;
        numbers.sort_by_key(|event| event.sequence);
        let numbers: Vec<_> = numbers.iter().map(|event| event.sequence).collect();
        assert_eq!(numbers, [1, 2]);
    });
}

#[test]
fn refuses_to_settle_in_order() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let hold = game.placed(&alice, "30", "7").await;
        let payout = |amount: Value| json!([{"owner": {"ownerId": alice.id().to_string()}, "amount": amount}]);
        let vnd = json!({"amount": "1", "currency": "VND"});
        for (fields, code, path) in [
            (
                json!({"outcome": "LOSS", "amount": mp("30.0001")}),
                "AMOUNT_INVALID",
                Some("settlement.amount.amount"),
            ),
            (
                json!({"outcome": "LOSS", "amount": vnd}),
                "AMOUNT_INVALID",
                Some("settlement.amount.currency"),
            ),
            (
                json!({"outcome": "LOSS", "payouts": payout(mp("1"))}),
                "PAYOUTS_INVALID",
                Some("settlement.payouts"),
            ),
            (
                json!({"outcome": "WIN", "payouts": payout(mp("0"))}),
                "AMOUNT_INVALID",
                Some("settlement.payouts.0.amount.amount"),
            ),
            (
                json!({"outcome": "WIN", "payouts": [payout(mp("1"))[0], payout(mp("2"))[0]]}),
                "PAYOUTS_INVALID",
                Some("settlement.payouts.1.owner"),
            ),
            (
                json!({"outcome": "WIN", "payouts": payout(vnd.clone())}),
                "PAYOUT_CURRENCY_MISMATCH",
                Some("settlement.payouts.0.amount.currency"),
            ),
        ] {
            let mut settlement = json!({"holdId": hold});
            for (name, value) in fields.as_object().unwrap() {
                settlement[name] = value.clone();
            }
            game.settle(settlement).await.refused(code, path);
        }
        let short = game.settle(win(&hold, &[(&alice, "30.0001")])).await;
        let short = short.refused("CLEARING_SHORT", None);
        assert_eq!(short["available"], mp("30.0000"));
        let (available, held) = app.balance(&alice).await;
        assert_eq!((available.as_str(), held.as_str()), ("70.0000", "30.0000"));
        assert_eq!(app.count("clearing_accounts", "true").await, 0);
        game.release_hold(&hold).await.ok();
        game.settle(loss(&hold))
            .await
            .refused("HOLD_ALREADY_RELEASED", None);
    });
}

#[test]
fn settles_a_batch_all_or_nothing() {
    test(async |app| {
        let ([alice, bob], game) = (
            [app.holder("100").await, app.holder("100").await],
            app.game(),
        );
        let lost = game.placed(&alice, "30", "7").await;
        let won = game.placed(&bob, "10", "7").await;
        // The winner comes first: its payout leaves after the loser has paid.
        let batch = json!([win(&won, &[(&bob, "40")]), loss(&lost)]);
        let too_much = json!([win(&won, &[(&bob, "40.0001")]), loss(&lost)]);
        let refusing = game.settle_all(too_much).key("refused");
        let refused = refusing.clone().await;
        refused.refused("BATCH_REFUSED", Some("settlements"));
        let results = refused.answer.body["data"]["holdBatchSettle"]["results"].clone();
        let codes: Vec<_> = results
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["userErrors"][0]["code"].clone())
            .collect();
        assert_eq!(codes, ["CLEARING_SHORT", "NOT_APPLIED"]);
        let above = json!({"holdId": won, "outcome": "LOSS", "amount": mp("11")});
        let refused = game.settle_all(json!([loss(&lost), above])).await;
        let others = &refused.answer.body["data"]["holdBatchSettle"]["results"];
        assert_eq!(
            others[1]["userErrors"][0]["field"],
            json!(["settlements", "1", "amount", "amount"])
        );
        assert_eq!(app.count("settlements", "true").await, 0);
        let again = refusing.await;
        assert!(again.is_replay());
        assert_eq!(
            again.answer.body["data"]["holdBatchSettle"]["results"],
            results
        );

        let settled = game.settle_all(batch).await.ok();
        let outcomes: Vec<_> = settled["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["settlement"]["outcome"].clone())
            .collect();
        assert_eq!(outcomes, ["WIN", "LOSS"]);
        let uuid =
            |index: usize| settled["results"][index]["settlement"]["transaction"]["uuid"].clone();
        assert_ne!(uuid(0), uuid(1));
        assert_eq!(app.balance(&bob).await.0, "130.0000");
        assert_eq!(clearing(app, "7").await["balance"]["amount"], "0.0000");
    });
}

#[test]
fn opens_clearing_accounts_of_two_batches_at_once() {
    test(async |app| {
        let (alice, game) = (app.holder("1000").await, app.game());
        let pairs = prepared(async |round| {
            let bets = [format!("{round}a"), format!("{round}b")];
            let [one, two] = [&bets[0], &bets[1]].map(|bet| game.placed(&alice, "1", bet));
            let first = [one.await, two.await];
            let [two, one] = [&bets[1], &bets[0]].map(|bet| game.placed(&alice, "1", bet));
            [first, [two.await, one.await]]
        })
        .await;
        rounds(async |round| {
            let [one, two] = &pairs[round];
            let batch =
                |[first, second]: &[Value; 2]| game.settle_all(json!([loss(first), loss(second)]));
            let outcomes = race(round, batch(one), batch(two)).await;
            assert_eq!(outcomes.each_ref().map(Outcome::refusal), [None, None]);
        })
        .await;
        let full = "kind = 'CLEARING' AND available = 20000";
        assert_eq!(app.count("wallets", full).await, 400);
    });
}

#[test]
fn pays_an_owner_with_the_id_of_the_clearing_account() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let hold = game.placed(&alice, "30", "7").await;
        game.settle(loss(&hold)).await.ok();
        let account = "{ clearingAccounts(first: 1) { nodes { uuid } } }";
        let account = game.get(account, json!({})).await;
        let account = account["clearingAccounts"]["nodes"][0]["uuid"].clone();
        let hold = game.placed(&alice, "10", "7").await;
        let payouts = json!([{"owner": {"ownerId": account}, "amount": mp("40")}]);
        game.settle(json!({"holdId": hold, "outcome": "WIN", "payouts": payouts}))
            .await
            .ok();
        // The end of the test checks the ledger.
        assert_eq!(clearing(app, "7").await["balance"]["amount"], "0.0000");
    });
}

#[test]
fn rejects_batches_out_of_bounds() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let hold = game.placed(&alice, "1", "7").await;
        let many: Vec<_> = (0..501).map(|_| loss(&hold)).collect();
        for (batch, problem) in [
            (json!([]), "1 to 500"),
            (json!(many), "1 to 500"),
            (json!([loss(&hold), loss(&hold)]), "each hold once"),
        ] {
            let codes = game
                .settle_all(batch)
                .select("results { userErrors { code } }");
            let answer = codes.await.answer;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.body);
            assert!(answer.body.to_string().contains(problem), "{}", answer.body);
        }
    });
}

#[test]
fn lists_clearing_accounts_that_are_overdue() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let hold = game.placed(&alice, "30", "7").await;
        game.settle(loss(&hold)).await.ok();
        let query = "query ($is: Boolean) { clearingAccounts(first: 5, filter: {isOverdue: $is}) {
            totalCount nodes { id uuid openedAt reference { issuer referenceType referenceId } } } }";
        let count = async |is_overdue: bool| {
            let page = app.support().get(query, json!({"is": is_overdue})).await;
            page["clearingAccounts"]["totalCount"].clone()
        };
        assert_eq!(
            (count(true).await, count(false).await),
            (json!(0), json!(1))
        );
        app.advance(TimeDelta::hours(72)).await;
        assert_eq!(
            (count(true).await, count(false).await),
            (json!(1), json!(0))
        );
        assert_eq!(clearing(app, "7").await["isOverdue"], true);
        assert_eq!(alice.ask(query, json!({})).await.code(), "FORBIDDEN");
        let account = game.get(query, json!({})).await["clearingAccounts"]["nodes"][0].clone();
        let node = "query ($id: ID!) { node(id: $id) { ... on ClearingAccount { uuid } } }";
        let seen = game.get(node, json!({"id": account["id"]})).await;
        assert_eq!(seen["node"]["uuid"], account["uuid"]);
    });
}

/// Holds of 1 MP of one person, one for each round. The clearing account exists, so that no command has to create it.
async fn holds_for_rounds(game: &Actor, alice: &Actor) -> Vec<Value> {
    let first = game.placed(alice, "1", "7").await;
    game.settle(win(&first, &[(alice, "1")])).await.ok();
    prepared(async |_| game.placed(alice, "1", "7").await).await
}

#[test]
fn settles_or_releases_a_hold_once() {
    test(async |app| {
        let (alice, game) = (app.holder("500").await, app.game());
        let holds = holds_for_rounds(&game, &alice).await;
        let mut left = 300;
        rounds(async |round| {
            let hold = &holds[round];
            let runs = (game.settle(loss(hold)), game.release_hold(hold));
            let [settled, released] = race(round, runs.0, runs.1).await;
            match settled.refusal() {
                None => released.refused("HOLD_ALREADY_SETTLED", None),
                Some(_) => settled.refused("HOLD_ALREADY_RELEASED", None),
            };
            left += i32::from(released.refusal().is_none());
            assert_eq!(app.balance(&alice).await.0, format!("{left}.0000"));
        })
        .await;
        println!("{} were released", left - 300);
        assert_eq!(app.balance(&alice).await.1, "0.0000");
    });
}

#[test]
fn settles_a_hold_once_of_two() {
    test(async |app| {
        let (alice, game) = (app.holder("500").await, app.game());
        let holds = holds_for_rounds(&game, &alice).await;
        let mut left = 300;
        rounds(async |round| {
            let hold = &holds[round];
            let runs = (
                game.settle(loss(hold)),
                game.settle(win(hold, &[(&alice, "1")])),
            );
            let [lost, won] = race(round, runs.0, runs.1).await;
            let refused = if lost.refusal().is_none() {
                &won
            } else {
                &lost
            };
            refused.refused("HOLD_ALREADY_SETTLED", None);
            left += i32::from(won.refusal().is_none());
            assert_eq!(app.balance(&alice).await.0, format!("{left}.0000"));
        })
        .await;
        assert_eq!(app.balance(&alice).await.1, "0.0000");
        let lost = app.count("settlements", "outcome = 'LOSS'").await;
        assert_eq!(lost, 500 - i64::from(left));
        println!("{lost} were lost");
    });
}
