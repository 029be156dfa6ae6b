use serde_json::{Value, json};

use crate::support::{Actor, test};

const NODES: &str = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";

/// The ids of a miner's objects.
async fn everything(actor: &Actor) -> Vec<Value> {
    let query = r#"{ viewer { id wallet(currency: "MP") { id } miner { id profile { id } session { id } circle { id } } } }"#;
    let viewer = actor.get(query, json!({})).await["viewer"].clone();
    let miner = &viewer["miner"];
    vec![
        miner["id"].clone(),
        miner["profile"]["id"].clone(),
        miner["session"]["id"].clone(),
        miner["circle"]["id"].clone(),
        viewer["wallet"]["id"].clone(),
        viewer["id"].clone(),
    ]
}

#[test]
fn returns_every_node_to_its_audience() {
    test(async |app| {
        let alice = app.miner().in_circle(1).await;
        alice.start().await.ok();
        let ids = everything(&alice).await;
        let own = alice.get(NODES, json!({"ids": ids})).await["nodes"].clone();
        let names: Vec<_> = own
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["__typename"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "Miner",
                "MinerProfile",
                "MiningSession",
                "Circle",
                "Wallet",
                "Viewer"
            ]
        );
        let echoed: Vec<_> = own
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["id"].clone())
            .collect();
        assert_eq!(echoed, ids);
        // Staff see all but the viewer, which is the caller.
        let staff = app.support().get(NODES, json!({"ids": ids})).await["nodes"].clone();
        assert_eq!(visible(&staff), [true, true, true, true, true, false]);
        // Objects of others are null; a profile is public.
        for other in [app.miner().await.actor(), app.anonymous()] {
            let nodes = other.get(NODES, json!({"ids": ids})).await["nodes"].clone();
            assert_eq!(visible(&nodes), [false, true, false, false, false, false]);
        }
        let one = alice
            .get(
                "query ($id: ID!) { node(id: $id) { ... on Miner { uuid } } }",
                json!({"id": ids[0]}),
            )
            .await;
        assert!(one["node"]["uuid"].is_string());
    });
}

fn visible(nodes: &Value) -> Vec<bool> {
    nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|node| !node.is_null())
        .collect()
}

#[test]
fn rejects_bad_ids() {
    test(async |app| {
        let alice = app.user();
        assert_eq!(
            alice.ask(NODES, json!({"ids": ["nonsense"]})).await.code(),
            "BAD_USER_INPUT"
        );
        let too_many = vec!["TWluZXI6MDAwMDAwMDAwMDAwNzAwMDgwMDAwMDAwMDAwMDAwMDA"; 101];
        assert_eq!(
            alice.ask(NODES, json!({"ids": too_many})).await.code(),
            "BAD_USER_INPUT"
        );
        let unknown = alice
            .get(
                NODES,
                json!({"ids": ["TWluZXI6MDAwMDAwMDAwMDAwNzAwMDgwMDAwMDAwMDAwMDAwMDA"]}),
            )
            .await;
        assert_eq!(unknown["nodes"], json!([null]));
    });
}
