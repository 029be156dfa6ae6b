//! The ledger's checker.

use db::wallets::reconciliation::checker::{Report, Scope, check};
use uuid::Uuid;

use super::posting::{leg, mining, person, post, posting_of};
use crate::support::{TestApp, test};

async fn report(app: &TestApp, scope: Scope) -> Report {
    check(&app.db, scope).await.unwrap()
}

fn rules(report: Report) -> Vec<&'static str> {
    let mismatches = report.mismatches.into_iter();
    mismatches.map(|mismatch| mismatch.rule).collect()
}

/// Switches the append-only triggers of every partition.
fn triggers(state: &str) -> String {
    format!(
        "DO $$ DECLARE part regclass; BEGIN
             FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'transfers'::regclass LOOP
                 EXECUTE format('ALTER TABLE %s {state} TRIGGER append_only', part);
             END LOOP;
         END $$;"
    )
}

/// Damages the ledger by SQL, returns the reports of these scopes, and undoes the damage.
async fn damaged(app: &TestApp, damage: &str, scopes: &[Scope]) -> Vec<Vec<&'static str>> {
    assert_eq!(report(app, Scope::All).await.mismatches, []);
    let (off, on) = (triggers("DISABLE"), triggers("ENABLE ALWAYS"));
    app.sql(&format!("CREATE SCHEMA undo; CREATE TABLE undo.transfers AS SELECT * FROM transfers; CREATE TABLE undo.wallets AS SELECT * FROM wallets;
        CREATE TABLE undo.outbox AS SELECT * FROM outbox; CREATE TABLE undo.keys AS SELECT * FROM idempotency_keys;
        CREATE TABLE undo.owners AS SELECT * FROM owners; SET session_replication_role = replica; {off} {damage}")).await;
    let mut found = Vec::new();
    for scope in scopes {
        found.push(rules(report(app, *scope).await));
    }
    app.sql(&format!("SET session_replication_role = replica;
        DELETE FROM transfers; INSERT INTO transfers SELECT * FROM undo.transfers; DELETE FROM wallets; INSERT INTO wallets SELECT * FROM undo.wallets;
        DELETE FROM outbox; INSERT INTO outbox SELECT * FROM undo.outbox; DELETE FROM idempotency_keys; INSERT INTO idempotency_keys SELECT * FROM undo.keys;
        DELETE FROM owners; INSERT INTO owners SELECT * FROM undo.owners; {on} DROP SCHEMA undo CASCADE")).await;
    found
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
            ("DELETE FROM transfers WHERE credit_sequence = 1".to_owned(), "each entry's balance follows from the one before, and time never goes back"),
            ("UPDATE transfers SET credit_after = credit_after + 1 WHERE credit_sequence = 2".to_owned(), "each entry's balance follows from the one before, and time never goes back"),
            ("UPDATE transfers SET posted_at = t.posted_at FROM (SELECT posted_at - interval '1 second' AS posted_at FROM transfers WHERE credit_sequence = 1) t
              WHERE credit_sequence = 2".to_owned(), "each entry's balance follows from the one before, and time never goes back"),
            ("UPDATE transfers SET credit_wallet = 25601".to_owned(), "every transfer's wallets exist and keep a balance where it says so"),
            (format!("DELETE FROM wallets WHERE {mine}"), "every transfer's wallets exist and keep a balance where it says so"),
            ("UPDATE transfers SET owner_id = gen_random_uuid()".to_owned(), "every transfer's wallets exist and keep a balance where it says so"),
            (format!("UPDATE wallets SET held = 1, available = available - 1 WHERE {mine}"), "a wallet's held part is what its holds reserve"),
            (format!("UPDATE wallets SET is_frozen = true WHERE {mine}"), "a wallet is frozen when its owner is"),
            (format!("UPDATE owners SET is_frozen = true WHERE {mine}"), "a wallet is frozen when its owner is"),
            ("DELETE FROM outbox".to_owned(), "every transaction of the last week has its event"),
            ("DELETE FROM idempotency_keys".to_owned(), "every command's transaction of the last two days has its idempotency key"),
            ("DELETE FROM transfers".to_owned(), "every key that moved something has its transfers"),
            ("UPDATE transfers SET origin = 'STAFF'".to_owned(), "every transaction of staff and services has its audit entry"),
        ] {
            let rules = damaged(app, &damage, &[Scope::All]).await.remove(0);
            assert!(rules.contains(&rule), "{damage}: found {rules:?}");
        }
    });
}

#[test]
fn finds_damage_within_its_scope_only() {
    test(async |app| {
        let mint = |n| leg(mining(), person(n), 100);
        post(
            &app.db,
            vec![posting_of(1, vec![mint(1), mint(2), mint(3)])],
        )
        .await;
        post(
            &app.db,
            vec![posting_of(2, vec![leg(person(1), person(2), 30)])],
        )
        .await;
        let owner = |n| Scope::Owner(Uuid::from_u128(n));
        let half = format!(
            "DELETE FROM transfers WHERE owner_id = '{}' AND leg > 0",
            Uuid::from_u128(2)
        );
        let found = damaged(app, &half, &[Scope::All, owner(1), owner(2), owner(3)]).await;
        let transit = "the transfers through TRANSIT sum to zero";
        let balances = "a wallet's balances are the sums of its entries";
        assert!(found[0].contains(&transit) && found[0].contains(&balances));
        // The first owner's books are right, but they gave something that did not arrive.
        assert_eq!(found[1], [transit]);
        assert!(found[2].contains(&balances));
        assert_eq!(found[3], [""; 0]);
        // Each owner and each transaction is in one part.
        let parts: Vec<_> = (1..=4).map(|part| Scope::Shard { part, of: 4 }).collect();
        let found = damaged(app, &half, &parts).await;
        for rule in [transit, balances] {
            let parts = found.iter().filter(|rules| rules.contains(&rule));
            assert_eq!(parts.count(), 1, "{rule}");
        }
        let all = report(app, Scope::All).await;
        let mut counted = (0, 0);
        for part in parts {
            let part = report(app, part).await;
            counted = (counted.0 + part.transfers, counted.1 + part.wallets);
        }
        assert_eq!(counted, (all.transfers, all.wallets));
        assert_eq!(report(app, owner(1)).await.transfers, 2);
    });
}
