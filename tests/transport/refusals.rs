//! Invalid requests: each returns one error and changes nothing.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{GRAPHQL, Reply, post};
use crate::support::test;

#[test]
fn returns_400_for_malformed_bodies_to_everybody() {
    test(async |app| {
        let deep = "[".repeat(100_000);
        for body in [
            &b""[..],
            b"{",
            b"nonsense",
            b"\xff\xfe",
            b"{\"query\":\"{ __typename }\xff\"}",
            b"7",
            b"null",
            b"\"{ __typename }\"",
            b"[]",
            br#"[{"query":"{ __typename }"}]"#,
            b"{}",
            br#"{"qeury":"{ __typename }"}"#,
            br#"{"query":null}"#,
            br#"{"query":7}"#,
            br#"{"query":["{ __typename }"]}"#,
            br#"{"query":"{ __typename }","variables":[7]}"#,
            br#"{"query":"{ __typename }","variables":"{}"}"#,
            br#"{"query":"{ __typename }","operationName":7}"#,
            br#"{"query":"{ __typename }","extensions":"x"}"#,
            br#"{"query":"{ __typename }"} {"#,
            deep.as_bytes(),
        ] {
            for accept in ["*/*", GRAPHQL, "application/json"] {
                let reply = Reply::to(post(app, body.to_vec()).header("accept", accept)).await;
                let body = String::from_utf8_lossy(&body[..body.len().min(80)]);
                assert_eq!(reply.status, 400, "{body}: {}", reply.text);
                assert_eq!(reply.refusal(), "BAD_REQUEST", "{body}");
            }
        }
    });
}

#[test]
fn treats_null_parameters_as_absent() {
    test(async |app| {
        let body = json!({"query": "{ __typename }", "operationName": null, "variables": null, "extensions": null});
        let reply = Reply::to(post(app, body.to_string())).await;
        assert_eq!(
            (reply.status, reply.json()),
            (200, json!({"data": {"__typename": "Query"}}))
        );
    });
}

#[test]
fn refuses_with_a_status_by_media_type() {
    test(async |app| {
        let both = "query A { __typename } query B { __typename }";
        for (body, code) in [
            (json!({"query": "{"}), "GRAPHQL_PARSE_FAILED"),
            (json!({"query": "hello"}), "GRAPHQL_PARSE_FAILED"),
            (json!({"query": "  # nothing"}), "GRAPHQL_PARSE_FAILED"),
            (
                json!({"query": "fragment F on Query { __typename }"}),
                "GRAPHQL_PARSE_FAILED",
            ),
            (json!({"query": "{ nothing }"}), "GRAPHQL_VALIDATION_FAILED"),
            (
                json!({"query": "{ serverInfo }"}),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                json!({"query": "{ serverInfo { ...Gone } }"}),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                json!({"query": "mutation { nothing }"}),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (json!({"query": both}), "OPERATION_RESOLUTION_FAILURE"),
            (
                json!({"query": both, "operationName": "C"}),
                "OPERATION_RESOLUTION_FAILURE",
            ),
            (
                json!({"query": "{ __typename }", "operationName": "C"}),
                "OPERATION_RESOLUTION_FAILURE",
            ),
            (
                json!({"query": "subscription { minerUpdated { __typename } }"}),
                "BAD_REQUEST",
            ),
            (
                json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "00"}}}),
                "PERSISTED_QUERY_NOT_FOUND",
            ),
        ] {
            for (accept, status) in [(GRAPHQL, 400), ("application/json", 200), ("*/*", 200)] {
                let reply = Reply::to(post(app, body.to_string()).header("accept", accept)).await;
                assert_eq!(
                    (reply.status, reply.refusal().as_str()),
                    (status, code),
                    "{body} as {accept}: {}",
                    reply.text
                );
            }
        }
        for name in ["A", "B"] {
            let body = json!({"query": both, "operationName": name});
            assert_eq!(
                Reply::to(post(app, body.to_string())).await.json(),
                json!({"data": {"__typename": "Query"}})
            );
        }
    });
}

#[test]
fn locates_errors_of_a_document() {
    test(async |app| {
        for (query, line) in [("{\n  serverInfo(", 2), ("{\n\n  nothing\n}", 3)] {
            let answer = app.anonymous().ask(query, json!({})).await;
            assert_eq!(
                answer.body["errors"][0]["locations"][0]["line"], line,
                "{}",
                answer.body
            );
        }
    });
}

