use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::support::{Actor, TestApp, test};

const LIST: &str = "query ($filter: CampaignFilter, $order: CampaignOrder) {
    campaigns(first: 10, filter: $filter, orderBy: $order) { totalCount nodes { name } } }";

async fn names(who: &Actor, filter: Value, order: Value) -> Vec<String> {
    let variables = json!({"filter": filter, "order": order});
    let page = who.get(LIST, variables).await["campaigns"].clone();
    let nodes = page["nodes"].as_array().unwrap();
    assert_eq!(page["totalCount"], nodes.len());
    let names = nodes.iter();
    names
        .map(|node| node["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Campaigns of two merchants: `Draft`, `Open`, `Paused`, `Cancelled`, `Later` of the first, and `Other` of the second.
async fn campaigns(app: &TestApp) -> (Actor, Actor) {
    let (merchant, other) = (app.merchant("400").await, app.merchant("100").await);
    for name in ["Draft", "Open", "Paused", "Cancelled", "Later"] {
        let mut fields = json!({"name": name, "description": format!("Sữa đá of {name}")});
        if name == "Later" {
            fields["startsAt"] = app.in_days(9).await;
        }
        let create = merchant.create_campaign().with(fields);
        let campaign = create.await.ok()["campaign"]["id"].clone();
        match name {
            "Open" | "Later" => drop(merchant.activate(&campaign).await.ok()),
            "Paused" => {
                merchant.activate(&campaign).await.ok();
                merchant.pause(&campaign).await.ok();
            }
            "Cancelled" => drop(merchant.cancel_campaign(&campaign).await.ok()),
            _ => {}
        }
    }
    let fields = json!({"name": "other", "acquisitionType": "EXCHANGE_POINTS", "acquisitionPrice": {"amount": "1", "currency": "MP"}});
    let create = other.create_campaign().with(fields);
    let campaign = create.await.ok()["campaign"]["id"].clone();
    other.activate(&campaign).await.ok();
    (merchant, other)
}

#[test]
fn lists_what_each_caller_may_see() {
    test(async |app| {
        let (merchant, other) = campaigns(app).await;
        let all = async |who: &Actor| names(who, json!(null), json!(null)).await;
        assert_eq!(all(&app.anonymous()).await, ["other", "Open"]);
        assert_eq!(all(&app.user()).await, ["other", "Open"]);
        let own = ["other", "Later", "Cancelled", "Paused", "Open", "Draft"];
        assert_eq!(all(&merchant).await, own);
        assert_eq!(all(&other).await, ["other", "Open"]);
        assert_eq!(all(&app.support()).await, own);
        assert_eq!(all(&app.service(&[Scope::PromotionsRead])).await, own);
        assert_eq!(
            all(&app.service(&[Scope::WalletRead])).await,
            ["other", "Open"]
        );
    });
}

#[test]
fn filters_by_each_condition() {
    test(async |app| {
        let (merchant, _) = campaigns(app).await;
        let staff = app.support();
        let later = app.in_days(5).await;
        for (filter, expected) in [
            (json!({"status": "DRAFT"}), &["Draft"][..]),
            (json!({"status": "ACTIVE"}), &["other", "Later", "Open"]),
            (json!({"status": "CANCELLED"}), &["Cancelled"]),
            (json!({"status": "COMPLETED"}), &[]),
            (json!({"isOpen": true}), &["other", "Open"]),
            (json!({"isOpen": false, "status": "ACTIVE"}), &["Later"]),
            (json!({"acquisitionType": "EXCHANGE_POINTS"}), &["other"]),
            (json!({"search": "sỮA ĐÁ of o"}), &["Open"]),
            (json!({"search": "OTHER"}), &["other"]),
            (json!({"startsAt": {"from": later}}), &["Later"]),
            (json!({"endsAt": {"until": later}}), &[]),
            (
                json!({"merchantId": merchant.id().to_string(), "isOpen": true}),
                &["Open"],
            ),
        ] {
            assert_eq!(
                names(&staff, filter.clone(), json!(null)).await,
                expected,
                "{filter}"
            );
        }
    });
}

#[test]
fn lists_a_merchants_own() {
    test(async |app| {
        let (merchant, campaign) = app.drafted().await;
        let (other, _) = app.offered().await;
        let query = "query ($filter: CampaignFilter) { viewer { campaigns(first: 5, filter: $filter) { totalCount nodes { id } } } }";
        let own = merchant.get(query, json!({})).await["viewer"]["campaigns"].clone();
        assert_eq!(own, json!({"totalCount": 1, "nodes": [{"id": campaign}]}));
        let foreign = json!({"filter": {"merchantId": other.id().to_string()}});
        let none = merchant.get(query, foreign).await["viewer"]["campaigns"].clone();
        assert_eq!(none, json!({"totalCount": 0, "nodes": []}));
        let nobody = app.user().get(query, json!({})).await;
        assert_eq!(nobody["viewer"]["campaigns"], Value::Null);
    });
}

#[test]
fn orders_and_pages() {
    test(async |app| {
        campaigns(app).await;
        let staff = app.support();
        let by = |field: &str, direction: &str| json!({"field": field, "direction": direction});
        let expected = ["Cancelled", "Draft", "Later", "Open", "other", "Paused"];
        assert_eq!(names(&staff, json!({}), by("NAME", "ASC")).await, expected);
        let oldest = names(&staff, json!({}), by("CREATED_AT", "ASC")).await;
        assert_eq!(oldest[0], "Draft");
        let last = names(&staff, json!({}), by("ENDS_AT", "DESC")).await;
        assert_eq!(last.len(), 6);
        let query = "query ($after: String, $field: CampaignOrderField!) {
            campaigns(first: 2, after: $after, orderBy: {field: $field, direction: DESC}) {
                nodes { name } pageInfo { endCursor hasNextPage } } }";
        for field in ["NAME", "ENDS_AT", "CREATED_AT"] {
            let (mut seen, mut after) = (Vec::new(), json!(null));
            loop {
                let variables = json!({"after": after, "field": field});
                let page = staff.get(query, variables).await["campaigns"].clone();
                let nodes = page["nodes"].as_array().unwrap().iter();
                seen.extend(nodes.map(|node| node["name"].as_str().unwrap().to_owned()));
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
            assert_eq!(
                seen,
                names(&staff, json!({}), by(field, "DESC")).await,
                "{field}"
            );
            let wrong = if field == "NAME" { "ENDS_AT" } else { "NAME" };
            let foreign = staff
                .ask(query, json!({"after": after, "field": wrong}))
                .await;
            assert_eq!(foreign.code(), "BAD_USER_INPUT");
        }
    });
}

#[test]
fn shows_money_to_its_merchant_and_staff() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        let query = "query ($id: ID!) { campaign(by: {id: $id}) {
            status uuid escrow { amount } escrowTotal { amount } proceeds { amount } } }";
        let variables = json!({"id": campaign});
        let other = app.person(&[Role::Merchant]);
        for (who, escrow) in [
            (&app.anonymous(), json!(null)),
            (&other, json!(null)),
            (&merchant, json!({"amount": "50.0000"})),
            (&app.support(), json!({"amount": "50.0000"})),
        ] {
            let seen = who.get(query, variables.clone()).await["campaign"].clone();
            assert_eq!(seen["status"], "ACTIVE");
            assert_eq!(seen["escrow"], escrow);
            assert_eq!(seen["escrowTotal"], escrow);
            assert_eq!(seen["proceeds"], json!(null));
        }
        let seen = merchant.get(query, variables.clone()).await;
        let by_uuid = "query ($id: UUID!) { campaign(by: {uuid: $id}) { id } }";
        let uuid = json!({"id": seen["campaign"]["uuid"]});
        assert_eq!(
            app.anonymous().get(by_uuid, uuid).await["campaign"]["id"],
            campaign
        );
        let nobody = json!({"id": "00000000-0000-4000-8000-000000000001"});
        assert_eq!(
            app.anonymous().get(by_uuid, nobody).await["campaign"],
            json!(null)
        );
        // Drafts and cancelled campaigns are for their merchant and staff.
        let draft = merchant.create_campaign().await.ok()["campaign"].clone();
        let gone = merchant.cancel_campaign(&campaign).await.ok()["campaign"].clone();
        let query_all = "query ($id: ID!, $uuid: UUID!) { a: campaign(by: {id: $id}) { name }
            b: campaign(by: {uuid: $uuid}) { name } c: node(id: $id) { ... on Campaign { name } } }";
        for (who, may) in [
            (&app.anonymous(), false),
            (&app.user(), false),
            (&other, false),
            (&app.service(&[Scope::WalletRead]), false),
            (&merchant, true),
            (&app.support(), true),
            (&app.service(&[Scope::PromotionsRead]), true),
        ] {
            for campaign in [&draft, &gone] {
                let variables = json!({"id": campaign["id"], "uuid": campaign["uuid"]});
                let seen = who.get(query_all, variables).await;
                let name = if may {
                    json!({"name": "Coffee for two"})
                } else {
                    json!(null)
                };
                assert_eq!(seen, json!({"a": name, "b": name, "c": name}), "{campaign}");
            }
        }
        let hidden = app.anonymous().get(query, variables.clone()).await;
        assert_eq!(hidden["campaign"], json!(null));
        assert_eq!(
            merchant.get(query, variables).await["campaign"]["status"],
            "CANCELLED"
        );
    });
}
