use domain::access::Scope;
use serde_json::{Value, json};

use crate::support::test;

#[test]
fn returns_the_caller() {
    test(async |app| {
        let query = "{ viewer { user { uuid } roles permissions miner { uuid } } }";
        let alice = app.user();
        let viewer = alice.get(query, json!({})).await["viewer"].clone();
        assert_eq!(viewer["roles"], json!(["USER"]));
        assert_eq!(viewer["miner"], Value::Null);
        assert_eq!(viewer["permissions"], json!([]));
        alice.register().await.ok();
        let viewer = alice.get(query, json!({})).await["viewer"].clone();
        assert_eq!(viewer["user"]["uuid"], alice.id().to_string());
        assert!(viewer["miner"]["uuid"].is_string());
        let admin = app.admin().get(query, json!({})).await["viewer"].clone();
        assert_eq!(admin["roles"], json!(["USER", "ADMIN"]));
        assert!(
            admin["permissions"]
                .as_array()
                .unwrap()
                .contains(&json!("MINERS_MANAGE"))
        );
        for nobody in [app.anonymous(), app.service(&[Scope::MiningRead])] {
            assert_eq!(nobody.get(query, json!({})).await["viewer"], Value::Null);
        }
    });
}
