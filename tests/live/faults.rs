//! Faults during live updates: masked to clients, with the request's id.

use resolvers::live::MinerTopic;
use serde_json::{Value, json};

use crate::support::{Actor, TestApp, in_time, test};

/// Selects more than the event carries, so that delivering it reads the database.
const FOLLOW: &str = "subscription { minerUpdated { sequence miner { session { status } } } }";

/// Checks that a fault shows only its code and the request's id.
fn check(response: &Value) {
    let error = &response["errors"][0];
    assert_eq!(
        error["extensions"]["code"], "INTERNAL_SERVER_ERROR",
        "{response}"
    );
    assert!(error["extensions"]["requestId"].is_string(), "{response}");
    let text = response.to_string();
    for detail in ["mining_sessions", "status", "exist", "SELECT"] {
        assert!(!text.contains(detail), "{text}");
    }
    // Only the failed field is null.
    let event = &response["data"]["minerUpdated"];
    assert!(event["sequence"].is_string(), "{response}");
    assert_eq!(event["miner"], json!({"session": null}), "{response}");
}

/// A streamed response of the subscription.
async fn stream(app: &TestApp, actor: &Actor, accept: &str) -> reqwest::Response {
    let request = reqwest::Client::new()
        .post(app.url("/graphql"))
        .header("accept", accept)
        .bearer_auth(actor.token().unwrap())
        .json(&json!({"query": FOLLOW}));
    request.send().await.unwrap()
}

async fn until(response: &mut reqwest::Response, begin: &str, end: &str) -> String {
    let mut text = String::new();
    let part = async {
        while between(&text, begin, end).is_none() {
            let chunk = response.chunk().await.unwrap().expect("more of the stream");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    in_time("the part", part).await;
    between(&text, begin, end).unwrap().to_owned()
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    Some(rest.split_once(end)?.0)
}

#[test]
fn masks_faults_on_every_transport() {
    test(async |app| {
        let alice = app.miner().await;
        let mut socket = alice.socket().await;
        socket.subscribe("1", FOLLOW).await;
        let mut events = stream(app, &alice, "text/event-stream").await;
        let parts = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0";
        let mut parts = stream(app, &alice, parts).await;
        app.until(|| app.events.subscribers::<MinerTopic>().count() == 3)
            .await;
        // The first event is delivered while sessions can be read, the second one after that.
        alice.start().await.ok();
        socket.event("1").await;
        until(&mut events, "data: ", "\n\n").await;
        until(&mut parts, "{\"payload\":", "\r\n--graphql").await;
        app.advance(chrono::TimeDelta::hours(24)).await;
        app.sql("ALTER TABLE mining_sessions RENAME COLUMN status TO gone")
            .await;
        app.sql(&format!(
            "WITH miner AS (UPDATE miners SET version = version + 1 WHERE user_id = '{}' RETURNING id, user_id, version)
             INSERT INTO outbox (lane, day, event_id, name, subject_kind, subject_id, audience_id, sequence, payload, occurred_at)
             SELECT 0, (app_now() AT TIME ZONE 'UTC')::date, gen_random_uuid(), 'StreakBroken', 'miner', id, user_id, version,
                    jsonb_build_object('minerId', id, 'lostDays', 3), app_now() FROM miner",
            alice.id()
        ))
        .await;
        let next = socket.hear().await;
        assert_eq!(next["type"], "next", "{next}");
        check(&next["payload"]);
        let event = until(&mut events, "data: ", "\n\n").await;
        check(&serde_json::from_str(&event).unwrap());
        let part = until(&mut parts, "{\"payload\":", "}\r\n--graphql").await;
        check(&serde_json::from_str(&part).unwrap());
        app.sql("ALTER TABLE mining_sessions RENAME COLUMN gone TO status")
            .await;
    });
}
