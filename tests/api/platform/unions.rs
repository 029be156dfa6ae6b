//! Fragments on unions, which apply to each of their members.

use serde_json::json;

use crate::support::test;

#[test]
fn applies_fragments_on_unions() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        admin.adjust(&alice, "2500").await.ok();
        let proposal = json!({"__typename": "MinerPointsAdjustProposal", "points": "2500.0000"});
        let fields = "__typename ... on MinerPointsAdjustProposal { points }";
        for (selected, fragments) in [
            (
                format!("... on ApprovalProposal {{ {fields} }}"),
                String::new(),
            ),
            (
                "...F".to_owned(),
                format!("fragment F on ApprovalProposal {{ {fields} }}"),
            ),
            (
                "... { ...F }".to_owned(),
                format!(
                    "fragment F on ApprovalProposal {{ ...G }} fragment G on ApprovalProposal {{ {fields} }}"
                ),
            ),
        ] {
            let query = format!(
                "{{ approvals(first: 1) {{ nodes {{ proposal {{ {selected} }} }} }} }} {fragments}"
            );
            let data = admin.get(&query, json!({})).await;
            assert_eq!(
                data["approvals"]["nodes"],
                json!([{"proposal": proposal}]),
                "{query}"
            );
        }
    });
}

#[test]
fn applies_fragments_on_unions_inside_members_and_interfaces() {
    test(async |app| {
        let alice = app.miner().await;
        let id = alice.id().to_string();
        let node = alice.get("{ viewer { user { id } } }", json!({})).await["viewer"]["user"]["id"]
            .clone();
        let query = "query ($id: ID!) {
            viewer { user { ... on Actor { __typename ... on User { uuid } ... on Service { subject } } } }
            node(id: $id) { ...A @include(if: true) ...A @skip(if: true) }
        } fragment A on Actor { ...U ...S }
        fragment U on User { uuid } fragment S on Service { subject }";
        let data = alice.get(query, json!({"id": node})).await;
        assert_eq!(
            data["viewer"]["user"],
            json!({"__typename": "User", "uuid": id})
        );
        assert_eq!(data["node"], json!({"uuid": id}));
    });
}

#[test]
fn rejects_impossible_and_endless_fragments_on_unions() {
    test(async |app| {
        for query in [
            "{ serverInfo { ... on Actor { __typename } } }",
            "{ serverInfo { ...F } } fragment F on Actor { __typename }",
            "{ viewer { user { ...F } } } fragment F on Actor { ... on Actor { ...F } }",
        ] {
            let answer = app.support().ask(query, json!({})).await;
            assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED", "{query}");
        }
    });
}
