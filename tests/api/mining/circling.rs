//! What tests of circles share.

use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp};

/// Somebody with a miner, and how others name them.
#[derive(Clone)]
pub struct Person {
    pub actor: Actor,
    /// Global id of their profile.
    pub profile: String,
    /// Their referral code.
    pub code: String,
}

/// What a payload is asked for.
fn selection(field: &str) -> &'static str {
    const CIRCLE: &str =
        "circle { id uuid name status memberCount isValid trustScore bonusMultiplier
        members { isOwner miner { id role } } }";
    const INVITATION: &str =
        "invitation { id uuid status circleName createdAt expiresAt decidedAt circle { id }
        inviter { id } invitee { id } }";
    const BOTH: &str = "circle { id name status memberCount } invitation { id status decidedAt }";
    match field {
        "circleInvitationAccept" => BOTH,
        "circleInvitationSend" | "circleInvitationDecline" | "circleInvitationCancel" => INVITATION,
        "circleLeave" => "miner { role circle { id } }",
        _ => CIRCLE,
    }
}

/// Asks for a command.
pub async fn ask(actor: &Actor, field: &str, input: Value) -> Answer {
    let of = format!("{}{}", field[..1].to_uppercase(), &field[1..]);
    let query = format!(
        "mutation ($input: {of}Input!) {{ {field}(input: $input) {{ {} userErrors {{ code field message }} }} }}",
        selection(field)
    );
    actor.ask(&query, json!({"input": input})).await
}

/// Asks for a command that must not be refused; answers its payload.
pub async fn must(actor: &Actor, field: &str, input: Value) -> Value {
    let payload = ask(actor, field, input).await.data()[field].clone();
    assert_eq!(payload["userErrors"], json!([]), "{field}: {payload}");
    payload
}

/// Asks for a command that must be refused with a code, about a field of the input.
pub async fn refused(actor: &Actor, field: &str, input: Value, code: &str, about: Option<&str>) {
    let payload = ask(actor, field, input).await.data()[field].clone();
    let error = &payload["userErrors"][0];
    let about = about.map_or(Value::Null, |about| json!([about]));
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!(code), &about),
        "{field}: {payload}"
    );
}

