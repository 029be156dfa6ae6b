//! Homes of transfers, and freezes of owners.

use domain::ids::{MerchantId, UserId};
use domain::money::CurrencyCode;
use domain::wallets::{Leg, Side, WalletKind};
use uuid::Uuid;

use super::posting::{house, leg, mining, person, post, posting_of};
use crate::support::lock::{Lock, until_waiting};
use crate::support::{TestApp, test};

/// The rows of a transaction: owner, kinds of both sides, amount, and what is left on each side that keeps a balance.
async fn rows(app: &TestApp, id: u128) -> Vec<String> {
    let rows = app
        .connect()
        .await
        .query(
            "SELECT right(t.owner_id::text, 1) || ' ' || coalesce(d.kind, dh.kind) || ' ' || coalesce(c.kind, ch.kind) || ' ' || t.amount
                 || coalesce(' debit ' || t.debit_after, '') || coalesce(' credit ' || t.credit_after, '')
             FROM transfers t
             LEFT JOIN wallets d ON d.owner_id = t.owner_id AND d.id = t.debit_wallet
             LEFT JOIN wallets c ON c.owner_id = t.owner_id AND c.id = t.credit_wallet
             LEFT JOIN wallets dh ON dh.owner_id::text = $2 AND dh.id = t.debit_wallet
             LEFT JOIN wallets ch ON ch.owner_id::text = $2 AND ch.id = t.credit_wallet
             WHERE t.transaction_id::text = $1 ORDER BY t.leg",
            &[&Uuid::from_u128(id).to_string(), &Uuid::nil().to_string()],
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn posted(app: &TestApp, id: u128, legs: Vec<Leg>) -> Vec<String> {
    assert_eq!(post(&app.db, vec![posting_of(id, legs)]).await, [Ok(())]);
    rows(app, id).await
}

#[test]
fn writes_a_leg_between_two_homes_as_two_rows() {
    test(async |app| {
        let minted = posted(app, 1, vec![leg(mining(), person(1), 100)]).await;
        assert_eq!(minted, ["1 MINING MAIN 100 credit 100"]);
        let moved = posted(app, 2, vec![leg(person(1), person(2), 30)]).await;
        assert_eq!(
            moved,
            ["1 MAIN TRANSIT 30 debit 70", "2 TRANSIT MAIN 30 credit 30"]
        );
        // A campaign's accounts belong to its merchant.
        let (merchant, campaign) = (MerchantId(Uuid::from_u128(3)), Uuid::from_u128(9));
        let proceeds = Side::available(merchant, WalletKind::Proceeds, CurrencyCode::MP);
        let main = Side::available(merchant, WalletKind::Main, CurrencyCode::MP);
        let bought = vec![
            leg(person(2), proceeds.of_campaign(campaign), 10),
            leg(proceeds.of_campaign(campaign), main, 4),
        ];
        assert_eq!(
            posted(app, 3, bought).await,
            [
                "2 MAIN TRANSIT 10 debit 20",
                "3 TRANSIT PROCEEDS 10",
                "3 PROCEEDS MAIN 4 credit 4"
            ]
        );
        let again = vec![leg(proceeds.of_campaign(campaign), main, 1)];
        assert_eq!(posted(app, 4, again).await, ["3 PROCEEDS MAIN 1 credit 5"]);
        assert_eq!(
            app.count(
                "wallets",
                "for_id <> '00000000-0000-0000-0000-000000000000'"
            )
            .await,
            1
        );
        let other = vec![leg(proceeds.of_campaign(Uuid::from_u128(8)), main, 1)];
        assert_eq!(
            post(&app.db.as_cluster(), vec![posting_of(5, other)]).await,
            [Ok(())]
        );
        assert_eq!(
            app.count(
                "wallets",
                "kind = 'PROCEEDS' AND sequence = 0 AND last_posted_at IS NULL"
            )
            .await,
            2
        );
        // No such campaigns exist, so nothing may be left in their accounts.
        let rest = vec![
            leg(proceeds.of_campaign(campaign), main, 5),
            leg(main, proceeds.of_campaign(Uuid::from_u128(8)), 1),
        ];
        assert_eq!(post(&app.db, vec![posting_of(6, rest)]).await, [Ok(())]);
    });
}

#[test]
fn writes_a_leg_without_a_home_at_the_first_one() {
    test(async |app| {
        let (fx, fees) = (house(WalletKind::Fx), house(WalletKind::Fees));
        let converted = vec![leg(fx, fees, 1), leg(mining(), person(2), 9)];
        assert_eq!(
            posted(app, 1, converted).await,
            ["2 FX FEES 1", "2 MINING MAIN 9 credit 9"]
        );
        assert_eq!(
            posted(app, 2, vec![leg(fx, fees, 1)]).await,
            ["0 FX FEES 1"]
        );
    });
}

#[test]
fn keeps_suspense_at_nil() {
    test(async |app| {
        let (external, suspense) = (house(WalletKind::External), house(WalletKind::Suspense));
        assert_eq!(
            posted(app, 1, vec![leg(external, suspense, 50)]).await,
            ["0 EXTERNAL SUSPENSE 50 credit 50"]
        );
        assert_eq!(
            posted(app, 2, vec![leg(suspense, person(1), 20)]).await,
            [
                "0 SUSPENSE TRANSIT 20 debit 30",
                "1 TRANSIT MAIN 20 credit 20"
            ]
        );
        let short = vec![posting_of(3, vec![leg(suspense, person(1), 31)])];
        assert_eq!(post(&app.db, short).await, [Err("insufficient")]);
        // The checker takes a rest for a deposit without an owner.
        let rest = vec![posting_of(4, vec![leg(suspense, person(1), 30)])];
        assert_eq!(post(&app.db, rest).await, [Ok(())]);
    });
}

#[test]
fn freezes_wallets_that_do_not_exist_yet() {
    test(async |app| {
        let alice = app.miner().streak(1).await;
        app.admin().ban(&alice).await.ok();
        let is_frozen = format!("owner_id = '{}' AND is_frozen", alice.id());
        assert_eq!(app.count("owners", &is_frozen).await, 1);
        assert_eq!(app.count("wallets", &is_frozen).await, 1);
        let vnd = CurrencyCode::parse("VND").unwrap();
        let wallet = Side::available(UserId(alice.id().0), WalletKind::Main, vnd);
        let mut external = house(WalletKind::External);
        external.wallet.currency = vnd;
        // Credits arrive, and do not leave in the same transaction either.
        let both = vec![leg(external, wallet, 5), leg(wallet, external, 5)];
        let credit = vec![leg(external, wallet, 5)];
        let batch = vec![posting_of(1, both), posting_of(2, credit)];
        assert_eq!(post(&app.db, batch).await, [Err("frozen"), Ok(())]);
        assert_eq!(app.count("wallets", &is_frozen).await, 2);
        let debit = vec![posting_of(3, vec![leg(wallet, external, 1)])];
        assert_eq!(post(&app.db, debit).await, [Err("frozen")]);
    });
}

#[test]
fn creates_a_wallet_after_a_concurrent_freeze() {
    test(async |app| {
        let mint = |id| vec![posting_of(id, vec![leg(mining(), person(1), 5)])];
        app.sql("INSERT INTO owners SELECT '00000000-0000-0000-0000-000000000001', 'USER', false, app_now()").await;
        let freeze = Lock::by(
            app,
            "UPDATE owners SET is_frozen = true, freezes = '{BAN}' WHERE owner_id = '00000000-0000-0000-0000-000000000001'",
        )
        .await;
        // The second attempt waits until the freeze has committed.
        let db = app.db.clone();
        let posted = tokio::spawn(async move { post(&db, mint(2)).await });
        until_waiting(app, 1).await;
        freeze.release().await;
        assert_eq!(posted.await.unwrap(), [Ok(())]);
        assert_eq!(app.count("wallets", "is_frozen AND available = 5").await, 1);
    });
}
