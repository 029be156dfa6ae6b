//! Refusals that all commands of administrators about a miner share.

use serde_json::{Value, json};

use crate::support::TestApp;

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Checks the first refusals of a command: no valid reason, an unknown miner, the caller's own miner. Each is audited.
pub async fn refuses_unknown_and_own(app: &TestApp, field: &str) {
    let admin = app.admin();
    let nobody = json!({"uuid": NOBODY});
    for reason in [" ".to_owned(), "r".repeat(501), "\0".to_owned()] {
        let outcome = admin.decide_about(field, &nobody);
        let outcome = outcome.with(json!({"reason": reason})).await;
        outcome.refused("REASON_INVALID", Some("reason"));
    }
    // The entry of a refused reason names the miner, so that a search by miner finds it.
    let alice = app.miner().await;
    let outcome = admin.decide(field, &alice).with(json!({"reason": " "}));
    outcome.await.refused("REASON_INVALID", Some("reason"));
    let entries = app.audited_refusals("ReasonInvalid").await;
    let about: Vec<_> = entries
        .iter()
        .filter(|entry| entry.entity_id == Some(alice.id().to_string()))
        .collect();
    assert_eq!(about.len(), 1);
    assert_eq!(about[0].entity_kind.as_deref(), Some("miner"));
    assert_eq!(about[0].reason, None);
    for unknown in [
        json!({"userId": NOBODY}),
        nobody,
        json!({"code": "NOBODYS2"}),
        json!({"code": "no code"}),
    ] {
        let outcome = admin.decide_about(field, &unknown).await;
        outcome.refused("MINER_NOT_FOUND", Some("miner"));
    }
    admin.register().await.ok();
    let own = json!(admin.id().to_string());
    let outcome = admin.decide(field, &admin).await;
    assert_eq!(outcome.refusal(), Some("OWN_ACCOUNT"));
    for (name, count, entity) in [("NotFound", 4, Value::Null), ("OwnAccount", 1, own)] {
        let entries = app.audited_refusals(name).await;
        assert_eq!(entries.len(), count, "{name}");
        for entry in entries {
            assert_eq!(entry.outcome, "REFUSED");
            assert_eq!(entry.reason.as_deref(), Some("a test"));
            assert!(entity.is_null() || json!(entry.entity_id) == entity);
        }
    }
}

/// Checks that an id of another type is bad input.
pub async fn rejects_ids_of_other_types(app: &TestApp, field: &str) {
    let viewer = app.miner().await.viewer("id").await;
    let outcome = app.admin().decide_about(field, &viewer).await;
    outcome.error("BAD_USER_INPUT");
}