#[test]
fn reports_misused_variables_as_validation_errors() {
    test(async |app| {
        let mut wrong = Vec::new();
        for query in [
            "{ leaderboard(limit: $limit) { viewerEntry { rank } } }",
            "query ($limit: Int) { __typename }",
            "query ($limit: Nothing) { leaderboard(limit: $limit) { viewerEntry { rank } } }",
            "query ($limit: String!) { leaderboard(limit: $limit) { viewerEntry { rank } } }",
            r#"{ leaderboard(limit: "many") { viewerEntry { rank } } }"#,
            "{ miner { uuid } }",
        ] {
            // A value that fits the declared type: what is wrong is the document.
            let limit = if query.contains("String") {
                json!("3")
            } else {
                json!(3)
            };
            let answer = app.anonymous().ask(query, json!({"limit": limit})).await;
            if (answer.status, answer.code()) != (400, "GRAPHQL_VALIDATION_FAILED") {
                wrong.push(format!("{query}: {} {}", answer.status, answer.body));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn returns_one_error_for_an_invalid_variable() {
    test(async |app| {
        let miner = "query ($by: MinerBy!) { miner(by: $by) { uuid } }";
        let limit = "query ($limit: Int!) { leaderboard(limit: $limit) { viewerEntry { rank } } }";
        let claim = "mutation ($input: MiningSessionClaimInput!) { miningSessionClaim(input: $input) { userErrors { code } } }";
        let mut wrong = Vec::new();
        for (query, variables) in [
            (miner, json!({})),
            (miner, json!({"by": null})),
            (miner, json!({"by": 7})),
            (miner, json!({"by": {"uuid": 7}})),
            (miner, json!({"by": {"nothing": "x"}})),
            (miner, json!({"by": {"code": "a", "uuid": "b"}})),
            (limit, json!({})),
            (limit, json!({"limit": null})),
            (limit, json!({"limit": "many"})),
            (limit, json!({"limit": 1.5})),
            (limit, json!({"limit": 3_000_000_000_i64})),
            (claim, json!({})),
            (claim, json!({"input": {"idempotencyKey": 7}})),
            (claim, json!({"input": []})),
        ] {
            let answer = app.user().ask(query, variables.clone()).await;
            let is_one = answer.body["errors"]
                .as_array()
                .is_some_and(|errors| errors.len() == 1);
            let is_clear = ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&answer.code());
            let data = answer.body.get("data").and_then(Value::as_object);
            let is_empty = data.is_none_or(|data| data.values().all(Value::is_null));
            if !(is_one && is_clear && is_empty) {
                wrong.push(format!("{query} {variables}: {}", answer.body));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn executes_no_mutation_with_invalid_variables() {
    test(async |app| {
        let query = "mutation ($input: MiningSessionStartInput!) {
            minerRegister(input: {}) { userErrors { code } }
            miningSessionStart(input: $input) { userErrors { code } }
        }";
        for variables in [json!({}), json!({"input": null}), json!({"input": 7})] {
            let answer = app.user().ask(query, variables.clone()).await;
            assert!(
                ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&answer.code()),
                "{variables}: {}",
                answer.body
            );
            let miners = app.count("miners", "true").await;
            assert_eq!(miners, 0, "{variables}: {}", answer.body);
        }
    });
}

#[test]
fn accepts_only_json_in_utf_8() {
    test(async |app| {
        let body = r#"{"query": "{ __typename }"}"#;
        let send = |kind: Option<&'static str>, encoding: Option<&'static str>| {
            let mut request = reqwest::Client::new().post(app.url("/graphql")).body(body);
            if let Some(kind) = kind {
                request = request.header("content-type", kind);
            }
            if let Some(encoding) = encoding {
                request = request.header("content-encoding", encoding);
            }
            Reply::to(request.header("accept", GRAPHQL))
        };
        for good in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=\"UTF-8\"",
        ] {
            assert_eq!(send(Some(good), None).await.status, 200, "{good}");
        }
        // The first three are what a page of any site can send without asking.
        for bad in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            Some("text/plain; application/json"),
            Some("application/graphql"),
            Some("application/json; charset=latin1"),
            Some("application/jsonx"),
        ] {
            let reply = send(bad, None).await;
            assert_eq!(reply.status, 415, "{bad:?}");
            assert_eq!(reply.refusal(), "BAD_REQUEST", "{bad:?}");
        }
        let reply = send(Some("application/json"), Some("gzip")).await;
        assert_eq!(
            (reply.status, reply.refusal().as_str()),
            (415, "BAD_REQUEST")
        );
    });
}

#[test]
fn limits_bodies_to_256_kib() {
    test(async |app| {
        let body = |bytes: usize| {
            let empty = r#"{"query":"{ __typename }","beside":""}"#;
            let beside = format!("beside\":\"{}", "x".repeat(bytes - empty.len()));
            empty.replace("beside\":\"", &beside)
        };
        let most = 256 * 1024;
        let reply = Reply::to(post(app, body(most))).await;
        assert_eq!(
            (reply.status, reply.json()),
            (200, json!({"data": {"__typename": "Query"}}))
        );
        for accept in [GRAPHQL, "application/json", "*/*"] {
            let reply = Reply::to(post(app, body(most + 1)).header("accept", accept)).await;
            assert_eq!(reply.status, 413, "{accept}");
            assert_eq!(reply.refusal(), "LIMIT_EXCEEDED", "{accept}");
        }
        // The limit also holds for a chunked body without a length.
        let mut stream = TcpStream::connect(app.address()).await.unwrap();
        let piece = body(most + 1);
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{piece}",
            piece.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 413");
    });
}
