use chrono::TimeDelta;
use domain::access::Scope;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::lock::Lock;
use crate::support::wallets::{bet_of_tester, loss};
use crate::support::{Actor, TestApp, test};

/// A wallet with a deposit, a hold that was released, and one that was lost.
async fn moved(app: &TestApp) -> (Actor, Value) {
    let alice = app.saver("50").await.actor();
    let game = app.game();
    let hold = game.placed(&alice, "10", "6").await;
    game.release_hold(&hold).await.ok();
    let hold = game.placed(&alice, "20", "7").await;
    game.settle(loss(&hold)).await.ok();
    (alice, hold)
}

const ENTRIES: &str = "query ($filter: LedgerEntryFilter) { viewer { wallet(currency: \"MP\") { entries(first: 50, filter: $filter) {
    totalCount nodes { side bucket sequence amount { amount } transfer { reason } } } } } }";

async fn entries(who: &Actor, filter: Value) -> Value {
    let seen = who.get(ENTRIES, json!({"filter": filter})).await;
    seen["viewer"]["wallet"]["entries"].clone()
}

#[test]
fn filters_entries_by_each_condition() {
    test(async |app| {
        let (alice, _) = moved(app).await;
        let all = entries(&alice, Value::Null).await;
        assert_eq!(all["totalCount"], 8);
        for (filter, count) in [
            (json!({"bucket": "HELD"}), 4),
            (json!({"side": "CREDIT"}), 4),
            (json!({"side": "DEBIT", "bucket": "AVAILABLE"}), 2),
            (json!({"reason": "HOLD_PLACED"}), 4),
            (json!({"amount": {"min": "20"}}), 4),
            (json!({"amount": {"min": "10", "max": "19.99999"}}), 4),
            (json!({"amount": {"max": "0.00001"}}), 0),
            (json!({"reference": {"service": bet_of_tester("7")}}), 3),
            (json!({"postedAt": {"until": "2020-01-01T00:00:00Z"}}), 0),
            (json!({"postedAt": {"from": "2020-01-01T00:00:00Z"}}), 8),
        ] {
            let found = entries(&alice, filter.clone()).await;
            assert_eq!(found["totalCount"], count, "{filter}: {found}");
            assert_eq!(found["nodes"].as_array().unwrap().len(), count, "{filter}");
        }
        let refused = alice.ask(ENTRIES, json!({"filter": {"amount": {}}})).await;
        assert_eq!(refused.code(), "BAD_USER_INPUT");
    });
}

#[test]
fn shows_both_sides_of_an_entry() {
    test(async |app| {
        let (alice, _) = moved(app).await;
        let query = "query ($filter: LedgerEntryFilter) { viewer { wallet(currency: \"MP\") { entries(first: 1, filter: $filter) { nodes {
            id wallet { id } transfer { id reason transaction { id cause requestId caller { __typename } }
                debit { side bucket wallet { kind } } credit { side balanceAfter { amount } sequence wallet { kind } } } } } } } }";
        let filter = json!({"filter": {"reason": "HOLD_SETTLED"}});
        let seen =
            alice.get(query, filter).await["viewer"]["wallet"]["entries"]["nodes"][0].clone();
        let transfer = &seen["transfer"];
        assert_eq!(
            transfer["debit"],
            json!({"side": "DEBIT", "bucket": "HELD", "wallet": {"kind": "MAIN"}})
        );
        // The other home is behind TRANSIT, which is the platform's.
        assert_eq!(
            transfer["credit"],
            json!({"side": "CREDIT", "balanceAfter": null, "sequence": null, "wallet": null})
        );
        assert_eq!(transfer["transaction"]["cause"], "HOLD_SETTLED");
        assert!(transfer["transaction"]["requestId"].is_string());
        assert_eq!(transfer["transaction"]["caller"], Value::Null);
        let by_id = "query ($id: ID!) { node(id: $id) { ... on Transfer { reason transaction { caller { ... on Service { subject } } } } } }";
        let id = json!({"id": transfer["id"]});
        let staff = app.support().get(by_id, id.clone()).await["node"].clone();
        let caller = json!({"caller": {"subject": "tester"}});
        assert_eq!(
            staff,
            json!({"reason": "HOLD_SETTLED", "transaction": caller})
        );
        assert_eq!(app.user().get(by_id, id).await["node"], Value::Null);
        let by = json!({"by": {"uuid": Uuid::nil()}});
        let query = "query ($by: TransactionBy!) { transaction(by: $by) { id } }";
        assert_eq!(alice.get(query, by).await["transaction"], Value::Null);
        let by = json!({"by": {"id": transfer["transaction"]["id"]}});
        let found = alice.get(query, by.clone()).await["transaction"].clone();
        assert_eq!(found["id"], transfer["transaction"]["id"]);
        assert_eq!(
            app.game().get(query, by.clone()).await["transaction"],
            found
        );
        assert_eq!(app.user().get(query, by).await["transaction"], Value::Null);
    });
}

