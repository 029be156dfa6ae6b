//! The ledger's checker.

use crate::support::{TestApp, test};

/// Damages the ledger by SQL, returns the broken rules that the checker finds, and undoes the damage.
async fn found(app: &TestApp, damage: &str) -> Vec<&'static str> {
    let before = db::wallets::reconciliation::checker::check(&app.db)
        .await
        .unwrap();
    assert_eq!(before.mismatches, []);
    app.sql(&format!("CREATE SCHEMA undo; CREATE TABLE undo.transfers AS SELECT * FROM transfers; CREATE TABLE undo.wallets AS SELECT * FROM wallets;
        CREATE TABLE undo.outbox AS SELECT * FROM outbox; CREATE TABLE undo.keys AS SELECT * FROM idempotency_keys;
        SET session_replication_role = replica; {damage}")).await;
    let report = db::wallets::reconciliation::checker::check(&app.db)
        .await
        .unwrap();
    app.sql("SET session_replication_role = replica;
        DELETE FROM transfers; INSERT INTO transfers SELECT * FROM undo.transfers; DELETE FROM wallets; INSERT INTO wallets SELECT * FROM undo.wallets;
        DELETE FROM outbox; INSERT INTO outbox SELECT * FROM undo.outbox; DELETE FROM idempotency_keys; INSERT INTO idempotency_keys SELECT * FROM undo.keys;
        DROP SCHEMA undo CASCADE").await;
    report
        .mismatches
        .into_iter()
        .map(|mismatch| mismatch.rule)
        .collect()
}

#[test]
fn finds_every_kind_of_damage() {
    test(async |app| {
        app.miner().streak(2).await;
        let mine = "owner_kind = 'USER'";
        for (damage, rule) in [
            (format!("UPDATE wallets SET available = available + 1 WHERE {mine}"), "each currency sums to zero over all accounts"),
            (format!("UPDATE wallets SET available = available + 1 WHERE {mine}"), "a wallet's balances are the sums of its entries"),
            (format!("UPDATE wallets SET sequence = 3 WHERE {mine}"), "a wallet's entries are numbered without a gap, and it knows the last"),
            ("DELETE FROM transfers WHERE id = (SELECT min(id) FROM transfers)".to_owned(), "each entry's balance follows from the one before, and time never goes back"),
            ("UPDATE transfers SET posted_at = posted_at - interval '2 days' WHERE id = (SELECT max(id) FROM transfers)".to_owned(), "each entry's balance follows from the one before, and time never goes back"),
            ("UPDATE transfers SET credit_wallet = 25601".to_owned(), "every transfer's wallets exist and keep a balance where it says so"),
            (format!("UPDATE wallets SET held = 1, available = available - 1 WHERE {mine}"), "a wallet's held part is what its holds reserve"),
            ("DELETE FROM outbox".to_owned(), "every transaction of the last week has its event"),
            ("DELETE FROM idempotency_keys".to_owned(), "every command's transaction of the last two days has its idempotency key"),
            ("DELETE FROM transfers".to_owned(), "every key that moved something has its transfers"),
            ("UPDATE transfers SET origin = 'STAFF'".to_owned(), "every transaction of staff and services has its audit entry"),
        ] {
            let rules = found(app, &damage).await;
            assert!(rules.contains(&rule), "{damage}: found {rules:?}");
        }
    });
}
