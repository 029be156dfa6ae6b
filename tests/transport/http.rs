//! GraphQL over HTTP: media types, methods, headers.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{GRAPHQL, Reply, get, post};
use crate::support::{TestApp, test};

const GOOD: &str = r#"{"query": "{ serverInfo { environment } }"}"#;
const BAD: &str = r#"{"query": "{ nothing }"}"#;

async fn asked_by_origin(app: &TestApp, method: reqwest::Method, origin: &str) -> Reply {
    let request = reqwest::Client::new()
        .request(method, app.url("/graphql"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type,accept,idempotency-key,x-apollo-operation-name,apollo-require-preflight,apollographql-client-name,apollographql-client-version,x-request-id",
        );
    Reply::to(request).await
}

#[test]
fn negotiates_the_media_type() {
    test(async |app| {
        let json = "application/json";
        for (accept, chosen) in [
            (None, json),
            (Some("*/*"), json),
            (Some("application/*"), json),
            (Some("application/json"), json),
            (Some(GRAPHQL), GRAPHQL),
            (
                Some("APPLICATION/GraphQL-Response+JSON;charset=UTF-8"),
                GRAPHQL,
            ),
            (
                Some("application/json, application/graphql-response+json"),
                GRAPHQL,
            ),
            (
                Some("application/graphql-response+json;q=0.4, application/json;q=0.5"),
                json,
            ),
            (
                Some("application/graphql-response+json;q=0.5, application/json;q=0.4"),
                GRAPHQL,
            ),
            (
                Some("application/graphql-response+json;q=0, */*;q=0.1"),
                json,
            ),
            (Some("application/json;q=0, */*;q=0.1"), GRAPHQL),
            (Some("text/html, application/json;q=0.1"), json),
        ] {
            for (body, status) in [(GOOD, 200), (BAD, if chosen == json { 200 } else { 400 })] {
                let mut request = post(app, body);
                if let Some(accept) = accept {
                    request = request.header("accept", accept);
                }
                let reply = Reply::to(request).await;
                assert_eq!(reply.status, status, "{accept:?}: {}", reply.text);
                assert_eq!(
                    reply.header("content-type"),
                    format!("{chosen}; charset=utf-8"),
                    "{accept:?}"
                );
            }
        }
    });
}

#[test]
fn returns_406_if_no_media_type_is_acceptable() {
    test(async |app| {
        for accept in [
            "text/html",
            "application/xml, image/*",
            "application/json;q=0",
            "*/*;q=0",
            "application/json;charset=latin1",
        ] {
            for request in [post(app, GOOD), get(app, "/graphql?query={__typename}")] {
                let reply = Reply::to(request.header("accept", accept)).await;
                assert_eq!(reply.status, 406, "{accept}: {}", reply.text);
                assert_eq!(reply.refusal(), "BAD_REQUEST", "{accept}");
            }
        }
    });
}

#[test]
fn answers_queries_over_get() {
    test(async |app| {
        let document = "query+Top($limit:Int!)%7Bleaderboard(limit:$limit)%7BviewerEntry%7Brank%7D%7D%7D+query+Info%7BserverInfo%7Benvironment%7D%7D";
        let top = json!({"data": {"leaderboard": {"viewerEntry": null}}});
        let info = json!({"data": {"serverInfo": {"environment": "DEVELOPMENT"}}});
        for (operation, body) in [
            ("operationName=Top&variables=%7B%22limit%22:3%7D", &top),
            ("operationName=Info&variables=", &info),
            ("operationName=Info&extensions=%7B%7D&other=1", &info),
        ] {
            let reply =
                Reply::to(get(app, &format!("/graphql?query={document}&{operation}"))).await;
            assert_eq!((reply.status, &reply.json()), (200, body), "{operation}");
        }
        let alice = app.user();
        let request = get(app, "/graphql?query={viewer{id}}").bearer_auth(alice.token().unwrap());
        let reply = Reply::to(request).await;
        assert_eq!(
            reply.json()["data"]["viewer"]["id"],
            alice.viewer_id().as_str()
        );
        for (query, code) in [
            ("", "BAD_REQUEST"),
            ("query=", "BAD_REQUEST"),
            ("query=%ff", "BAD_REQUEST"),
            ("query={__typename}&query={__typename}", "BAD_REQUEST"),
            ("query={__typename}&variables=[]", "BAD_REQUEST"),
            ("query={__typename}&variables=x", "BAD_REQUEST"),
            ("query={", "GRAPHQL_PARSE_FAILED"),
            ("query={nothing}", "GRAPHQL_VALIDATION_FAILED"),
        ] {
            let request = get(app, &format!("/graphql?{query}")).header("accept", GRAPHQL);
            let reply = Reply::to(request).await;
            assert_eq!(
                (reply.status, reply.refusal().as_str()),
                (400, code),
                "{query}"
            );
        }
    });
}

#[test]
fn refuses_mutations_over_get() {
    test(async |app| {
        let alice = app.user();
        let register = "minerRegister(input:{}){userErrors{code}}";
        for query in [
            format!("mutation{{{register}}}"),
            format!("mutation+M{{{register}}}query+Q{{__typename}}&operationName=M"),
            "subscription{minerUpdated{__typename}}".to_owned(),
        ] {
            for accept in ["*/*", GRAPHQL, "application/json"] {
                let request = get(app, &format!("/graphql?query={query}"))
                    .header("accept", accept)
                    .bearer_auth(alice.token().unwrap());
                let reply = Reply::to(request).await;
                assert_eq!(reply.status, 405, "{query}: {}", reply.text);
                assert_eq!(reply.header("allow"), "POST");
                assert_eq!(reply.refusal(), "BAD_REQUEST");
            }
        }
        assert_eq!(app.count("miners", "true").await, 0);
    });
}

#[test]
fn refuses_other_methods() {
    test(async |app| {
        for method in ["PUT", "DELETE", "PATCH", "SEARCH"] {
            let request = reqwest::Client::new()
                .request(method.parse().unwrap(), app.url("/graphql"))
                .header("content-type", "application/json")
                .body(GOOD);
            let reply = Reply::to(request).await;
            assert_eq!(reply.status, 405, "{method}");
            assert_eq!(reply.refusal(), "BAD_REQUEST", "{method}");
            let allowed = reply.header("allow");
            assert!(
                allowed.contains("GET") && allowed.contains("POST"),
                "{method}: {allowed}"
            );
        }
    });
}

#[test]
fn returns_a_request_id() {
    test(async |app| {
        let reply = Reply::to(post(app, BAD).header("x-request-id", "mine-1")).await;
        assert_eq!(reply.header("x-request-id"), "mine-1");
        assert_eq!(
            reply.json()["errors"][0]["extensions"]["requestId"],
            "mine-1"
        );
        let mut made = Vec::new();
        for bad in [None, Some("with a space"), Some("")] {
            let mut request = post(app, BAD);
            if let Some(bad) = bad {
                request = request.header("x-request-id", bad);
            }
            let reply = Reply::to(request).await;
            let id = reply.header("x-request-id");
            assert!(uuid::Uuid::parse_str(&id).is_ok(), "{bad:?}: {id}");
            assert_eq!(reply.refusal(), "GRAPHQL_VALIDATION_FAILED");
            made.push(id);
        }
        made.dedup();
        assert_eq!(made.len(), 3);
        // Of a field's error too, and where nothing is.
        let query = r#"{"query": "{ leaderboard(limit: 0) { viewerEntry { rank } } }"}"#;
        let reply = Reply::to(post(app, query).header("x-request-id", "mine-2")).await;
        assert_eq!(
            reply.json()["errors"][0]["extensions"]["requestId"],
            "mine-2"
        );
        let reply = Reply::to(get(app, "/nowhere").header("x-request-id", "mine-3")).await;
        assert_eq!(reply.header("x-request-id"), "mine-3");
    });
}

#[test]
fn sends_vary_headers() {
    test(async |app| {
        let alice = app.user();
        for request in [post(app, GOOD), get(app, "/graphql?query={__typename}")] {
            let reply = Reply::to(request.bearer_auth(alice.token().unwrap())).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            assert_eq!(reply.header("cache-control"), "private, no-store");
            let vary = reply.header("vary").to_lowercase();
            for name in ["accept", "authorization", "origin"] {
                assert!(
                    vary.split(',').any(|varies| varies.trim() == name),
                    "{name}: {vary}"
                );
            }
            assert_eq!(reply.header("x-content-type-options"), "nosniff");
        }
        // Failures are not cached either.
        for query in ["{", "{nothing}", "{leaderboard(limit:0){entries{rank}}}"] {
            let reply = Reply::to(get(app, &format!("/graphql?query={query}"))).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            assert_eq!(reply.header("cache-control"), "private, no-store");
        }
    });
}

#[test]
fn pages_of_listed_sites_may_ask() {
    test(async |app| {
        for origin in ["http://localhost:3000", "http://localhost:5173"] {
            let reply = asked_by_origin(app, reqwest::Method::OPTIONS, origin).await;
            assert!((200..300).contains(&reply.status), "{}", reply.status);
            assert_eq!(reply.header("access-control-allow-origin"), origin);
            let methods = reply.header("access-control-allow-methods");
            assert!(methods.contains("POST") && methods.contains("GET"));
            let headers = reply.header("access-control-allow-headers");
            for name in [
                "authorization",
                "content-type",
                "accept",
                "idempotency-key",
                "x-apollo-operation-name",
                "apollo-require-preflight",
                "apollographql-client-name",
                "apollographql-client-version",
                "x-request-id",
                "x-read-after",
            ] {
                assert!(headers.contains(name), "{name}: {headers}");
            }
            let reply = Reply::to(post(app, GOOD).header("origin", origin)).await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.header("access-control-allow-origin"), origin);
            assert_eq!(
                reply.header("access-control-expose-headers"),
                "x-request-id,retry-after,etag,x-read-after"
            );
        }
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost:3000.evil.example",
            "https://localhost:3000",
        ] {
            let preflight = asked_by_origin(app, reqwest::Method::OPTIONS, origin).await;
            let answer = Reply::to(post(app, GOOD).header("origin", origin)).await;
            for reply in [preflight, answer] {
                assert_eq!(reply.header("access-control-allow-origin"), "", "{origin}");
            }
        }
    });
}