const TRANSFERS: &str = "query ($filter: TransferFilter, $first: Int, $after: String) {
    transfers(filter: $filter, first: $first, after: $after) {
        totalCount pageInfo { endCursor hasNextPage } nodes { id reason debit { wallet { kind } } credit { wallet { kind } } } } }";

#[test]
fn lists_transfers_to_staff_newest_first() {
    test(async |app| {
        let (alice, _) = moved(app).await;
        let staff = app.support();
        let list = async |filter: Value| {
            let page = staff
                .get(TRANSFERS, json!({"filter": filter, "first": 50}))
                .await;
            page["transfers"].clone()
        };
        let all = list(Value::Null).await;
        let pages = async |size: usize| {
            let mut ids = Vec::new();
            let mut after = Value::Null;
            loop {
                let variables = json!({"first": size, "after": after});
                let page = staff.get(TRANSFERS, variables).await["transfers"].clone();
                let nodes = page["nodes"].as_array().unwrap().clone();
                ids.extend(nodes.into_iter().map(|node| node["id"].clone()));
                if page["pageInfo"]["hasNextPage"] == false {
                    return ids;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
        };
        let ids: Vec<_> = all["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["id"].clone())
            .collect();
        assert_eq!(all["totalCount"], ids.len());
        assert_eq!(pages(2).await, ids);
        let owner = json!({"ownerId": alice.id().0});
        for (filter, count) in [
            (json!({"owner": owner}), 5),
            (
                json!({"owner": {"kind": "MERCHANT", "ownerId": alice.id().0}}),
                0,
            ),
            (json!({"kind": "CLEARING"}), 1),
            (json!({"kind": "MINING", "currency": "MP"}), 1),
            (json!({"kind": "MINING", "currency": "VND"}), 0),
            (json!({"reason": "HOLD_SETTLED"}), 2),
            (
                json!({"currency": "MP", "amount": {"min": "15", "max": "20"}}),
                3,
            ),
            (json!({"currency": "XYZ"}), 0),
            (json!({"reference": {"service": bet_of_tester("6")}}), 2),
            (json!({"postedAt": {"until": "2020-01-01T00:00:00Z"}}), 0),
        ] {
            assert_eq!(list(filter.clone()).await["totalCount"], count, "{filter}");
        }
        let unbounded = json!({"filter": {"amount": {"min": "1"}}, "first": 1});
        assert_eq!(
            staff.ask(TRANSFERS, unbounded).await.code(),
            "BAD_USER_INPUT"
        );
        for asker in [alice, app.service(&[Scope::WalletRead])] {
            let page = json!({"first": 1});
            assert_eq!(asker.ask(TRANSFERS, page).await.code(), "FORBIDDEN");
        }
    });
}

#[test]
fn returns_all_wallets_of_an_owner() {
    test(async |app| {
        let (alice, _) = moved(app).await;
        let query = "query ($owner: WalletOwnerInput!) { wallets(owner: $owner) {
            id kind currency available { amount } held { amount } version } }";
        let of = async |who: &Actor, owner: Value| {
            who.get(query, json!({"owner": owner})).await["wallets"].clone()
        };
        let staff = app.support();
        let mine = of(&staff, json!({"ownerId": alice.id().0})).await;
        assert_eq!(mine.as_array().unwrap().len(), 1);
        assert_eq!(mine[0]["available"]["amount"], "30.0000");
        // Each posting of the wallet is one change of it, however many entries it has.
        assert_eq!(mine[0]["version"], "5");
        assert_eq!(
            of(
                &app.service(&[Scope::WalletRead]),
                json!({"ownerId": alice.id().0})
            )
            .await,
            mine
        );
        let house = of(&staff, json!({"kind": "SYSTEM", "ownerId": Uuid::nil()})).await;
        let mining = house.as_array().unwrap().iter();
        let mining: Vec<_> = mining
            .filter(|wallet| wallet["kind"] == "MINING" && wallet["currency"] == "MP")
            .collect();
        assert_eq!(mining[0]["available"]["amount"], "-50.0000");
        let node = "query ($id: ID!) { node(id: $id) { ... on Wallet { kind available { amount } entries(first: 1) { totalCount } } } }";
        let by_id = json!({"id": mining[0]["id"]});
        let seen = staff.get(node, by_id.clone()).await["node"].clone();
        let entries = json!({"totalCount": 0});
        assert_eq!(
            seen,
            json!({"kind": "MINING", "available": {"amount": "-50.0000"}, "entries": entries})
        );
        assert_eq!(alice.get(node, by_id).await["node"], Value::Null);
        let refused = alice
            .ask(query, json!({"owner": {"ownerId": alice.id().0}}))
            .await;
        assert_eq!(refused.code(), "FORBIDDEN");
    });
}

#[test]
fn follows_a_reference_through_the_ledger() {
    test(async |app| {
        let (alice, hold) = moved(app).await;
        let query = "query ($by: LedgerReferenceBy!) { reference(by: $by) {
            reference { ... on ServiceReference { referenceId } ... on Withdrawal { status } }
            clearing { balance { amount } } holds(first: 5) { totalCount nodes { id } }
            transfers(first: 10) { totalCount nodes { reason } } } }";
        let service = json!({"by": {"service": bet_of_tester("7")}});
        let trail = app.support().get(query, service.clone()).await["reference"].clone();
        assert_eq!(trail["reference"], json!({"referenceId": "7"}));
        assert_eq!(
            trail["clearing"],
            json!([{"balance": {"amount": "20.0000"}}])
        );
        assert_eq!(
            trail["holds"],
            json!({"totalCount": 1, "nodes": [{"id": hold}]})
        );
        assert_eq!(trail["transfers"]["totalCount"], 3);
        let reader = app.service(&[Scope::WalletRead]);
        assert_eq!(reader.get(query, service).await["reference"], trail);
        let mut foreign = bet_of_tester("7");
        foreign["issuer"] = json!("other");
        let foreign = json!({"by": {"service": foreign}});
        assert_eq!(reader.get(query, foreign).await["reference"], Value::Null);
        let unknown = json!({"by": {"service": bet_of_tester("8")}});
        assert_eq!(reader.get(query, unknown).await["reference"], Value::Null);
        let withdrawal = alice.withdraw("5").await.ok()["withdrawal"].clone();
        let object = json!({"by": {"objectId": withdrawal["id"]}});
        let trail = app.support().get(query, object.clone()).await["reference"].clone();
        assert_eq!(trail["reference"], json!({"status": "REQUESTED"}));
        assert_eq!(trail["holds"]["totalCount"], 1);
        assert_eq!(reader.get(query, object).await["reference"], Value::Null);
    });
}

