//! Objects that are written at once look like those the engine resolves field by field.

use domain::access::Role;
use serde_json::{Value, json};

use crate::support::{Actor, test};

/// Queries, with places for fields that have to be resolved: of a miner, a circle, a member, a profile, an entry.
const QUERIES: &[&str] = &[
    "{ miners(first: 60, orderBy: {field: CREATED_AT, direction: ASC}) {
        nodes {
            __typename id uuid role status totalMinedPoints referralCode createdAt updatedAt profile { displayName PROFILE } MINER
            circle {
                __typename id uuid name named: name status memberCount trustScore bonusRate isValid createdAt CIRCLE
                members { __typename joinedAt isOwner isOwner MEMBER who: miner { ...P ... on Node { id } ... { role } } }
            }
        }
        edges { cursor node { uuid MINER circle { uuid CIRCLE members { isOwner MEMBER } } } }
    } }
    fragment P on MinerProfile { __typename displayName role totalMinedPoints PROFILE }",
    "{ miners(first: 5, orderBy: {field: CREATED_AT, direction: ASC}) { nodes {
        uuid MINER circle { uuid } circle { name CIRCLE }
        again: circle { members { isOwner @skip(if: true) joinedAt @include(if: true) MEMBER } }
    } } }",
    "{ leaderboard(limit: 20) { entries {
        rank rankPrecision totalMinedPoints miner { id displayName role totalMinedPoints PROFILE }
    } } }",
    "{ miners(first: 20, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { MINER
        history(first: 5) { nodes { uuid pointsEarned source earnedAt hourlyRate streakDays } }
        wallet { entries(first: 5) { nodes {
            sequence side bucket amount { amount currency } balanceAfter { amount currency }
            transfer { reason debit { side amount { amount } } credit { sequence bucket } }
        } } }
    } } }",
];

const RESOLVED: &[(&str, &str)] = &[
    ("MINER", "zz: streak { streakDays }"),
    ("CIRCLE", "zz: owner { id }"),
    ("MEMBER", "zz: miner { badge }"),
    ("PROFILE", "zz: badge"),
];

async fn ask(actor: &Actor, query: &str, resolved: impl Fn(&'static str) -> &'static str) -> Value {
    let query = RESOLVED
        .iter()
        .fold(query.to_owned(), |query, (place, field)| {
            query.replace(place, resolved(field))
        });
    actor.get(&query, json!({})).await
}

fn without_resolved(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("zz");
            fields.values_mut().for_each(without_resolved);
        }
        Value::Array(items) => items.iter_mut().for_each(without_resolved),
        _ => {}
    }
}

#[test]
fn resolves_eager_and_plain_fields_alike() {
    test(async |app| {
        db::demo::seed_town(&app.services.db).await.unwrap();
        let support = app.person(&[Role::Support]);
        for query in QUERIES {
            let quick = ask(&support, query, |_| "").await;
            let mut slow = ask(&support, query, |field| field).await;
            without_resolved(&mut slow);
            // As text, so that the order of fields counts.
            assert_eq!(quick.to_string(), slow.to_string(), "{query}");
        }
    });
}

#[test]
fn loads_fields_that_were_not_prefetched() {
    test(async |app| {
        db::demo::seed_town(&app.services.db).await.unwrap();
        let support = app.person(&[Role::Support]);
        let selection =
            "uuid circle { name members { joinedAt isOwner miner { id displayName } } }";
        let list = "orderBy: {field: CREATED_AT, direction: ASC}";
        let ahead = format!("{{ miners(first: 60, {list}) {{ nodes {{ {selection} }} }} }}");
        let ahead = support.get(&ahead, json!({})).await;
        for miner in ahead["miners"]["nodes"].as_array().unwrap() {
            let query = format!("query ($by: MinerBy!) {{ miner(by: $by) {{ {selection} }} }}");
            let loaded = support
                .get(&query, json!({"by": {"uuid": miner["uuid"]}}))
                .await;
            assert_eq!(loaded["miner"], *miner);
        }
    });
}
