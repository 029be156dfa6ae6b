use serde_json::json;

use super::decisions;
use crate::support::{assert_includes, test};

const FIELDS: [&str; 2] = ["minerNodeOperatorGrant", "minerNodeOperatorRevoke"];

#[test]
fn grants_the_role_and_withdraws_it() {
    test(async |app| {
        let admin = app.admin();
        let [alice, ..] = app.circle::<3>().await;
        let selection = "__typename ... on MinerRoleChanged { previousRole role }";
        let mut events = app.follow(&alice, selection).await;
        let granted = admin.grant_node_operator(&alice).await.ok();
        assert_eq!(granted["miner"]["role"], "NODE_OPERATOR");
        assert_eq!(
            events.next().await,
            json!({"__typename": "MinerRoleChanged", "previousRole": "CONTRIBUTOR", "role": "NODE_OPERATOR"})
        );
        let rate = alice.own_miner("rate { roleBonusRate }").await;
        assert_eq!(rate, json!({"rate": {"roleBonusRate": "0.5000"}}));
        // Without the grant the role follows from the active circle.
        let withdrawn = admin.revoke_node_operator(&alice).await.ok();
        assert_eq!(withdrawn["miner"]["role"], "CONTRIBUTOR");
        for (command, before, after) in [
            ("grant", "CONTRIBUTOR", "NODE_OPERATOR"),
            ("revoke", "NODE_OPERATOR", "CONTRIBUTOR"),
        ] {
            let audited = app
                .audited(&format!("mining.miner_node_operator_{command}"))
                .await;
            assert_eq!(audited.len(), 1);
            let entry = &audited[0];
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
        assert_eq!(
            alice.start().await.ok()["session"]["rate"]["hourlyRate"],
            "0.3750"
        );
    });
}

#[test]
fn refuses_unknown_and_own_miners() {
    for field in FIELDS {
        test(async |app| decisions::refuses_unknown_and_own(app, field).await);
    }
}

#[test]
fn refuses_banned_miners() {
    test(async |app| {
        let alice = app.miner().await;
        app.set_status(&alice, "BANNED").await;
        let admin = app.admin();
        for run in [
            admin.grant_node_operator(&alice),
            admin.revoke_node_operator(&alice),
        ] {
            run.await.refused("MINER_BANNED", None);
        }
    });
}

#[test]
fn refuses_changes_without_effect() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        let outcome = admin.revoke_node_operator(&alice).await;
        outcome.refused("ROLE_UNCHANGED", None);
        admin.grant_node_operator(&alice).await.ok();
        let outcome = admin.grant_node_operator(&alice).await;
        outcome.refused("ROLE_UNCHANGED", None);
    });
}

#[test]
fn rejects_ids_of_other_types() {
    test(async |app| {
        for field in FIELDS {
            decisions::rejects_ids_of_other_types(app, field).await;
        }
    });
}
