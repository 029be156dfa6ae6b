//! Locks of commands: each decides about what is true once it has them.

use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::support::lock::{Lock, until_waiting};
use crate::support::rounds::rounds;
use crate::support::wallets::{mp, owner};
use crate::support::{at_once, test};

#[test]
fn assigns_a_deposit_once() {
    test(async |app| {
        let bank = app.bank().await;
        let (one, other) = (app.finance(), app.finance());
        let (alice, bob) = (app.miner().await, app.miner().await);
        // Without the lock the second assignment would take what others wait for.
        bank.suspended("500", "others").await;
        rounds(async |round| {
            let deposit = bank.suspended("1", &format!("race-{round}")).await;
            let both = [one.assign(&deposit, &alice), other.assign(&deposit, &bob)];
            at_once(both).await.one_applied("DEPOSIT_NOT_UNMATCHED");
        })
        .await;
    });
}

#[test]
fn accepts_a_rate_once() {
    test(async |app| {
        let source = app.service(&[Scope::RatesWrite]);
        let (one, other) = (app.finance(), app.finance());
        source.record_rate("USD", "VND", "20000").await.ok();
        for rate in ["30000", "60000", "20000", "50000"] {
            app.advance(chrono::TimeDelta::seconds(10)).await;
            let waiting = source.record_rate("USD", "VND", rate).await.ok()["rate"].clone();
            assert_eq!(waiting["status"], "WAITING", "{rate}");
            let both = [&one, &other].map(|who| who.accept_rate(&waiting["id"]));
            at_once(both).await.one_applied("RATE_NOT_WAITING");
        }
    });
}

#[test]
fn records_the_rates_of_a_pair_one_after_the_other() {
    test(async |app| {
        let number = async |code: &str| {
            let query = format!("SELECT number::bigint FROM currencies WHERE code = '{code}'");
            app.number(&query).await
        };
        let pair = number("USD").await << 16 | number("VND").await;
        let key = pair | 0x7261_7465 << 32;
        let lock = Lock::by(app, &format!("SELECT pg_advisory_xact_lock({key})")).await;
        let source = app.service(&[Scope::RatesWrite]);
        source.record_rate("VND", "USD", "0.00004").await.ok();
        let record = tokio::spawn(source.record_rate("USD", "VND", "20000").into_future());
        until_waiting(app, 1).await;
        lock.release().await;
        record.await.unwrap().ok();
    });
}

#[test]
fn processes_no_withdrawal_of_an_owner_who_is_being_frozen() {
    test(async |app| {
        let alice = app.saver("50").await;
        let withdrawal: Value = alice.withdraw("10").await.ok()["withdrawal"]["id"].clone();
        let of_alice = format!("owner_id = '{}' AND owner_kind = 'USER'", alice.id());
        let freeze = format!(
            "UPDATE owners SET freezes = '{{FINANCE}}', is_frozen = true WHERE {of_alice};
             UPDATE wallets SET is_frozen = true, version = version + 1 WHERE {of_alice}"
        );
        let lock = Lock::by(app, &freeze).await;
        let finance = app.person(&[Role::Finance]);
        let process = tokio::spawn(finance.process(&withdrawal).into_future());
        until_waiting(app, 1).await;
        lock.release().await;
        process.await.unwrap().refused("WALLET_FROZEN", None);
        let seen = finance
            .get(
                "query ($id: ID!) { withdrawal(by: {id: $id}) { status } }",
                json!({"id": withdrawal}),
            )
            .await;
        assert_eq!(seen["withdrawal"]["status"], "REQUESTED");
    });
}

#[test]
fn freezes_wallets_in_the_order_of_their_ids() {
    test(async |app| {
        let alice = app.saver("10").await;
        app.open_conversions().await;
        alice.convert(&mp("1"), "PT").await.ok();
        let wallets = format!("wallets WHERE owner_id = '{}'", alice.id());
        assert_eq!(
            app.number(&format!("SELECT count(*) FROM {wallets}")).await,
            2
        );
        // A plan that reads the table as it lies, where the wallet with the lower id is the last.
        let lower = format!("SELECT min(id) FROM {wallets}");
        let upper = format!("SELECT max(id) FROM {wallets}");
        app.sql(&format!(
            "UPDATE wallets SET version = version WHERE id = ({lower})"
        ))
        .await;
        let database = app.database_url.rsplit('/').next().unwrap();
        app.sql(&format!(
            "ALTER DATABASE \"{database}\" SET enable_indexscan = off;
             ALTER DATABASE \"{database}\" SET enable_bitmapscan = off;
             ALTER DATABASE \"{database}\" SET enable_indexonlyscan = off;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ))
        .await;
        let lock = format!("SELECT FROM {wallets} AND id = ({lower}) FOR NO KEY UPDATE");
        let lock = Lock::by(app, &lock).await;
        let freeze = tokio::spawn(app.finance().freeze(&owner(&alice)).into_future());
        until_waiting(app, 1).await;
        let free = format!("SELECT FROM {wallets} AND id = ({upper}) FOR NO KEY UPDATE NOWAIT");
        Lock::by(app, &free).await.release().await;
        lock.release().await;
        freeze.await.unwrap().ok();
    });
}

#[test]
fn changes_a_campaign_as_it_is_behind_the_lock() {
    test(async |app| {
        let (merchant, campaign) = app.offered().await;
        // The key is a prefix and the last four bytes of the id.
        let key = app.number(
            "SELECT (x'63616d70'::bigint << 32) | ('x' || right(id::text, 8))::bit(32)::bigint FROM campaigns",
        );
        let key = key.await;
        let lock = Lock::by(app, &format!("SELECT pg_advisory_xact_lock({key})")).await;
        let change = merchant.update_campaign(&campaign, json!({"name": "Tea"}));
        let change = tokio::spawn(change.into_future());
        until_waiting(app, 1).await;
        app.sql("UPDATE campaigns SET status = 'PAUSED', version = version + 1")
            .await;
        lock.release().await;
        let changed = change.await.unwrap().ok();
        assert_eq!(changed["campaign"]["status"], "PAUSED");
        assert_eq!(changed["campaign"]["name"], "Tea");
    });
}