/// A new person with a miner.
pub async fn person(app: &TestApp) -> Person {
    let actor = app.user();
    actor.register().await;
    let query = "{ viewer { miner { referralCode profile { id } } } }";
    let miner = actor.get(query, json!({})).await["viewer"]["miner"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Person {
        profile: text(&miner["profile"]["id"]),
        code: text(&miner["referralCode"]),
        actor,
    }
}

/// Several new people with miners.
pub async fn people<const N: usize>(app: &TestApp) -> [Person; N] {
    let mut people = Vec::new();
    for _ in 0..N {
        people.push(person(app).await);
    }
    people.try_into().ok().unwrap()
}

impl Person {
    /// Makes a circle; answers it.
    pub async fn create(&self) -> Value {
        let payload = must(&self.actor, "circleCreate", json!({"name": "Night shift"})).await;
        payload["circle"].clone()
    }

    /// Invites somebody; answers the invitation's id.
    pub async fn invite(&self, whom: &Person) -> String {
        let input = json!({"invitee": {"profileId": whom.profile}});
        let payload = must(&self.actor, "circleInvitationSend", input).await;
        payload["invitation"]["id"].as_str().unwrap().to_owned()
    }

    /// Accepts an invitation; answers the payload.
    pub async fn accept(&self, invitation: &str) -> Value {
        let input = json!({"invitation": invitation});
        must(&self.actor, "circleInvitationAccept", input).await
    }

    /// Tries to accept an invitation.
    pub async fn try_accept(&self, invitation: &str) -> Answer {
        let input = json!({"invitation": invitation});
        ask(&self.actor, "circleInvitationAccept", input).await
    }

    /// Takes somebody in.
    pub async fn take_in(&self, whom: &Person) -> Value {
        let invitation = self.invite(whom).await;
        whom.accept(&invitation).await
    }

    pub async fn leave(&self) -> Value {
        must(&self.actor, "circleLeave", json!({})).await
    }

    pub async fn remove(&self, whom: &Person) -> Value {
        let input = json!({"member": whom.profile});
        must(&self.actor, "circleMemberRemove", input).await
    }

    pub async fn disband(&self) -> Value {
        must(&self.actor, "circleDisband", json!({})).await
    }

    /// Their role, the circle's part of their rate, and their circle.
    pub async fn standing(&self) -> (String, String, Value) {
        let query =
            "{ viewer { circle { name memberCount status } miner { role rate { circleBonus } } } }";
        let viewer = self.actor.get(query, json!({})).await["viewer"].clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let miner = &viewer["miner"];
        (
            text(&miner["role"]),
            text(&miner["rate"]["circleBonus"]),
            viewer["circle"].clone(),
        )
    }

    pub async fn role(&self) -> String {
        self.standing().await.0
    }
}

/// Somebody's circle with so many members, the owner first.
pub async fn circle_of<const N: usize>(app: &TestApp) -> [Person; N] {
    let people = people::<N>(app).await;
    people[0].create().await;
    for member in &people[1..] {
        people[0].take_in(member).await;
    }
    people
}

/// How many events of a name were written.
pub async fn told(app: &TestApp, name: &str) -> i64 {
    let sql =
        format!("SELECT count(*) FROM outbox WHERE name = '{name}' AND subject_kind = 'circle'");
    app.number(&sql).await
}

/// Suspends or bans everybody there is.
pub async fn set_status(app: &TestApp, whose: &Person, status: &str) {
    let user = whose.actor.id();
    app.sql(&format!(
        "UPDATE miners SET status = '{status}' WHERE user_id = '{user}'"
    ))
    .await;
}

/// The hours that free places and who left wait.
pub async fn set_cooldown(app: &TestApp, hours: i32) {
    app.sql(&format!(
        "INSERT INTO configurations SELECT section, version + 1, body || '{{\"circleCooldownHours\": {hours}}}', app_now(), 'test', 'test'
         FROM configurations WHERE section = 'mining' ORDER BY version DESC LIMIT 1"
    ))
    .await;
}

/// The first answer is given again under its key, and the same key is no other request's.
pub async fn replays(actor: &Actor, field: &str, input: Value, other: Value) {
    let with_key = |mut input: Value| {
        input["idempotencyKey"] = json!("k");
        input
    };
    let first = ask(actor, field, with_key(input.clone())).await;
    assert_eq!(first.refusals(), Vec::<&str>::new(), "{}", first.body);
    let again = ask(actor, field, with_key(input)).await;
    assert_eq!(first.body["data"], again.body["data"]);
    assert_eq!(
        again.body["extensions"]["idempotentReplay"],
        json!([[field]])
    );
    let other = ask(actor, field, with_key(other)).await;
    assert_eq!(other.reason(), "IDEMPOTENCY_KEY_REUSED");
}

/// What refuses whoever has no miner, or is suspended or banned; `suspended` are not refused where they may.
pub async fn refuses_standing(app: &TestApp, field: &str, input: Value, suspended: Option<&str>) {
    refused(&app.user(), field, input.clone(), "MINER_NOT_FOUND", None).await;
    let someone = person(app).await;
    set_status(app, &someone, "BANNED").await;
    refused(&someone.actor, field, input.clone(), "MINER_BANNED", None).await;
    set_status(app, &someone, "SUSPENDED").await;
    let answer = ask(&someone.actor, field, input).await;
    let expected = suspended.unwrap_or("MINER_SUSPENDED");
    assert_eq!(answer.refusals(), [expected], "{}", answer.body);
    assert_eq!(
        app.anonymous()
            .ask("{ circles(first: 1) { totalCount } }", json!({}))
            .await
            .code(),
        "UNAUTHENTICATED"
    );
}
