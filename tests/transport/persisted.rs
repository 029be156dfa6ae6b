//! Persisted documents.

use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{GRAPHQL, Reply, get, post};
use crate::support::{TestApp, test, test_with};

const QUERY: &str = "query Version { serverInfo { version } }";

fn hash(document: &str) -> String {
    let hash = Sha256::digest(document);
    let digits: Vec<_> = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn extensions(document: &str) -> Value {
    json!({"persistedQuery": {"version": 1, "sha256Hash": hash(document)}})
}

fn by_get(app: &TestApp, parameters: &[(&str, &str)]) -> RequestBuilder {
    let pairs = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    get(
        app,
        &format!("/graphql?{}", pairs.collect::<Vec<_>>().join("&")),
    )
}

async fn told(request: RequestBuilder) -> (u16, Value) {
    let reply = Reply::to(request.header("accept", GRAPHQL)).await;
    let body = reply.json();
    let error = &body["errors"][0];
    let said = if error.is_null() {
        body["data"]["serverInfo"]["version"].clone()
    } else {
        assert!(body.get("data").is_none(), "{body}");
        json!([error["message"], error["extensions"]["code"]])
    };
    (reply.status, said)
}

fn version() -> (u16, Value) {
    (200, json!(env!("CARGO_PKG_VERSION")))
}

fn not_found() -> (u16, Value) {
    let told = json!(["PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND"]);
    (400, told)
}

fn not_allowed() -> (u16, Value) {
    let message = "only documents that were registered in advance are executed here";
    (400, json!([message, "PERSISTED_QUERY_NOT_ALLOWED"]))
}

#[test]
fn executes_a_registered_document_by_hash() {
    test(async |app| {
        let hash_only = json!({"extensions": extensions(QUERY)}).to_string();
        let both = json!({"query": QUERY, "extensions": extensions(QUERY)}).to_string();
        let in_url = extensions(QUERY).to_string();
        assert_eq!(told(post(app, hash_only.clone())).await, not_found());
        assert_eq!(
            told(by_get(app, &[("extensions", &in_url)])).await,
            not_found()
        );
        assert_eq!(told(post(app, both)).await, version());
        assert_eq!(told(post(app, hash_only.clone())).await, version());
        assert_eq!(
            told(by_get(app, &[("extensions", &in_url)])).await,
            version()
        );
        // Clients that also accept application/json parse the message, some at status 200 only.
        let other = json!({"extensions": extensions("{ other }")}).to_string();
        let other_in_url = extensions("{ other }").to_string();
        for accept in [
            "application/json",
            "application/graphql-response+json, application/json",
            "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json",
        ] {
            for request in [
                post(app, other.clone()),
                by_get(app, &[("extensions", &other_in_url)]),
            ] {
                let reply = Reply::to(request.header("accept", accept)).await;
                assert_eq!(
                    (reply.status, reply.refusal()),
                    (200, "PERSISTED_QUERY_NOT_FOUND".to_owned())
                );
                assert_eq!(
                    reply.header("content-type"),
                    "application/json; charset=utf-8"
                );
                // A cache that kept it would keep the text from ever being of use.
                assert_eq!(reply.header("cache-control"), "private, no-store");
            }
        }
    });
}

#[test]
fn registers_a_document_by_get() {
    test(async |app| {
        let in_url = extensions(QUERY).to_string();
        let both = by_get(app, &[("query", QUERY), ("extensions", &in_url)]);
        assert_eq!(told(both).await, version());
        assert_eq!(
            told(by_get(app, &[("extensions", &in_url)])).await,
            version()
        );
    });
}

#[test]
fn refuses_a_hash_of_another_document() {
    test(async |app| {
        let body = json!({"query": QUERY, "extensions": extensions("{ other }")});
        let refused = json!(["provided sha does not match query", "BAD_REQUEST"]);
        assert_eq!(told(post(app, body.to_string())).await, (400, refused));
        let body = json!({"extensions": extensions("{ other }")});
        assert_eq!(told(post(app, body.to_string())).await, not_found());
    });
}

#[test]
fn registers_valid_documents_only() {
    test(async |app| {
        let deep = "{a".repeat(70);
        for nonsense in ["{ nonsense", "{ nonsense }", deep.as_str()] {
            let body = json!({"query": nonsense, "extensions": extensions(nonsense)});
            assert_eq!(
                Reply::to(post(app, body.to_string()).header("accept", GRAPHQL))
                    .await
                    .status,
                400
            );
            let body = json!({"extensions": extensions(nonsense)});
            assert_eq!(told(post(app, body.to_string())).await, not_found());
        }
    });
}

#[test]
fn refuses_a_mutation_by_hash_over_get() {
    test(async |app| {
        let mutation = "mutation { minerRegister(input: {}) { userErrors { code } } }";
        let body = json!({"query": mutation, "extensions": extensions(mutation)});
        let alice = app.user();
        let request = post(app, body.to_string()).bearer_auth(alice.token().unwrap());
        assert_eq!(Reply::to(request).await.status, 200);
        let in_url = extensions(mutation).to_string();
        let request = by_get(app, &[("extensions", &in_url)]).bearer_auth(alice.token().unwrap());
        let reply = Reply::to(request).await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, "POST".to_owned())
        );
    });
}

