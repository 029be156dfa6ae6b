//! Every field, requested by anonymous callers, strangers, owners, staff and services.
//!
//! The tables of `audiences` hold the expected answer of each; a field or type without an entry fails a test.

use std::collections::BTreeSet;

use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::audiences::Hears::{Code, Null, Value as Answer};
use super::audiences::{NODES, ROOTS, Root, VALUES};
use crate::support::wallets::{loss, mp};
use crate::support::{Actor, TestApp, test};

pub(super) struct Cast {
    pub asking: [Actor; 5],
    /// Id of an object of each type.
    pub ids: Value,
}

pub(super) async fn cast(app: &TestApp) -> Cast {
    let owner = app.miner().streak(1).in_circle(1).ready().await;
    // Invited by the owner, and brought them; not one of the callers.
    let guest = app.miner().await;
    owner.invite(&guest).await;
    let payload = owner.apply(&guest.code).await.ok();
    let referral = payload["referral"]["id"].clone();
    let query = r#"{ viewer { id wallet(currency: "MP") { id entries(first: 1) { nodes { id } } } miner { id profile { id } session { id } circle { id } }
        circle { invitations { id } } } }"#;
    let viewer = owner.get(query, json!({})).await["viewer"].clone();
    let miner = &viewer["miner"];
    let mut ids = json!({
        "Miner": miner["id"], "MinerProfile": miner["profile"]["id"], "MiningSession": miner["session"]["id"],
        "Circle": miner["circle"]["id"], "CircleInvitation": viewer["circle"]["invitations"][0]["id"], "Wallet": viewer["wallet"]["id"],
        "LedgerEntry": viewer["wallet"]["entries"]["nodes"][0]["id"], "Viewer": viewer["id"],
        "Referral": referral,
    });
    let game = app.game();
    ids["Hold"] = game.placed(&owner, "0.5", "7").await;
    let settled = game.placed(&owner, "0.5", "7").await;
    let selection = "settlement { id } transaction { id }";
    let settled = game.settle(loss(&settled)).select(selection).await.ok();
    ids["Settlement"] = settled["settlement"]["id"].clone();
    ids["Transaction"] = settled["transaction"]["id"].clone();
    let query = "{ viewer { wallet(currency: \"MP\") { entries(first: 1) { nodes { transfer { id } } } } } }";
    let seen = owner.get(query, json!({})).await["viewer"]["wallet"]["entries"].clone();
    ids["Transfer"] = seen["nodes"][0]["transfer"]["id"].clone();
    ids["ReconciliationRun"] = app.finance().reconcile().await.ok()["run"]["id"].clone();
    let query = "{ clearingAccounts(first: 1) { nodes { id } } }";
    let page = game.get(query, json!({})).await["clearingAccounts"].clone();
    ids["ClearingAccount"] = page["nodes"][0]["id"].clone();
    ids["Campaign"] = app.offered().await.1;
    ids["Voucher"] = owner.claimed(&ids["Campaign"]).await;
    let order = app.order().await;
    let used = owner.redeem(&ids["Voucher"], order, "1").await.ok();
    ids["Redemption"] = used["redemption"]["id"].clone();
    ids["Deposit"] = app.bank().await.suspended("7", "7").await;
    app.verify(&owner).await.ok();
    app.open_conversions().await;
    let conversion = owner.convert(&mp("0.1"), "PT").await.ok()["conversion"].clone();
    ids["Conversion"] = conversion["id"].clone();
    ids["RateSnapshot"] = conversion["rate"]["id"].clone();
    ids["Withdrawal"] = owner.withdraw("0.1").await.ok()["withdrawal"]["id"].clone();
    let stranger = app.miner().await;
    let payload = app.admin().adjust(&owner, "2500").await.ok();
    ids["Approval"] = payload["approval"]["id"].clone();
    let staff = app.person(&[Role::Support]);
    let query =
        "query ($id: ID!) { miner(by: {id: $id}) { user { id } history(first: 1) { nodes { id } }
            session { configuration { id } } }
        auditLog(first: 1) { nodes { id } } jobs { id }
        systemConfiguration { streak { id } referral { id } wallet { id } promotion { id } } }";
    let seen = staff.get(query, json!({"id": ids["Miner"]})).await;
    let ids_of = [
        ("User", "/miner/user/id"),
        ("MiningHistoryEntry", "/miner/history/nodes/0/id"),
        ("MiningConfiguration", "/miner/session/configuration/id"),
        ("AuditLogEntry", "/auditLog/nodes/0/id"),
        ("Job", "/jobs/0/id"),
        ("StreakConfiguration", "/systemConfiguration/streak/id"),
        ("ReferralConfiguration", "/systemConfiguration/referral/id"),
        (
            "PromotionConfiguration",
            "/systemConfiguration/promotion/id",
        ),
        ("WalletConfiguration", "/systemConfiguration/wallet/id"),
    ];
    for (name, path) in ids_of {
        ids[name] = seen.pointer(path).unwrap().clone();
    }
    let service = app.service(&[Scope::RatesWrite]);
    Cast {
        asking: [
            app.anonymous(),
            stranger.actor(),
            owner.actor(),
            staff,
            service,
        ],
        ids,
    }
}

