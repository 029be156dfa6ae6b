//! The ledger's checker.

use db::wallets::reconciliation::checker::{Report, Scope, check};
use uuid::Uuid;

use super::posting::{leg, mining, person, post, posting_of};
use crate::support::wallets::{loss, mp};
use crate::support::{TestApp, test};

async fn report(app: &TestApp, scope: Scope) -> Report {
    check(&app.db, scope).await.unwrap()
}

fn rules(report: Report) -> Vec<&'static str> {
    let mismatches = report.mismatches.into_iter();
    mismatches.map(|mismatch| &*mismatch.rule.leak()).collect()
}

/// Switches the append-only triggers of the audit log and of every partition of the transfers.
fn triggers(state: &str) -> String {
    format!(
        "DO $$ DECLARE part regclass; BEGIN
             FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'transfers'::regclass LOOP
                 EXECUTE format('ALTER TABLE %s {state} TRIGGER append_only', part);
             END LOOP;
         END $$;
         ALTER TABLE audit_log {state} TRIGGER audit_log_append_only, {state} TRIGGER audit_log_no_delete;"
    )
}

/// Tables that damage may change.
const TABLES: [&str; 27] = [
    "campaigns",
    "vouchers",
    "redemptions",
    "orders",
    "promotion_rollups",
    "user_vouchers",
    "user_redemptions",
    "transfers",
    "wallets",
    "outbox",
    "idempotency_keys",
    "owners",
    "audit_log",
    "miners",
    "mining_sessions",
    "mining_history",
    "deposits",
    "withdrawals",
    "conversions",
    "holds",
    "settlements",
    "clearing_accounts",
    "clearing_releases",
    "treasury_fundings",
    "rewards",
    "house_transfers",
    "reversals",
];

fn for_each_table(statement: impl Fn(&str) -> String) -> String {
    TABLES.map(statement).join(" ")
}

/// Damages the ledger by SQL, returns the reports of these scopes, and undoes the damage.
async fn damaged(app: &TestApp, damage: &str, scopes: &[Scope]) -> Vec<Vec<&'static str>> {
    assert_eq!(report(app, Scope::All).await.mismatches, []);
    let (off, on) = (triggers("DISABLE"), triggers("ENABLE ALWAYS"));
    let keep =
        for_each_table(|table| format!("CREATE TABLE undo.{table} AS SELECT * FROM {table};"));
    app.sql(&format!(
        "CREATE SCHEMA undo; {keep} SET session_replication_role = replica; {off} {damage}"
    ))
    .await;
    let mut found = Vec::new();
    for scope in scopes {
        found.push(rules(report(app, *scope).await));
    }
    let restore = for_each_table(|table| {
        format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM undo.{table};")
    });
    app.sql(&format!(
        "SET session_replication_role = replica; {restore} {on} DROP SCHEMA undo CASCADE"
    ))
    .await;
    found
}

const HISTORY: &str = "a miner's transfers are the changes in its history";
const SESSIONS: &str = "each claimed session was paid once, as the session and the history say";
const LIFETIME: &str = "a miner's lifetime points are the sum of its history, prices aside";
const REASONS: &str = "every transfer's reason fits its origin, its reference and its sides";
const ISSUANCE: &str =
    "what is mined on a day exceeds no ceiling of the day by more than a hundredth";
const ADJUSTMENTS: &str = "every adjustment has the audit entry of its points";

/// SQL that forges the newest entry of each person's wallet: balance, sequence and time fit, and event, idempotency key
/// and audit entry are forged, too.
fn forged(reason: &str, origin: &str, reference: &str) -> String {
    format!(
        "INSERT INTO transfers (owner_id, transaction_id, leg, reason, reference_kind, reference_id, origin, currency, amount,
             debit_wallet, debit_bucket, credit_wallet, credit_bucket, credit_sequence, credit_after, posted_at)
         SELECT w.owner_id, w.owner_id, 0, '{reason}', {reference}, '{origin}', 1, 7,
                m.id, 'AVAILABLE', w.id, 'AVAILABLE', w.sequence + 1, w.available + 7, app_now()
         FROM wallets w, wallets m WHERE w.owner_kind = 'USER' AND m.kind = 'MINING' AND m.currency = 1;
         UPDATE wallets SET available = available + 7, sequence = sequence + 1 WHERE owner_kind = 'USER';
         CREATE TEMP TABLE of_key AS SELECT * FROM idempotency_keys WHERE operation = 'mining.mining_session_claim' LIMIT 1;
         UPDATE of_key SET key = 'forged', transaction_id = (SELECT owner_id FROM wallets WHERE owner_kind = 'USER');
         INSERT INTO idempotency_keys SELECT * FROM of_key;
         CREATE TEMP TABLE of_event AS SELECT * FROM outbox WHERE transaction_id IS NOT NULL LIMIT 1;
         UPDATE of_event SET event_id = gen_random_uuid(), transaction_id = (SELECT owner_id FROM wallets WHERE owner_kind = 'USER');
         INSERT INTO outbox SELECT * FROM of_event;
         INSERT INTO audit_log (occurred_at, issuer, actor, roles, action, entity_kind, entity_id, before, after, outcome, transaction_id)
         SELECT app_now(), 'i', 'a', '{{ADMIN}}', 'mining.miner_points_adjust', 'miner', owner_id::text,
                '{{\"totalMinedPoints\": \"1.0000\"}}', '{{\"totalMinedPoints\": \"1.0007\"}}', 'APPLIED', owner_id
         FROM wallets WHERE owner_kind = 'USER' AND '{origin}' = 'STAFF';"
    )
}

