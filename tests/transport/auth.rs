//! Bearer tokens: identities of valid tokens, and one answer to all bad ones.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use goodgo::auth::clock::instance_now;
use goodgo::auth::tokens::{DevKeys, generate_dev_keys};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{GRAPHQL, Reply, get, post};
use crate::support::{Actor, Socket, TestApp, test, test_with, viewer_id};

const GOOD: &str = r#"{"query": "{ __typename }"}"#;
const SUBJECT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// The keys of this file's servers.
fn keys() -> &'static DevKeys {
    static KEYS: OnceLock<DevKeys> = OnceLock::new();
    KEYS.get_or_init(|| generate_dev_keys().unwrap())
}

/// Runs a test with a server that trusts these keys: the secret for users, a key of the service issuer `tills`.
fn test_with_keys(name: &str, body: impl AsyncFnOnce(&TestApp)) {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let jwks = folder.join(format!("{name}-{}.jwks.json", std::process::id()));
    std::fs::write(&jwks, &keys().service_jwks).unwrap();
    let settings = [
        ("JWT_SECRET", keys().user_secret.as_str()),
        ("SERVICE_JWKS_URL", jwks.to_str().unwrap()),
        ("TRUSTED_ISSUERS", "tills"),
    ];
    test_with(&settings, body);
    std::fs::remove_file(&jwks).unwrap();
}

fn in_seconds(seconds: i64) -> i64 {
    instance_now().timestamp() + seconds
}

/// Claims of a user with changes.
fn user(changes: Value) -> Value {
    let claims = json!({
        "iss": "goodgo-platform", "aud": "goodgo-services", "sub": SUBJECT, "exp": in_seconds(600), "roles": [],
    });
    changed(claims, changes)
}

/// Claims of a service with changes.
fn service(changes: Value) -> Value {
    let claims = json!({
        "iss": "tills", "aud": "goodgo-services", "sub": "till-7", "exp": in_seconds(600), "scope": "mining:read",
    });
    changed(claims, changes)
}

/// A change to null removes the claim.
fn changed(mut claims: Value, changes: Value) -> Value {
    let map = claims.as_object_mut().unwrap();
    let Value::Object(changes) = changes else {
        panic!("changes are an object");
    };
    map.extend(changes);
    map.retain(|_, value| !value.is_null());
    claims
}

fn hs256(secret: &[u8], claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret);
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

fn by_secret(claims: &Value) -> String {
    hs256(keys().user_secret.as_bytes(), claims)
}