#[test]
fn finishes_requests_in_flight_on_shutdown() {
    test(async |app| {
        let other = app.another().await;
        // The server waits for the body, which proves that the request has begun.
        let mut stream = TcpStream::connect(other.address()).await.unwrap();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            GOOD.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut begun = [0; 12];
        stream.read_exact(&mut begun).await.unwrap();
        assert_eq!(&begun, b"HTTP/1.1 100");
        // The socket's end proves that stopping has begun.
        let mut socket = app.anonymous().at(other.address()).socket().await;
        let stopping = tokio::spawn(other.stop());
        assert_eq!(socket.close_code().await, 1012);
        stream.write_all(GOOD.as_bytes()).await.unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        assert!(rest.contains("HTTP/1.1 200 OK"), "{rest}");
        assert!(
            rest.ends_with(
                &json!({"data": {"serverInfo": {"environment": "DEVELOPMENT"}}}).to_string()
            ),
            "{rest}"
        );
        drop(socket);
        stopping.await.unwrap();
    });
}

#[test]
fn returns_null_for_a_failed_field_only() {
    test(async |app| {
        let query = "{ leaderboard(limit: 0) { viewerEntry { rank } } serverInfo { environment } }";
        let answer = app.anonymous().ask(query, json!({})).await;
        assert_eq!((answer.status, answer.code()), (200, "BAD_USER_INPUT"));
        assert_eq!(
            answer.body["data"],
            json!({"leaderboard": null, "serverInfo": {"environment": "DEVELOPMENT"}})
        );
        assert_eq!(answer.body["errors"][0]["path"], json!(["leaderboard"]));
    });
}

