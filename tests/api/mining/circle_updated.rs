use resolvers::live::{CircleSubject, CircleTopic};
use serde_json::{Value, json};

use crate::support::{Actor, Socket, TestApp, number, test};

const FOLLOW: &str = "subscription { circleUpdated { sequence occurredAt
    circle { name status memberCount members { isOwner miner { id displayName } } } } }";

async fn follow(app: &TestApp, who: &Actor, socket: &mut Socket) {
    socket.subscribe("1", FOLLOW).await;
    let subject = CircleSubject::Of(who.id());
    let subscribers = app.events.subscribers::<CircleTopic>();
    app.until(|| subscribers.has(&subject)).await;
}

/// The next event that shows a number of members.
async fn until_members(socket: &mut Socket, members: i64) -> Value {
    let is_reached = |event: &Value| event["circleUpdated"]["circle"]["memberCount"] == members;
    socket.event_when("1", is_reached).await["circleUpdated"].clone()
}

#[test]
fn delivers_the_circle_the_caller_is_in() {
    test(async |app| {
        let other = app.another().await;
        let [alice, bob] = app.circle().await;
        let carol = app.miner().await;
        let (mut of_alice, mut of_carol) = (
            alice.socket().await,
            carol.at(other.address()).socket().await,
        );
        follow(app, &alice, &mut of_alice).await;
        // Without a circle the subscription stays open.
        follow(&other, &carol, &mut of_carol).await;
        alice.take_in(&carol).await;
        let mut last = 0;
        for socket in [&mut of_alice, &mut of_carol] {
            let event = until_members(socket, 3).await;
            assert_eq!(event["circle"]["status"], "ACTIVE");
            assert_eq!(
                event["circle"]["members"][2]["miner"]["id"],
                json!(carol.profile)
            );
            last = number(&event["sequence"]);
        }
        // The former member gets null, the others the smaller circle.
        carol.leave().await.ok();
        let event = of_carol.event("1").await["circleUpdated"].clone();
        assert_eq!(
            (&event["circle"], &event["sequence"]),
            (&Value::Null, &json!(last.to_string()))
        );
        let event = until_members(&mut of_alice, 2).await;
        assert!(number(&event["sequence"]) > last);
        assert_eq!(event["circle"]["status"], "INCOMPLETE");
        // All members get null when the circle is disbanded.
        let mut of_bob = bob.socket().await;
        follow(app, &bob, &mut of_bob).await;
        alice.disband().await.ok();
        for socket in [&mut of_alice, &mut of_bob] {
            let event = socket.event("1").await["circleUpdated"].clone();
            assert_eq!(event["circle"], Value::Null);
        }
        other.stop().await;
    });
}

#[test]
fn delivers_a_named_circle_to_staff_only() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let id = alice.own_circle("id").await["id"].clone();
        let follow = format!(
            "subscription {{ circleUpdated(circleId: {id}) {{ circle {{ status memberCount }} }} }}"
        );
        let mut staff = app.support().socket().await;
        staff.subscribe("s", &follow).await;
        let subscribers = app.events.subscribers::<CircleTopic>();
        app.until(|| subscribers.has_any()).await;
        bob.leave().await.ok();
        assert_eq!(
            staff.event("s").await["circleUpdated"]["circle"],
            json!({"status": "INCOMPLETE", "memberCount": 1})
        );
        alice.disband().await.ok();
        assert_eq!(
            staff.event("s").await["circleUpdated"]["circle"],
            json!({"status": "DISBANDED", "memberCount": 0})
        );
        // Members may not name a circle.
        let mut member = alice.socket().await;
        member.subscribe("m", &follow).await;
        assert_eq!(member.error().await, "FORBIDDEN");
        let mut nobody = app.anonymous().socket().await;
        nobody.subscribe("n", FOLLOW).await;
        assert_eq!(nobody.error().await, "UNAUTHENTICATED");
        let mut lost = app.support().socket().await;
        let wrong = alice.profile;
        lost.subscribe(
            "l",
            &format!("subscription {{ circleUpdated(circleId: \"{wrong}\") {{ sequence }} }}"),
        )
        .await;
        assert_eq!(lost.error().await, "BAD_USER_INPUT");
    });
}
