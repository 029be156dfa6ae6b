use std::time::Instant;

use domain::access::Scope;
use domain::money::Minor;
use resolvers::live::{WalletTopic, WalletUpdate};
use serde_json::json;

use crate::support::{Actor, Miner, Socket, TestApp, number, test};

const FOLLOW: &str = "subscription { walletUpdated {
    sequence occurredAt wallet { currency available { amount } held { amount } owner { uuid } }
} }";

async fn follow(app: &TestApp, whose: &Actor, socket: &mut Socket, query: &str) {
    let subscribers = app.events.subscribers::<WalletTopic>();
    let before = subscribers.count();
    socket.subscribe("1", query).await;
    app.until(|| subscribers.count() > before && subscribers.has(&whose.id()))
        .await;
}

#[test]
fn delivers_to_the_owner_and_staff_on_every_instance() {
    test(async |app| {
        let other = app.another().await;
        let [alice, bob]: [Miner; 2] = app.miners().await;
        let mut own = alice.socket().await;
        let mut staff = app.support().at(other.address()).socket().await;
        follow(app, &alice, &mut own, FOLLOW).await;
        let of_alice = FOLLOW.replace(
            "walletUpdated",
            &format!("walletUpdated(userId: \"{}\")", alice.id()),
        );
        follow(&other, &alice, &mut staff, &of_alice).await;
        app.mine(&[&alice, &bob]).await;
        // Bob's wallet is not delivered here.
        bob.claim().await.ok();
        alice.claim().await.ok();
        for socket in [&mut own, &mut staff] {
            let event = socket.event("1").await["walletUpdated"].clone();
            assert_eq!(
                (&event["sequence"], &event["wallet"]),
                (
                    &json!("1"),
                    &json!({
                        "currency": "MP", "available": {"amount": "6.0000"}, "held": {"amount": "0.0000"},
                        "owner": {"uuid": alice.id().to_string()},
                    })
                )
            );
            assert!(event["occurredAt"].is_string());
        }
        other.stop().await;
    });
}

#[test]
fn delivers_ten_a_second_at_most_and_the_last_state() {
    test(async |app| {
        let alice = app.miner().streak(1).await;
        let (db, owner) = (app.db.clone(), alice.id().into());
        let wallets = app
            .db
            .read(async move |conn| {
                db::wallets::wallet::queries::wallets_of(&db, conn, owner).await
            })
            .await
            .unwrap();
        let mut socket = alice.socket().await;
        follow(app, &alice, &mut socket, FOLLOW).await;
        let began_at = Instant::now();
        for sequence in 2..=5_000 {
            let mut wallet = wallets[0].clone();
            wallet.version = sequence;
            wallet.available.amount = Minor(sequence);
            let occurred_at = wallet.last_posted_at.unwrap();
            app.events.subscribers::<WalletTopic>().publish(
                &alice.id(),
                WalletUpdate {
                    wallet,
                    occurred_at,
                },
            );
            if sequence % 50 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let (mut events, mut last) = (0_u128, 1);
        while last < 5_000 {
            let event = socket.event("1").await["walletUpdated"].clone();
            let sequence = number(&event["sequence"]);
            assert!(sequence > last, "it went back from {last} to {sequence}");
            last = sequence;
            events += 1;
        }
        assert!(
            events <= 1 + began_at.elapsed().as_millis() / 100,
            "{events} events"
        );
    });
}

#[test]
fn refuses_others() {
    test(async |app| {
        let alice = app.miner().await;
        let of_alice = format!(
            "subscription {{ walletUpdated(userId: \"{}\") {{ sequence }} }}",
            alice.id()
        );
        for (actor, query, code) in [
            (app.anonymous(), FOLLOW, "UNAUTHENTICATED"),
            (app.user(), &of_alice, "FORBIDDEN"),
            (app.service(&[Scope::WalletRead]), FOLLOW, "FORBIDDEN"),
        ] {
            let mut socket = actor.socket().await;
            socket.subscribe("1", query).await;
            assert_eq!(socket.error().await, code);
        }
    });
}
