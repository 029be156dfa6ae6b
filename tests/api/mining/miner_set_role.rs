use serde_json::json;

use super::decisions;
use crate::support::{assert_includes, test};

const FIELD: &str = "minerSetRole";

#[test]
fn grants_the_role_and_withdraws_it() {
    test(async |app| {
        let admin = app.admin();
        let [alice, ..] = app.circle::<3>().await;
        let selection = "__typename ... on MinerRoleChanged { previousRole newRole }";
        let mut events = app.follow(&alice, selection).await;
        let granted = admin.grant_node_operator(&alice).await.ok();
        assert_eq!(granted["miner"]["role"], "NODE_OPERATOR");
        assert_eq!(
            events.next().await,
            json!({"__typename": "MinerRoleChanged", "previousRole": "CONTRIBUTOR", "newRole": "NODE_OPERATOR"})
        );
        let rate = alice.own_miner("rate { roleMultiplier }").await;
        assert_eq!(rate, json!({"rate": {"roleMultiplier": "0.5000"}}));
        // Without the grant the role follows from the active circle.
        let withdrawn = admin.revoke_node_operator(&alice).await.ok();
        assert_eq!(withdrawn["miner"]["role"], "CONTRIBUTOR");
        let audited = app.audited("mining.miner_set_role").await;
        assert_eq!(audited.len(), 2);
        for (entry, before, after) in [
            (&audited[0], "CONTRIBUTOR", "NODE_OPERATOR"),
            (&audited[1], "NODE_OPERATOR", "CONTRIBUTOR"),
        ] {
            assert_eq!(entry.outcome, "APPLIED");
            assert_includes(&entry.before, &json!({"role": before}));
            assert_includes(&entry.after, &json!({"role": after}));
        }
    });
}

#[test]
fn raises_the_rate_of_the_next_session() {
    test(async |app| {
        let alice = app.miner().await;
        app.admin().grant_node_operator(&alice).await.ok();
        assert_eq!(alice.start().await.ok()["hourlyRate"], "0.3750");
    });
}

#[test]
fn refuses_unknown_and_own_miners() {
    test(async |app| decisions::refuses_unknown_and_own(app, FIELD).await);
}

#[test]
fn refuses_banned_miners() {
    test(async |app| {
        let alice = app.miner().await;
        app.set_status(&alice, "BANNED").await;
        let outcome = app.admin().grant_node_operator(&alice).await;
        outcome.refused("MINER_BANNED", None);
    });
}

#[test]
fn refuses_changes_without_effect() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        let path = Some("change");
        let outcome = admin.revoke_node_operator(&alice).await;
        outcome.refused("ROLE_UNCHANGED", path);
        admin.grant_node_operator(&alice).await.ok();
        let outcome = admin.grant_node_operator(&alice).await;
        outcome.refused("ROLE_UNCHANGED", path);
    });
}

#[test]
fn rejects_ids_of_other_types() {
    test(async |app| decisions::rejects_ids_of_other_types(app, FIELD).await);
}