#[test]
fn masks_faults() {
    test(async |app| {
        let alice = app.miner().await;
        app.sql("ALTER TABLE miners RENAME TO gone").await;
        for (query, data) in [
            (
                "{ viewer { roles miner { uuid } } }",
                json!({"viewer": {"roles": ["USER"], "miner": null}}),
            ),
            (
                "{ leaderboard { viewerEntry { rank } } }",
                json!({"leaderboard": null}),
            ),
            (
                "mutation { miningSessionStart(input: {}) { userErrors { code } } }",
                json!({"miningSessionStart": null}),
            ),
        ] {
            let answer = alice
                .send(query, json!({}), &[("x-request-id", "broken-1")])
                .await;
            assert_eq!(
                (answer.status, answer.code()),
                (200, "INTERNAL_SERVER_ERROR"),
                "{query}: {}",
                answer.body
            );
            assert_eq!(answer.body["data"], data, "{query}");
            assert_masked(&answer.body, Some("broken-1"));
        }
        let mut socket = alice.socket().await;
        socket
            .subscribe("1", "{ leaderboard { viewerEntry { rank } } }")
            .await;
        assert_masked(&socket.hear().await["payload"], None);
        app.sql("ALTER TABLE gone RENAME TO miners").await;
    });
}

fn assert_masked(body: &Value, request_id: Option<&str>) {
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{body}");
    let extensions = &errors[0]["extensions"];
    assert_eq!(extensions["code"], "INTERNAL_SERVER_ERROR", "{body}");
    match request_id {
        Some(id) => assert_eq!(extensions["requestId"], id, "{body}"),
        None => assert!(extensions["requestId"].is_string(), "{body}"),
    }
    let text = errors[0].to_string().to_lowercase();
    for leaked in ["relation", "exist", "select", "miners", "gone", "sql"] {
        assert!(!text.contains(leaked), "{leaked}: {body}");
    }
}