fn by_key(keys: &DevKeys, kid: &str, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(kid.to_owned());
    let key = EncodingKey::from_ed_pem(keys.service_key_pem.as_bytes()).unwrap();
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

/// Key id of the services' key.
fn published() -> Value {
    let jwks: Value = serde_json::from_str(&keys().service_jwks).unwrap();
    jwks["keys"][0].clone()
}

fn kid() -> String {
    published()["kid"].as_str().unwrap().to_owned()
}

/// Every kind of bad `Authorization`.
fn bad() -> Vec<(&'static str, String)> {
    let good = by_secret(&user(json!({})));
    let parts: Vec<&str> = good.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let admin = URL_SAFE_NO_PAD.encode(user(json!({"roles": ["ADMIN"]})).to_string());
    let public = URL_SAFE_NO_PAD
        .decode(published()["x"].as_str().unwrap())
        .unwrap();
    let tokens = [
        ("another secret", hs256(&[7; 48], &user(json!({})))),
        ("expired", by_secret(&user(json!({"exp": in_seconds(-60)})))),
        ("without end", by_secret(&user(json!({"exp": null})))),
        (
            "not yet good",
            by_secret(&user(json!({"nbf": in_seconds(60)}))),
        ),
        (
            "unknown issuer",
            by_secret(&user(json!({"iss": "somebody"}))),
        ),
        ("no issuer", by_secret(&user(json!({"iss": null})))),
        (
            "another audience",
            by_secret(&user(json!({"aud": "others"}))),
        ),
        ("no audience", by_secret(&user(json!({"aud": null})))),
        ("sub is no UUID", by_secret(&user(json!({"sub": "bob"})))),
        ("no sub", by_secret(&user(json!({"sub": null})))),
        ("alg none", format!("{none}.{}.", parts[1])),
        (
            "alg none, signed",
            format!("{none}.{}.{}", parts[1], parts[2]),
        ),
        ("changed", format!("{}.{admin}.{}", parts[0], parts[2])),
        ("unsigned", format!("{}.{}.", parts[0], parts[1])),
        ("a service by the secret", by_secret(&service(json!({})))),
        (
            "a service by its public key",
            hs256(&public, &service(json!({}))),
        ),
        ("a user by the public key", hs256(&public, &user(json!({})))),
        (
            "a user by a service's key",
            by_key(keys(), &kid(), &user(json!({}))),
        ),
        (
            "a service by a stranger's key",
            by_key(&generate_dev_keys().unwrap(), &kid(), &service(json!({}))),
        ),
        (
            "a service by an unknown key",
            by_key(keys(), "dev-unknown", &service(json!({}))),
        ),
        (
            "an expired service",
            by_key(keys(), &kid(), &service(json!({"exp": in_seconds(-60)}))),
        ),
        (
            "a service for others",
            by_key(keys(), &kid(), &service(json!({"aud": "others"}))),
        ),
        ("garbage", "garbage".to_owned()),
        ("undefined", "a.b.c".to_owned()),
        ("dots", "..".to_owned()),
        ("too long", "x".repeat(9_000)),
    ];
    let mut bad: Vec<_> = tokens
        .into_iter()
        .map(|(name, token)| (name, format!("Bearer {token}")))
        .collect();
    bad.extend([
        ("another scheme", format!("Basic {good}")),
        ("no scheme", good.clone()),
        ("two schemes", format!("Bearer Bearer {good}")),
        ("two tokens", format!("Bearer {good}, Bearer {good}")),
    ]);
    bad
}

#[test]
fn accepts_valid_tokens() {
    test_with_keys("good", async |app| {
        let person = by_secret(&user(json!({"roles": ["SUPPORT"]})));
        let till = by_key(keys(), &kid(), &service(json!({})));
        let viewer = r#"{"query": "{ viewer { id } }"}"#;
        let miner = r#"{"query": "{ miner(by: {uuid: \"01890a5d-ac96-774b-bcce-b302099a8058\"}) { uuid } }"}"#;
        let id = viewer_id(SUBJECT.parse().unwrap());
        for (bearer, body, data) in [
            (
                format!("Bearer {person}"),
                viewer,
                json!({"viewer": {"id": id}}),
            ),
            (
                format!("bearer  {person}"),
                viewer,
                json!({"viewer": {"id": id}}),
            ),
            (format!("Bearer {till}"), viewer, json!({"viewer": null})),
            (format!("Bearer {till}"), miner, json!({"miner": null})),
            (String::new(), viewer, json!({"viewer": null})),
        ] {
            let reply = Reply::to(post(app, body).header("authorization", &bearer)).await;
            assert_eq!(reply.status, 200, "{bearer}: {}", reply.text);
            assert_eq!(reply.json(), json!({"data": data}), "{bearer}");
        }
    });
}

#[test]
fn refuses_bad_tokens_with_one_answer() {
    test_with_keys("bad", async |app| {
        let mut bodies = Vec::new();
        for (name, bearer) in bad() {
            for accept in ["*/*", GRAPHQL, "application/json"] {
                for request in [post(app, GOOD), get(app, "/graphql?query={__typename}")] {
                    let request = request
                        .header("authorization", &bearer)
                        .header("accept", accept);
                    let reply = Reply::to(request).await;
                    assert_eq!(reply.status, 401, "{name}: {}", reply.text);
                    assert_eq!(reply.header("www-authenticate"), "Bearer", "{name}");
                    assert_eq!(reply.refusal(), "UNAUTHENTICATED", "{name}");
                    let mut body = reply.json();
                    body["errors"][0]["extensions"]["requestId"] = Value::Null;
                    bodies.push(body);
                }
            }
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        // Two headers are one too many, even if one of them is good.
        let good = format!("Bearer {}", by_secret(&user(json!({}))));
        let request = post(app, GOOD)
            .header("authorization", &good)
            .header("authorization", &good);
        assert_eq!(Reply::to(request).await.status, 401);
        assert_eq!(
            Reply::to(post(app, GOOD).header("authorization", &good))
                .await
                .status,
            200
        );
    });
}

#[test]
fn closes_sockets_of_bad_tokens_with_one_code() {
    test_with_keys("sockets", async |app| {
        for (name, bearer) in bad() {
            let mut socket = Socket::connect(app.address(), &[]).await;
            let init = json!({"type": "connection_init", "payload": {"Authorization": bearer}});
            socket.say(init).await;
            assert_eq!(socket.close_code().await, 4403, "{name}");
        }
        let mut socket = Socket::connect(app.address(), &[]).await;
        let init = json!({"type": "connection_init", "payload": {"Authorization": 7}});
        socket.say(init).await;
        assert_eq!(socket.close_code().await, 4403);
    });
}

#[test]
fn executes_nothing_with_a_bad_token() {
    test_with_keys("nothing", async |app| {
        let register =
            r#"{"query": "mutation { minerRegister(input: {}) { userErrors { code } } }"}"#;
        let expired = by_secret(&user(json!({"exp": in_seconds(-60)})));
        let reply = Reply::to(post(app, register).bearer_auth(expired)).await;
        assert_eq!(reply.status, 401);
        assert_eq!(app.count("miners", "true").await, 0);
        let good = by_secret(&user(json!({})));
        let reply = Reply::to(post(app, register).bearer_auth(good)).await;
        assert_eq!(reply.status, 200);
        assert_eq!(app.count("miners", "true").await, 1);
    });
}

#[test]
fn ignores_roles_of_services_and_scopes_of_people() {
    test_with_keys("roles", async |app| {
        let miners = "{ miners(first: 1) { nodes { uuid } } }";
        let register = "mutation { minerRegister(input: {}) { userErrors { code } } }";
        let actor = |token| Actor::new(app.address(), Some(token), None);
        let till = |claims| actor(by_key(keys(), &kid(), &service(claims)));
        let admin = till(json!({"roles": ["ADMIN"], "role": "ADMIN", "scope": "wallet:read"}));
        let named_like_a_user = till(json!({"sub": SUBJECT}));
        let scoped = actor(by_secret(&user(
            json!({"scope": "mining:read wallet:read"}),
        )));
        for (who, query) in [
            (&admin, miners),
            (&named_like_a_user, register),
            (&scoped, miners),
        ] {
            let answer = who.ask(query, json!({})).await;
            assert_eq!(answer.code(), "FORBIDDEN", "{query}: {}", answer.body);
            assert!(
                answer.body["data"]
                    .as_object()
                    .unwrap()
                    .values()
                    .all(Value::is_null),
                "{}",
                answer.body
            );
        }
        let support = actor(by_secret(&user(json!({"role": "Support"}))));
        assert_eq!(
            support.get(miners, json!({})).await["miners"]["nodes"],
            json!([])
        );
    });
}

#[test]
fn returns_unauthenticated_to_anonymous_callers() {
    test(async |app| {
        for query in [
            "mutation { minerRegister(input: {}) { userErrors { code } } }",
            "{ miners(first: 1) { nodes { uuid } } }",
        ] {
            let answer = app.anonymous().ask(query, json!({})).await;
            assert_eq!(
                (answer.status, answer.code()),
                (200, "UNAUTHENTICATED"),
                "{query}: {}",
                answer.body
            );
        }
        assert_eq!(app.count("miners", "true").await, 0);
    });
}