const PAST: &str = "query ($at: DateTime!) { viewer { wallet(currency: \"MP\") {
    balanceAt(at: $at) { available { amount } held { amount } } } } }";

#[test]
fn returns_past_balances_that_never_change() {
    test(async |app| {
        let alice = app.saver("50").await.actor();
        let game = app.game();
        let mut seen = Vec::new();
        let balance = async |at: &Value| {
            let wallet = alice.get(PAST, json!({"at": at})).await["viewer"]["wallet"].clone();
            let balance = wallet["balanceAt"].clone();
            (
                balance["available"]["amount"].clone(),
                balance["held"]["amount"].clone(),
            )
        };
        let now = async || {
            json!(
                app.now()
                    .await
                    .to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
            )
        };
        seen.push((now().await, ("50.0000", "0.0000")));
        let hold = game.placed(&alice, "20", "7").await;
        seen.push((now().await, ("30.0000", "20.0000")));
        app.advance(TimeDelta::hours(1)).await;
        game.settle(loss(&hold)).await.ok();
        seen.push((now().await, ("30.0000", "0.0000")));
        seen.push((json!("2020-01-01T00:00:00Z"), ("0.0000", "0.0000")));
        for (at, (available, held)) in &seen {
            assert_eq!(balance(at).await, (json!(available), json!(held)), "{at}");
        }
        let future = json!({"at": (app.now().await + TimeDelta::minutes(1)).to_rfc3339_opts(chrono::SecondsFormat::Micros, true)});
        assert_eq!(alice.ask(PAST, future).await.code(), "BAD_USER_INPUT");
        // While a posting has locked the wallet, the newest balance is not final; earlier ones are.
        let lock = Lock::by(
            app,
            &format!(
                "SELECT FROM wallets WHERE owner_id = '{}' FOR NO KEY UPDATE",
                alice.id()
            ),
        )
        .await;
        let at = now().await;
        let answer = alice.ask(PAST, json!({"at": at})).await;
        assert_eq!(answer.code(), "UNAVAILABLE");
        assert_eq!(
            answer.body["errors"][0]["extensions"]["reason"],
            "BALANCE_NOT_FINAL"
        );
        assert_eq!(
            balance(&seen[0].0).await,
            (json!("50.0000"), json!("0.0000"))
        );
        lock.release().await;
        assert_eq!(balance(&at).await, (json!("30.0000"), json!("0.0000")));
        // Before the first posting, the owner is what a posting locks.
        let carol = app.user();
        app.game()
            .place(&carol, "1")
            .await
            .refused("INSUFFICIENT_FUNDS", Some("amount"));
        let lock = Lock::by(
            app,
            &format!(
                "SELECT FROM owners WHERE owner_id = '{}' FOR SHARE",
                carol.id()
            ),
        )
        .await;
        assert_eq!(
            carol.ask(PAST, json!({"at": now().await})).await.code(),
            "UNAVAILABLE"
        );
        lock.release().await;
        carol.get(PAST, json!({"at": now().await})).await;
    });
}

#[test]
fn returns_house_balances_at_ends_of_days() {
    test(async |app| {
        moved(app).await;
        let staff = app.support();
        let query = "query ($owner: WalletOwnerInput!, $at: DateTime!) { wallets(owner: $owner) {
            kind currency balanceAt(at: $at) { available { amount } } } }";
        let owner = json!({"kind": "SYSTEM", "ownerId": Uuid::nil()});
        let tomorrow = app.now().await.date_naive() + TimeDelta::days(1);
        let midnight = format!("{tomorrow}T00:00:00Z");
        let noon = json!({"owner": owner, "at": "2020-01-01T12:00:00Z"});
        assert_eq!(staff.ask(query, noon).await.code(), "BAD_USER_INPUT");
        app.advance(TimeDelta::days(1)).await;
        app.advance(TimeDelta::hours(1)).await;
        let seen = staff
            .get(query, json!({"owner": owner, "at": midnight}))
            .await;
        let mining = seen["wallets"]
            .as_array()
            .unwrap()
            .iter()
            .find(|wallet| wallet["kind"] == "MINING" && wallet["currency"] == "MP");
        assert_eq!(
            mining.unwrap()["balanceAt"]["available"]["amount"],
            "-50.0000"
        );
    });
}
