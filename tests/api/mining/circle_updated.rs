use domain::access::Role;
use resolvers::live::{CircleSubject, CircleTopic};
use serde_json::{Value, json};

use super::circling::{Person, circle_of, person};
use crate::support::{Socket, TestApp, test};

const FOLLOW: &str = "subscription { circleUpdated { sequence occurredAt
    circle { name status memberCount members { isOwner miner { id displayName } } } } }";

async fn follow(app: &TestApp, who: &Person, socket: &mut Socket) {
    socket.subscribe("1", FOLLOW).await;
    let subject = CircleSubject::Of(who.actor.id());
    let subscribers = app.events.subscribers::<CircleTopic>();
    app.until(|| subscribers.has(&subject)).await;
}

/// The next event that shows so many members.
async fn until_members(socket: &mut Socket, members: i64) -> Value {
    loop {
        let event = socket.event("1").await["circleUpdated"].clone();
        if event["circle"]["memberCount"] == members {
            return event;
        }
    }
}

#[test]
fn members_follow_whichever_circle_they_are_in() {
    test(async |app| {
        let other = app.another().await;
        let [alice, bob] = circle_of(app).await;
        let carol = person(app).await;
        let (mut of_alice, mut of_carol) = (
            alice.actor.socket().await,
            carol.actor.at(other.address()).socket().await,
        );
        follow(app, &alice, &mut of_alice).await;
        // It stays open until they join one.
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
            last = event["sequence"].as_i64().unwrap();
        }
        // Who leaves is told that there is no circle any more; the others that they are fewer.
        carol.leave().await;
        let event = of_carol.event("1").await["circleUpdated"].clone();
        assert_eq!(
            (&event["circle"], &event["sequence"]),
            (&Value::Null, &json!(last))
        );
        let event = until_members(&mut of_alice, 2).await;
        assert!(event["sequence"].as_i64().unwrap() > last);
        assert_eq!(event["circle"]["status"], "INCOMPLETE");
        // Also when it ends for everybody.
        let mut of_bob = bob.actor.socket().await;
        follow(app, &bob, &mut of_bob).await;
        alice.disband().await;
        for socket in [&mut of_alice, &mut of_bob] {
            let event = socket.event("1").await["circleUpdated"].clone();
            assert_eq!(event["circle"], Value::Null);
        }
        other.stop().await;
    });
}

#[test]
fn staff_follow_one_circle() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        let query = "{ viewer { circle { id } } }";
        let id = alice.actor.get(query, json!({})).await["viewer"]["circle"]["id"].clone();
        let follow = format!(
            "subscription {{ circleUpdated(circleId: {id}) {{ circle {{ status memberCount }} }} }}"
        );
        let mut staff = app.person(&[Role::Support]).socket().await;
        staff.subscribe("s", &follow).await;
        let subscribers = app.events.subscribers::<CircleTopic>();
        app.until(|| subscribers.has_any()).await;
        bob.leave().await;
        assert_eq!(
            staff.event("s").await["circleUpdated"]["circle"],
            json!({"status": "INCOMPLETE", "memberCount": 1})
        );
        alice.disband().await;
        assert_eq!(
            staff.event("s").await["circleUpdated"]["circle"],
            json!({"status": "DISBANDED", "memberCount": 0})
        );
        // Members follow their own without naming it.
        let mut member = alice.actor.socket().await;
        member.subscribe("m", &follow).await;
        assert_eq!(refusal(&member.hear().await), "FORBIDDEN");
        let mut nobody = app.anonymous().socket().await;
        nobody.subscribe("n", FOLLOW).await;
        assert_eq!(refusal(&nobody.hear().await), "UNAUTHENTICATED");
        let mut lost = app.person(&[Role::Support]).socket().await;
        let wrong = alice.profile;
        lost.subscribe(
            "l",
            &format!("subscription {{ circleUpdated(circleId: \"{wrong}\") {{ sequence }} }}"),
        )
        .await;
        assert_eq!(refusal(&lost.hear().await), "BAD_USER_INPUT");
    });
}

/// The code of an operation that was refused, whichever message says so.
fn refusal(message: &Value) -> String {
    let errors = if message["type"] == "error" {
        &message["payload"]
    } else {
        &message["payload"]["errors"]
    };
    errors[0]["extensions"]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