#[test]
fn finds_a_forged_newest_entry() {
    test(async |app| {
        let alice = app.miner().streak(2).await;
        app.admin().adjust(&alice, "5").await.ok();
        let miner = format!("'miner', '{}'", alice.uuid);
        let session = "'mining_session', (SELECT id::text FROM mining_sessions LIMIT 1)".to_owned();
        for (reason, origin, reference, rule) in [
            ("MINING_REWARD", "USER", &session, SESSIONS),
            ("STREAK_MILESTONE", "USER", &session, SESSIONS),
            ("STREAK_MILESTONE", "USER", &miner, HISTORY),
            ("ADJUSTMENT", "STAFF", &miner, HISTORY),
            ("MINING_REWARD", "JOB", &session, REASONS),
            ("OPENING_BALANCE", "SEED", &miner, REASONS),
            ("INVENTED", "JOB", &miner, REASONS),
        ] {
            let scopes = [Scope::All, Scope::Owner(alice.id().0)];
            let found = damaged(app, &forged(reason, origin, reference), &scopes).await;
            for rules in found {
                assert!(rules.contains(&rule), "{reason} {origin}: found {rules:?}");
                // Every other rule holds.
                let others = rules
                    .iter()
                    .filter(|rule| ![SESSIONS, HISTORY, REASONS].contains(rule));
                assert_eq!(others.count(), 0, "{reason} {origin}: {rules:?}");
            }
        }
        // In a database with demo data an opening balance is that of the miner's history.
        app.allow_demo_data().await;
        let found = damaged(
            app,
            &forged("OPENING_BALANCE", "SEED", &miner),
            &[Scope::All],
        )
        .await;
        assert!(found[0].contains(&HISTORY), "{found:?}");
    });
}

