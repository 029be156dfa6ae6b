use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::{Role, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::test;

const WALLET: &str = "query ($by: WalletBy!) { wallet(by: $by) { id currency available { amount currency } held { amount } kind version owner { kind uuid freezes user { uuid } } } }";

#[test]
fn returns_zeros_before_the_first_movement() {
    test(async |app| {
        let alice = app.user();
        let wallet = alice.get(WALLET, json!({"by": {"currency": "VND"}})).await["wallet"].clone();
        assert_eq!(
            wallet["available"],
            json!({"amount": "0.000000", "currency": "VND"})
        );
        assert_eq!(wallet["held"]["amount"], "0.000000");
        assert_eq!(
            wallet["owner"],
            json!({"kind": "USER", "uuid": alice.id().to_string(), "freezes": [], "user": null})
        );
        let again = alice.get(WALLET, json!({"by": {"id": wallet["id"]}})).await["wallet"].clone();
        assert_eq!(again, wallet);
        let wallets = alice
            .get("{ viewer { wallets { currency } } }", json!({}))
            .await;
        assert_eq!(wallets["viewer"]["wallets"], json!([]));
    });
}

#[test]
fn returns_a_wallet_to_owner_staff_and_services() {
    test(async |app| {
        let alice = app.user();
        let by = json!({"owner": {"owner": {"ownerId": alice.id().0}, "currency": "MP"}});
        for asker in [
            alice.clone(),
            app.person(&[Role::Finance]),
            app.service(&[Scope::WalletRead]),
        ] {
            assert_eq!(
                asker.get(WALLET, json!({"by": by})).await["wallet"]["currency"],
                "MP"
            );
        }
        for asker in [
            app.user(),
            app.person(&[Role::Merchant]),
            app.service(&[Scope::MiningRead]),
        ] {
            assert_eq!(
                asker.get(WALLET, json!({"by": by})).await["wallet"],
                Value::Null
            );
        }
        assert_eq!(
            app.anonymous().ask(WALLET, json!({"by": by})).await.code(),
            "UNAUTHENTICATED"
        );
        // An owner is a kind and a key: the same key of another kind is another owner.
        let merchant = app.person(&[Role::Merchant]);
        let by = |kind: &str| json!({"owner": {"owner": {"kind": kind, "ownerId": merchant.id().0}, "currency": "MP"}});
        assert_eq!(
            merchant.get(WALLET, json!({"by": by("MERCHANT")})).await["wallet"]["owner"]["kind"],
            "MERCHANT"
        );
        assert_eq!(
            merchant.get(WALLET, json!({"by": by("ADVERTISER")})).await["wallet"],
            Value::Null
        );
    });
}

#[test]
fn returns_an_entry_by_its_id_to_owner_and_staff() {
    test(async |app| {
        let alice = app.miner().streak(2).await;
        let fields = "id sequence balanceAfter { amount }";
        let query = format!(
            "{{ viewer {{ wallet(currency: \"MP\") {{ entries(first: 2) {{ nodes {{ {fields} }} }} }} }} }}"
        );
        let entries =
            alice.get(&query, json!({})).await["viewer"]["wallet"]["entries"]["nodes"].clone();
        assert_eq!(entries.as_array().unwrap().len(), 2);
        let node =
            format!("query ($id: ID!) {{ node(id: $id) {{ ... on LedgerEntry {{ {fields} }} }} }}");
        for entry in entries.as_array().unwrap() {
            for asker in [alice.actor(), app.person(&[Role::Finance])] {
                let seen = asker.get(&node, json!({"id": entry["id"]})).await;
                assert_eq!(&seen["node"], entry);
            }
            let seen = app.user().get(&node, json!({"id": entry["id"]})).await;
            assert_eq!(seen["node"], Value::Null);
        }
        for unknown in ["3:C", "32767:D"] {
            let event = Uuid::nil().simple();
            let id = format!("LedgerEntry:{}:{event}:{unknown}", alice.id().0.simple());
            let seen = alice
                .get(&node, json!({"id": URL_SAFE_NO_PAD.encode(id)}))
                .await;
            assert_eq!(seen["node"], Value::Null);
        }
    });
}

#[test]
fn returns_null_for_unknown_owners_and_currencies() {
    test(async |app| {
        let house = json!({"owner": {"owner": {"kind": "SYSTEM", "ownerId": Uuid::nil()}, "currency": "MP"}});
        let staff = app.person(&[Role::Finance]);
        let by_house = staff.get(WALLET, json!({"by": house})).await;
        assert_eq!(by_house["wallet"], json!(null));
        let id = URL_SAFE_NO_PAD.encode("Wallet:SYSTEM:00000000000000000000000000000000:MP");
        let node = staff
            .get(
                "query ($id: ID!) { node(id: $id) { id } }",
                json!({"id": id}),
            )
            .await;
        assert_eq!(node["node"], json!(null));
        let unknown = json!({"by": {"currency": "XYZ"}});
        let by_currency = app.user().get(WALLET, unknown).await;
        assert_eq!(by_currency["wallet"], json!(null));
    });
}