#[test]
fn can_be_disabled() {
    let settings = [("GOODGO_PERSISTED_QUERY_BYTES", "0")];
    test_with(&settings, async |app| {
        let refused = json!([
            "PersistedQueryNotSupported",
            "PERSISTED_QUERY_NOT_SUPPORTED"
        ]);
        let body = json!({"extensions": extensions(QUERY)}).to_string();
        assert_eq!(told(post(app, body)).await, (400, refused));
        let body = json!({"query": QUERY, "extensions": extensions(QUERY)}).to_string();
        assert_eq!(told(post(app, body)).await, version());
    });
}

/// Writes a manifest for a test.
fn manifest(name: &str, content: &Value) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
    std::fs::write(&path, content.to_string()).unwrap();
    path
}

#[test]
fn refuses_untrusted_documents_if_enforced() {
    let apollo = manifest(
        "trusted-apollo",
        &json!({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [
            {"id": hash(QUERY), "name": "Version", "type": "query", "body": QUERY}
        ]}),
    );
    let other = "query Other { serverInfo { version environment } }";
    let codegen = manifest("trusted-codegen", &json!({"sha256:other": other}));
    let files = format!("{},{}", apollo.display(), codegen.display());
    let settings = [
        ("GOODGO_TRUSTED_DOCUMENTS", "enforce"),
        ("GOODGO_TRUSTED_DOCUMENTS_FILES", files.as_str()),
    ];
    test_with(&settings, async |app| {
        for body in [
            json!({"extensions": extensions(QUERY)}),
            json!({"query": QUERY}),
            json!({"query": QUERY, "extensions": extensions(QUERY)}),
            json!({"documentId": "sha256:other"}),
            json!({"documentId": "other"}),
            json!({"query": other}),
        ] {
            assert_eq!(told(post(app, body.to_string())).await, version(), "{body}");
        }
        assert_eq!(
            told(by_get(app, &[("documentId", "other")])).await,
            version()
        );
        for body in [
            json!({"query": "{ serverInfo { version } }"}),
            json!({"documentId": "unknown"}),
            json!({"extensions": extensions("{ serverInfo { version } }")}),
        ] {
            assert_eq!(
                told(post(app, body.to_string())).await,
                not_allowed(),
                "{body}"
            );
        }
        let mut socket = app.anonymous().socket().await;
        socket.subscribe("1", "{ serverInfo { version } }").await;
        let refused = socket.hear().await;
        assert_eq!(
            refused["payload"][0]["extensions"]["code"],
            "PERSISTED_QUERY_NOT_ALLOWED"
        );
    });
}

#[test]
fn counts_untrusted_documents_if_logged() {
    let trusted = manifest("trusted-log", &json!({"1": QUERY}));
    let trusted = trusted.display().to_string();
    let settings = [
        ("GOODGO_TRUSTED_DOCUMENTS", "log"),
        ("GOODGO_TRUSTED_DOCUMENTS_FILES", trusted.as_str()),
    ];
    test_with(&settings, async |app| {
        let body = json!({"query": "{ serverInfo { version } }"});
        assert_eq!(told(post(app, body.to_string())).await, version());
        assert_eq!(
            told(post(app, json!({"documentId": "1"}).to_string())).await,
            version()
        );
        let metrics = Reply::to(get(app, "/metrics")).await.text;
        assert!(metrics.contains("untrusted_documents_total"), "{metrics}");
    });
}