#[test]
fn answers_each_audience_of_a_root_field() {
    test(async |app| {
        let cast = cast(app).await;
        let variables = json!({
            "miner": cast.ids["Miner"], "wallet": cast.ids["Wallet"], "circle": cast.ids["Circle"],
            "invitation": cast.ids["CircleInvitation"], "profile": cast.ids["MinerProfile"], "hold": cast.ids["Hold"],
            "deposit": cast.ids["Deposit"], "withdrawal": cast.ids["Withdrawal"], "conversion": cast.ids["Conversion"],
            "transaction": cast.ids["Transaction"], "campaign": cast.ids["Campaign"], "voucher": cast.ids["Voucher"],
            "redemption": cast.ids["Redemption"], "user": cast.asking[2].id().0,
        });
        let answered = |root: &&Root| !root.field.starts_with("Subscription.");
        for root in ROOTS.iter().filter(answered) {
            let name = root.field.split('.').nth(1).unwrap();
            for (who, (actor, expected)) in cast.asking.iter().zip(root.hear).enumerate() {
                let answer = actor.ask(root.operation, variables.clone()).await;
                let heard = match &answer.body["data"][name] {
                    _ if answer.body.get("errors").is_some() => Code(code_of(answer.code())),
                    Value::Null => Null,
                    Value::Array(items) if items.iter().all(Value::is_null) => Null,
                    _ => Answer,
                };
                assert_eq!(
                    heard, expected,
                    "{} by audience {who}: {}",
                    root.field, answer.body
                );
            }
        }
    });
}

#[test]
fn answers_each_audience_of_a_subscription() {
    test(async |app| {
        let cast = cast(app).await;
        let owner = cast.asking[2].id().to_string();
        let variables = json!({"miner": cast.ids["Miner"], "user": owner, "circle": cast.ids["Circle"], "campaign": cast.ids["Campaign"]});
        let followed = |root: &&Root| root.field.starts_with("Subscription.");
        for root in ROOTS.iter().filter(followed) {
            for (who, (actor, expected)) in cast.asking.iter().zip(root.hear).enumerate() {
                let following = app.events.count();
                let mut socket = actor.socket().await;
                let payload = json!({"query": root.operation, "variables": variables});
                socket
                    .say(json!({"id": "1", "type": "subscribe", "payload": payload}))
                    .await;
                if expected == Answer {
                    app.until(|| app.events.count() > following).await;
                    drop(socket);
                    app.until(|| app.events.count() == following).await;
                    continue;
                }
                let heard = Code(code_of(&socket.error().await));
                assert_eq!(heard, expected, "{} by audience {who}", root.field);
            }
        }
    });
}

/// The code as it stands in the tables.
fn code_of(code: &str) -> &'static str {
    ["UNAUTHENTICATED", "FORBIDDEN"]
        .into_iter()
        .find(|known| *known == code)
        .unwrap_or("another")
}

const TYPES: &str = "{ __schema { types { kind name fields { name args { name } type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

#[test]
fn returns_fields_of_nodes_to_their_audience_only() {
    test(async |app| {
        let cast = cast(app).await;
        let types = app.anonymous().get(TYPES, json!({})).await["__schema"]["types"].clone();
        for (name, seen_by) in NODES {
            let of = types
                .as_array()
                .unwrap()
                .iter()
                .find(|of| of["name"] == *name)
                .unwrap();
            for field in of["fields"].as_array().unwrap() {
                let selection = selection(field);
                let query = format!(
                    "query ($id: ID!) {{ node(id: $id) {{ ... on {name} {{ it: {selection} }} }} }}"
                );
                for (who, (actor, seen)) in cast.asking.iter().zip(seen_by).enumerate() {
                    let answer = actor.ask(&query, json!({"id": cast.ids[*name]})).await;
                    assert!(
                        answer.body.get("errors").is_none(),
                        "{query} by audience {who}: {}",
                        answer.body
                    );
                    assert_eq!(
                        !answer.body["data"]["node"].is_null(),
                        *seen,
                        "{query} by audience {who}: {}",
                        answer.body
                    );
                }
            }
        }
    });
}

/// A field with the arguments and the selection it needs.
fn selection(field: &Value) -> String {
    let arguments: Vec<_> = field["args"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|argument| match argument["name"].as_str().unwrap() {
            "first" => Some("first: 1"),
            "currency" => Some("currency: \"MP\""),
            "at" => Some("at: \"2020-01-01T00:00:00Z\""),
            "period" => Some("period: {from: \"2020-01-01T00:00:00Z\"}"),
            _ => None,
        })
        .collect();
    let mut inner = &field["type"];
    while !inner["ofType"].is_null() {
        inner = &inner["ofType"];
    }
    let is_object = ["OBJECT", "INTERFACE", "UNION"].contains(&inner["kind"].as_str().unwrap());
    format!(
        "{}{}{}",
        field["name"].as_str().unwrap(),
        if arguments.is_empty() {
            String::new()
        } else {
            format!("({})", arguments.join(", "))
        },
        if is_object { " { __typename }" } else { "" }
    )
}

#[test]
fn covers_the_whole_schema() {
    test(async |app| {
        let types = app.anonymous().get(TYPES, json!({})).await["__schema"]["types"].clone();
        let mut found = BTreeSet::new();
        for of in types.as_array().unwrap() {
            let name = of["name"].as_str().unwrap();
            if of["kind"] != "OBJECT" || name.starts_with("__") {
                continue;
            }
            if name == "Mutation" {
                continue;
            }
            if ["Query", "Subscription"].contains(&name) {
                let fields = of["fields"].as_array().unwrap();
                found.extend(
                    fields
                        .iter()
                        .map(|field| format!("{name}.{}", field["name"].as_str().unwrap())),
                );
            } else {
                found.insert(name.to_owned());
            }
        }
        let covered = ROOTS
            .iter()
            .map(|root| root.field)
            .chain(NODES.iter().map(|(name, _)| *name))
            .chain(VALUES.iter().copied())
            .map(str::to_owned)
            .collect::<BTreeSet<_>>();
        assert_eq!(
            found, covered,
            "say in the tables of `audiences` who may see what"
        );
    });
}