#[test]
fn finds_every_kind_of_damage() {
    test(async |app| {
        let alice = app.miner().streak(2).await;
        app.admin().adjust(&alice, "5").await.ok();
        let game = app.game();
        game.placed(&alice, "1", "7").await;
        let lost = game.placed(&alice, "1", "7").await;
        game.settle(loss(&lost)).await.ok();
        app.verify(&alice).await.ok();
        alice.withdraw("0.1").await.ok();
        app.open_conversions().await;
        alice.convert(&mp("0.1"), "PT").await.ok();
        app.bank().await.deposit(&alice, "1").await.ok();
        let mine = "owner_kind = 'USER'";
        for (damage, rule) in [
            ("UPDATE holds SET amount = amount + 1 WHERE status = 'HELD'".to_owned(), "a wallet's held part is what its holds reserve"),
            ("UPDATE settlements SET amount = amount + 1".to_owned(), "each settlement moved its amount and its payouts"),
            ("UPDATE withdrawals SET amount = amount + 1".to_owned(), "each withdrawal held its amount, and paid it out or returned it"),
            ("UPDATE conversions SET given = given + 1".to_owned(), "each conversion moved its amounts"),
            ("UPDATE deposits SET amount = amount + 1".to_owned(), "each deposit arrived once and was credited as it says"),
            ("UPDATE clearing_accounts SET open_since = NULL".to_owned(), "each clearing account has its reference, which says whether it is at zero"),
            (format!("UPDATE wallets SET available = available + 1 WHERE {mine}"), "each currency sums to zero over all accounts"),
            (format!("UPDATE wallets SET available = available + 1 WHERE {mine}"), "a wallet's balances are the sums of its entries"),
            (format!("UPDATE wallets SET sequence = 9 WHERE {mine}"), "a wallet's entries are numbered without a gap, and it knows the last"),
            ("DELETE FROM transfers WHERE credit_sequence = 1".to_owned(), "each entry's balance follows from the one before, and time never goes back"),
            ("UPDATE transfers SET credit_after = credit_after + 1 WHERE credit_sequence = 2".to_owned(), "each entry's balance follows from the one before, and time never goes back"),
            ("UPDATE transfers SET posted_at = t.posted_at FROM (SELECT posted_at - interval '1 second' AS posted_at FROM transfers WHERE credit_sequence = 1) t
              WHERE credit_sequence = 2".to_owned(), "each entry's balance follows from the one before, and time never goes back"),
            ("UPDATE transfers SET credit_wallet = 25601 WHERE currency = 1".to_owned(), "every transfer's wallets exist and keep a balance where it says so"),
            (format!("DELETE FROM wallets WHERE {mine}"), "every transfer's wallets exist and keep a balance where it says so"),
            ("UPDATE transfers SET owner_id = gen_random_uuid()".to_owned(), "every transfer's wallets exist and keep a balance where it says so"),
            (format!("UPDATE wallets SET held = 1, available = available - 1 WHERE {mine}"), "a wallet's held part is what its holds reserve"),
            (format!("UPDATE wallets SET is_frozen = true WHERE {mine}"), "a wallet is frozen when its owner is"),
            (format!("UPDATE owners SET is_frozen = true, freezes = '{{BAN}}' WHERE {mine}"), "a wallet is frozen when its owner is"),
            ("DELETE FROM outbox".to_owned(), "every transaction of the last week has its event"),
            ("DELETE FROM idempotency_keys".to_owned(), "every command's transaction of the last two days has its idempotency key"),
            ("DELETE FROM transfers".to_owned(), "every key that moved something has its transfers"),
            ("UPDATE transfers SET origin = 'STAFF'".to_owned(), "every transaction of staff has its audit entry"),
            ("DELETE FROM mining_history WHERE source = 'ADJUSTMENT'".to_owned(), HISTORY),
            ("UPDATE mining_history SET points = points + 1".to_owned(), HISTORY),
            ("DELETE FROM mining_history WHERE source = 'SESSION'".to_owned(), SESSIONS),
            ("UPDATE mining_sessions SET points_earned = points_earned + 1".to_owned(), SESSIONS),
            ("UPDATE mining_sessions SET streak_bonus = 1".to_owned(), SESSIONS),
            ("UPDATE transfers SET reference_id = gen_random_uuid()::text".to_owned(), SESSIONS),
            ("UPDATE miners SET lifetime_points = lifetime_points + 1".to_owned(), LIFETIME),
            ("DELETE FROM mining_history".to_owned(), LIFETIME),
            ("UPDATE transfers SET origin = 'JOB'".to_owned(), REASONS),
            ("UPDATE transfers SET origin = 'SEED', reason = 'OPENING_BALANCE'".to_owned(), REASONS),
            ("UPDATE transfers SET reference_kind = 'miner'".to_owned(), REASONS),
            ("UPDATE audit_log SET after = '{\"totalMinedPoints\": \"16.0000\"}'".to_owned(), ADJUSTMENTS),
            ("UPDATE audit_log SET entity_id = gen_random_uuid()::text".to_owned(), ADJUSTMENTS),
            ("DELETE FROM transfers WHERE reason = 'ADJUSTMENT'".to_owned(), ADJUSTMENTS),
            ("UPDATE transfers SET amount = amount * 100000000 WHERE reason = 'MINING_REWARD'".to_owned(), ISSUANCE),
        ] {
            let rules = damaged(app, &damage, &[Scope::All]).await.remove(0);
            assert!(rules.contains(&rule), "{damage}: found {rules:?}");
        }
    });
}

#[test]
fn finds_damage_of_the_house() {
    const RELEASES: &str = "each release of a clearing account moved its amount";
    const FUNDINGS: &str = "each funding of a treasury moved its amount";
    const REWARDS: &str = "each reward was paid once";
    const HOUSE: &str = "each transfer of the house moved its amount";
    const REVERSALS: &str = "each reversal is its transaction the other way round";
    test(async |app| {
        let (alice, game, finance) = (app.holder("5").await, app.game(), app.finance());
        let lost = game.placed(&alice, "1", "7").await;
        game.settle(loss(&lost)).await.ok();
        game.release_clearing("7", "0.5", Some(&app.user()))
            .await
            .ok();
        let campaign = app.campaign("10").await;
        let mint = |claim| app.minter().mint(campaign, &alice, claim, "1");
        mint("c-1").await.ok();
        let reward = mint("c-2").await.ok()["transaction"].clone();
        app.approved_by_finance(finance.reverse(&reward)).await;
        let transfer = finance.move_house("FX", "FEES", &mp("1"), "bank-1");
        app.approved_by_finance(transfer).await;
        for (damage, rule) in [
            ("UPDATE clearing_releases SET amount = amount + 1", RELEASES),
            ("DELETE FROM clearing_releases", RELEASES),
            ("UPDATE treasury_fundings SET amount = amount + 1", FUNDINGS),
            ("DELETE FROM treasury_fundings", FUNDINGS),
            ("UPDATE rewards SET amount = amount + 1", REWARDS),
            ("DELETE FROM rewards", REWARDS),
            ("UPDATE house_transfers SET amount = amount + 1", HOUSE),
            ("DELETE FROM house_transfers", HOUSE),
            (
                "UPDATE reversals SET transaction_id = gen_random_uuid()",
                REVERSALS,
            ),
            ("DELETE FROM reversals", REVERSALS),
            (
                "UPDATE transfers SET amount = amount + 1 WHERE reason = 'REVERSAL'",
                REVERSALS,
            ),
            (
                "UPDATE transfers SET reason = 'REWARD' WHERE reason = 'TREASURY_FUNDED'",
                REASONS,
            ),
            (
                "UPDATE transfers SET origin = 'SERVICE' WHERE reason = 'HOUSE_TRANSFER'",
                REASONS,
            ),
            (
                "UPDATE transfers SET origin = 'USER' WHERE reason = 'CLEARING_RELEASED'",
                REASONS,
            ),
            (
                "UPDATE transfers SET reference_kind = 'reward' WHERE reason = 'REVERSAL'",
                REASONS,
            ),
        ] {
            let rules = damaged(app, damage, &[Scope::All]).await.remove(0);
            assert!(rules.contains(&rule), "{damage}: found {rules:?}");
        }
    });
}

#[test]
fn finds_vouchers_that_escrow_does_not_cover() {
    test(async |app| {
        let (merchant, _) = app.offered().await;
        let escrow = "a campaign's escrow covers its vouchers and pending redemptions";
        let owner = Scope::Owner(merchant.id().0);
        for damage in [
            "UPDATE vouchers SET remaining = remaining + 1 WHERE number = 3",
            "DELETE FROM vouchers WHERE number = 3",
            "UPDATE campaigns SET status = 'COMPLETED'",
            "DELETE FROM campaigns",
            "UPDATE campaigns SET currency = currency + 1",
            "UPDATE transfers SET amount = amount + 1 WHERE reason = 'CAMPAIGN_ESCROW'",
        ] {
            for rules in damaged(app, damage, &[Scope::All, owner]).await {
                assert!(rules.contains(&escrow), "{damage}: found {rules:?}");
            }
        }
        for damage in [
            "origin = 'JOB'",
            "reference_kind = 'voucher'",
            "reason = 'ESCROW_RELEASE'",
        ] {
            let damage = format!("UPDATE transfers SET {damage} WHERE reason = 'CAMPAIGN_ESCROW'");
            let rules = damaged(app, &damage, &[Scope::All]).await.remove(0);
            assert!(rules.contains(&REASONS), "{damage}: found {rules:?}");
        }
    });
}

#[test]
fn finds_damage_of_vouchers_and_redemptions() {
    test(async |app| {
        let (_, campaign) = app.sold().await;
        let alice = app.holder("10").await.actor();
        let voucher = alice.exchange(&campaign).await.ok()["voucher"]["id"].clone();
        alice.redeem(&voucher, app.order().await, "3").await.ok();
        for damage in [
            "UPDATE vouchers SET unearned = unearned + 1 WHERE status = 'PARTIALLY_REDEEMED'",
            "UPDATE redemptions SET price_share = price_share + 1",
            "DELETE FROM redemptions",
            "UPDATE transfers SET amount = amount + 1 WHERE reason = 'VOUCHER_PRICE'",
            "UPDATE campaigns SET price_currency = price_currency + 1",
        ] {
            let rules = damaged(app, damage, &[Scope::All]).await.remove(0);
            let proceeds = "a campaign's proceeds are the prices that its vouchers and pending redemptions have not earned";
            assert!(rules.contains(&proceeds), "{damage}: found {rules:?}");
        }
        for damage in [
            "UPDATE promotion_rollups SET issued = issued + 1",
            "UPDATE promotion_rollups SET redeemed = redeemed + 1",
            "UPDATE promotion_rollups SET used = used + 1",
            "UPDATE promotion_rollups SET refunded = refunded + 1",
            "UPDATE promotion_rollups SET returned = returned + 1 WHERE used > 0",
            "UPDATE orders SET covered = covered - 1",
            "DELETE FROM user_vouchers",
            "UPDATE user_vouchers SET status = 'CLAIMED'",
            "UPDATE user_vouchers SET expires_at = expires_at + interval '1 s'",
            "DELETE FROM user_redemptions",
        ] {
            let rules = damaged(app, damage, &[Scope::All]).await.remove(0);
            let figures = "figures, orders and directories agree with vouchers and redemptions";
            assert!(rules.contains(&figures), "{damage}: found {rules:?}");
        }
    });
}

#[test]
fn finds_damage_within_its_scope_only() {
    test(async |app| {
        app.allow_demo_data().await;
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
