//! What tests of administrators' decisions about miners share.

use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp};

/// Decides about somebody's miner under a key.
pub async fn decide(by: &Actor, field: &str, whose: &Actor, key: &str) -> Answer {
    decide_about(by, field, json!({"userId": whose.id().to_string()}), key).await
}

/// Decides about a miner, named in any way.
pub async fn decide_about(by: &Actor, field: &str, miner: Value, key: &str) -> Answer {
    ask(
        by,
        field,
        json!({"miner": miner, "reason": "a test", "idempotencyKey": key}),
    )
    .await
}

/// Asks for a decision with the whole input.
pub async fn ask(by: &Actor, field: &str, input: Value) -> Answer {
    let of = format!("{}{}", field[..1].to_uppercase(), &field[1..]);
    let query = format!(
        "mutation ($input: {of}Input!) {{ {field}(input: $input) {{
            miner {{ uuid status role currentStreak longestStreak streak {{ dueAt freezeTokens recoverableDays }} }}
            userErrors {{ code field message }}
        }} }}"
    );
    let mut input = input;
    if field == "minerSetRole" && input.get("change").is_none() {
        input["change"] = json!("GRANT_NODE_OPERATOR");
    }
    by.ask(&query, json!({"input": input})).await
}

/// Decides what must not be refused; answers the miner.
pub async fn must(by: &Actor, field: &str, whose: &Actor, key: &str) -> Value {
    let payload = decide(by, field, whose, key).await.data()[field].clone();
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["miner"].clone()
}

/// A miner whose streak has so many days.
pub async fn with_streak(app: &TestApp, days: i64) -> Actor {
    let alice = app.miner().await;
    for day in 0..days {
        alice.start().await;
        app.advance(chrono::TimeDelta::hours(24)).await;
        alice.must_claim(&format!("day {day}")).await;
    }
    alice
}

/// Whoever may not is told so, and it is on record if they are staff or a service.
pub async fn only_administrators(app: &TestApp, field: &str) {
    let alice = app.miner().await;
    let asking = [
        (app.anonymous(), "UNAUTHENTICATED"),
        (app.user(), "FORBIDDEN"),
        (alice.clone(), "FORBIDDEN"),
        (app.person(&[Role::Support]), "FORBIDDEN"),
        (app.person(&[Role::Finance]), "FORBIDDEN"),
        (app.service(&Scope::ALL), "FORBIDDEN"),
    ];
    for (who, code) in &asking {
        assert_eq!(decide(who, field, &alice, "k").await.code(), *code);
    }
    let forbidden = "SELECT count(*) FROM audit_log WHERE outcome = 'FORBIDDEN' AND action LIKE 'mining.miner_%'";
    assert_eq!(app.number(forbidden).await, 3);
    assert_eq!(
        app.number("SELECT count(*) FROM miners WHERE status = 'ACTIVE' AND role = 'PIONEER' AND version = 1")
            .await,
        1
    );
}

/// What every decision refuses first: no reason, an unknown miner, and one's own. The last two are on record with it.
pub async fn refuses_unknown_and_own(app: &TestApp, field: &str) {
    let admin = app.person(&[Role::Admin]);
    for (n, reason) in [" ".to_owned(), "r".repeat(501), "\0".to_owned()]
        .into_iter()
        .enumerate()
    {
        let nobody = json!({"uuid": "00000000-0000-7000-8000-000000000000"});
        let input =
            json!({"miner": nobody, "reason": reason, "idempotencyKey": format!("reason {n}")});
        let answer = ask(&admin, field, input).await;
        assert_eq!(answer.refusals(), ["REASON_INVALID"]);
        let error = &answer.body["data"][field]["userErrors"][0];
        assert_eq!(error["field"], json!(["reason"]));
    }
    // Whoever looks for what was tried about a miner finds that, too.
    let alice = app.miner().await;
    let input = json!({"miner": {"userId": alice.id().to_string()}, "reason": " ", "idempotencyKey": "no reason"});
    assert_eq!(
        ask(&admin, field, input).await.refusals(),
        ["REASON_INVALID"]
    );
    let tried = "SELECT count(*) FROM audit_log a JOIN miners m ON a.entity_id = m.id::text
        WHERE refusal = 'REASON_INVALID' AND entity_kind = 'miner' AND reason IS NULL";
    assert_eq!(app.number(tried).await, 1);
    for (n, unknown) in [
        json!({"userId": "00000000-0000-7000-8000-000000000000"}),
        json!({"uuid": "00000000-0000-7000-8000-000000000000"}),
        json!({"code": "NOBODYS2"}),
        json!({"code": "no code"}),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = decide_about(&admin, field, unknown, &n.to_string()).await;
        assert_eq!(answer.refusals(), ["NOT_FOUND"]);
        assert_eq!(
            answer.body["data"][field]["userErrors"][0]["field"],
            json!(["miner"])
        );
    }
    admin.register().await;
    assert_eq!(
        decide(&admin, field, &admin, "own").await.refusals(),
        ["OWN_ACCOUNT"]
    );
    let refused = "SELECT count(*) FROM audit_log WHERE outcome = 'REFUSED' AND reason = 'a test' AND refusal = ";
    assert_eq!(app.number(&format!("{refused}'NOT_FOUND'")).await, 4);
    let own = format!(
        "{refused}'OWN_ACCOUNT' AND entity_id = (SELECT id::text FROM miners WHERE user_id = '{}')",
        admin.id()
    );
    assert_eq!(app.number(&own).await, 1);
}

/// Refuses what makes no sense of an input.
pub async fn refuses_bad_input(app: &TestApp, field: &str) {
    let admin = app.person(&[Role::Admin]);
    let alice = app.miner().await;
    let own = json!({"userId": alice.id().to_string()});
    let viewer = alice.get("{ viewer { id } }", json!({})).await["viewer"]["id"].clone();
    for input in [
        json!({"miner": {"id": viewer}, "reason": "r"}),
        json!({"miner": own, "reason": "r", "idempotencyKey": ""}),
    ] {
        assert_eq!(ask(&admin, field, input).await.code(), "BAD_USER_INPUT");
    }
}

/// The first answer is given again under its key, and the same key is no other request's.
pub async fn replays(app: &TestApp, field: &str, whose: &Actor) {
    let admin = app.person(&[Role::Admin]);
    let first = decide(&admin, field, whose, "k").await;
    assert_eq!(first.refusals(), Vec::<&str>::new());
    let again = decide(&admin, field, whose, "k").await;
    assert_eq!(first.body["data"], again.body["data"]);
    assert_eq!(
        again.body["extensions"]["idempotentReplay"],
        json!([[field]])
    );
    let other = decide(&admin, field, &app.miner().await, "k").await;
    assert_eq!(other.reason(), "IDEMPOTENCY_KEY_REUSED");
    let applied = "SELECT count(*) FROM audit_log WHERE outcome = 'APPLIED' AND reason = 'a test'";
    assert_eq!(app.number(applied).await, 1);
}
