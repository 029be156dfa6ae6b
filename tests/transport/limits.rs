//! Limits of documents, bodies, request rates and times.

use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::{GRAPHQL, Reply, post, times};
use crate::support::lock::{Lock, until_waiting};
use crate::support::{TestApp, test, test_with};

async fn ask(app: &TestApp, query: &str) -> Reply {
    send(app, &json!({"query": query})).await
}

async fn send(app: &TestApp, body: &Value) -> Reply {
    Reply::to(post(app, body.to_string()).header("accept", GRAPHQL)).await
}

/// Asserts that a document is within a limit, and that a slightly larger one is not.
async fn at_the_limit(app: &TestApp, limit: &str, maximum: u64, document: impl Fn(u64) -> String) {
    let within = send(
        app,
        &json!({"query": document(maximum), "operationName": "Q"}),
    )
    .await;
    assert_eq!(within.status, 200, "{limit}: {}", within.text);
    assert!(
        within.json().get("errors").is_none(),
        "{limit}: {}",
        within.text
    );
    let over = send(
        app,
        &json!({"query": document(maximum + 1), "operationName": "Q"}),
    )
    .await;
    assert_eq!(
        (over.status, over.refusal()),
        (400, "LIMIT_EXCEEDED".to_owned()),
        "{limit}: {}",
        over.text
    );
    let extensions = &over.json()["errors"][0]["extensions"];
    let named = ["limit", "maximum", "value"].map(|name| &extensions[name]);
    assert_eq!(named, [&json!(limit), &json!(maximum), &json!(maximum + 1)]);
}

#[test]
fn names_the_limit_that_a_document_exceeds() {
    test(async |app| {
        at_the_limit(app, "tokens", 5_000, |tokens| {
            // Seven for the rest; comments and commas are none.
            let fields = times(tokens - 7, |_| "version".to_owned());
            format!("query Q {{ serverInfo {{ {fields} }} }} # and, so, on")
        })
        .await;
        at_the_limit(app, "operations", 20, |count| {
            let others = times(count - 1, |number| {
                format!("query Q{number} {{ __typename }}")
            });
            format!("{others} query Q {{ __typename }}")
        })
        .await;
        at_the_limit(app, "depth", 16, |depth| {
            let inner = times(depth - 2, |_| "{ ofType".to_owned());
            let end = times(depth - 1, |_| "}".to_owned());
            format!("query Q {{ __type(name: \"Query\") {inner} {{ name {end} }}")
        })
        .await;
        at_the_limit(app, "fields", 5_000, |count| {
            let hundreds = times((count - 1) / 100, |_| "...F".to_owned());
            let rest = times((count - 1) % 100, |_| "version".to_owned());
            let hundred = times(100, |_| "version".to_owned());
            format!("query Q {{ serverInfo {{ {hundreds} {rest} }} }} fragment F on ServerInfo {{ {hundred} }}")
        })
        .await;
        at_the_limit(app, "aliases", 30, |count| {
            // Two of them by the fragment, which is spread twice.
            let aliased = times(count - 3, |number| format!("a{number}: version"));
            format!(
                "query Q {{ serverInfo {{ {aliased} ...F }} b: serverInfo {{ ...F }} }}
                 fragment F on ServerInfo {{ c: version }}"
            )
        })
        .await;
        at_the_limit(app, "rootFields", 20, |count| {
            format!(
                "query Q {{ {} }}",
                times(count, |_| "__typename".to_owned())
            )
        })
        .await;
        at_the_limit(app, "directives", 50, |count| {
            let fields = times(count, |_| "version @include(if: true)".to_owned());
            format!("query Q {{ serverInfo {{ {fields} }} }}")
        })
        .await;
        at_the_limit(app, "bytes", 65_536, |bytes| {
            let query = "query Q { __typename } #";
            let rest = usize::try_from(bytes).unwrap() - query.len();
            format!("{query}{}", "x".repeat(rest))
        })
        .await;
        at_the_limit(app, "introspectionLists", 3, |count| {
            let lists = times(count, |_| "fields { type {".to_owned());
            let ends = times(2 * count, |_| "}".to_owned());
            format!("query Q {{ __type(name: \"Query\") {{ {lists} name {ends} }} }}")
        })
        .await;
    });
}

#[test]
fn counts_variables_at_every_use() {
    test(async |app| {
        let query = "query ($a: [ID!]!) { nodes(ids: $a) @include(if: true) { id } }";
        // Itself and its items, once; so many nodes cost too much.
        let ask = async |items: usize| {
            let variables = json!({"a": vec!["x"; items]});
            send(app, &json!({"query": query, "variables": variables}))
                .await
                .json()
        };
        let within = ask(49_999).await;
        assert_eq!(within["errors"][0]["extensions"]["limit"], "cost");
        let over = ask(50_000).await;
        let extensions = &over["errors"][0]["extensions"];
        let named = ["limit", "maximum", "value"].map(|name| &extensions[name]);
        assert_eq!(named, [&json!("values"), &json!(50_000), &json!(50_001)]);
    });
}

#[test]
fn refuses_documents_nested_too_deep() {
    test(async |app| {
        let inline = |depth: usize| {
            format!(
                "{{ {} __typename {} }}",
                "... { ".repeat(depth),
                "}".repeat(depth)
            )
        };
        assert_eq!(ask(app, &inline(63)).await.status, 200);
        let over = ask(app, &inline(64)).await;
        assert_eq!(over.json()["errors"][0]["extensions"]["limit"], "nesting");
        // A fragment is as deep as where it is spread.
        let spread = format!(
            "{{ ...F {} ...F {} }} fragment F on Query {}",
            "... { ".repeat(40),
            "}".repeat(40),
            inline(40)
        );
        let over = ask(app, &spread).await;
        assert_eq!(over.json()["errors"][0]["extensions"]["limit"], "nesting");
    });
}

#[test]
fn limits_and_reports_the_cost_of_operations() {
    test(async |app| {
        let ada = app.person(&[Role::Support]);
        let query = "query ($n: Int) { miners(first: $n) { nodes { history(first: 99) { nodes { pointsEarned } } } } }";
        // 1 for the connection, for each of its nodes 1 and 1 + 99 for the history.
        let reply = ada.ask(query, json!({"n": 99})).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        // A whole number is an integer, however it is written.
        for n in [json!(100), json!(100.0)] {
            let reply = ada.ask(query, json!({"n": n})).await;
            assert_eq!(
                (reply.status, reply.code()),
                (400, "LIMIT_EXCEEDED"),
                "{n}: {}",
                reply.body
            );
            let extensions = &reply.body["errors"][0]["extensions"];
            assert_eq!(
                (
                    &extensions["limit"],
                    &extensions["maximum"],
                    &extensions["value"]
                ),
                (&json!("cost"), &json!(10_000), &json!(10_101))
            );
        }
        let report = [("graphql-cost", "report")];
        let reply = ada.send(query, json!({"n": 10}), &report).await;
        let cost = &reply.body["extensions"]["cost"];
        assert_eq!(cost["requestedQueryCost"], json!(1_011), "{}", reply.body);
        let throttle = &cost["throttleStatus"];
        assert_eq!(throttle["maximumAvailable"], json!(50_000));
        assert_eq!(throttle["restoreRate"], json!(5_000));
        let left = throttle["currentlyAvailable"].as_u64().unwrap();
        assert!((1..50_000).contains(&left), "{left}");
        let reply = ada.ask(query, json!({"n": 10})).await;
        assert!(reply.body.get("extensions").is_none(), "{}", reply.body);
    });
}

#[test]
fn limits_can_be_tried_without_refusing_anybody() {
    let settings = [
        ("GOODGO_LIMITS", "log"),
        ("GOODGO_MAX_ALIASES", "1"),
        ("GOODGO_RATE_ANONYMOUS", "1"),
    ];
    test_with(&settings, async |app| {
        for _ in 0..20 {
            let reply = ask(app, "{ a: serverInfo { b: version } }").await;
            assert_eq!(reply.status, 200, "{}", reply.text);
        }
        let metrics = Reply::to(super::get(app, "/metrics")).await.text;
        for counted in [
            r#"graphql_limits_exceeded_total{limit="aliases"}"#,
            r#"rate_limited_total{caller="anonymous"}"#,
        ] {
            assert!(metrics.contains(counted), "{metrics}");
        }
        // The stack ends somewhere, whatever the mode.
        let deep = format!("{}{}", "{a".repeat(65), "}".repeat(65));
        assert_eq!(ask(app, &deep).await.refusal(), "LIMIT_EXCEEDED");
    });
}

#[test]
fn returns_retry_after_beyond_the_rate() {
    let settings = [("GOODGO_RATE_ANONYMOUS", "2"), ("GOODGO_RATE_USER", "3")];
    test_with(&settings, async |app| {
        let list = "{ leaderboard(limit: 100) { entries { rank } } }";
        let alice = app.user();
        let mut socket = alice.socket().await;
        // The socket and the request took a point each of twenty.
        let within = list.replace("100", "15");
        assert_eq!(ask(app, &within).await.status, 200);
        for accept in [GRAPHQL, "application/json"] {
            let request = post(app, json!({"query": list}).to_string());
            let reply = Reply::to(request.header("accept", accept)).await;
            assert_eq!(
                (reply.status, reply.refusal()),
                (429, "RATE_LIMITED".to_owned())
            );
            let seconds: u64 = reply.header("retry-after").parse().unwrap();
            assert!((1..=10).contains(&seconds), "{seconds}");
            let error = &reply.json()["errors"][0];
            assert_eq!(error["extensions"]["retryAfterSeconds"], json!(seconds));
        }
        // Another caller at the same address has a separate bucket.
        assert_eq!(alice.ask(list, json!({})).await.status, 200);
        assert_eq!(alice.ask(list, json!({})).await.status, 429);
        socket.subscribe("1", list).await;
        let refused = socket.hear().await;
        assert_eq!(refused["type"], "error", "{refused}");
        assert_eq!(refused["payload"][0]["extensions"]["code"], "RATE_LIMITED");
        // Guessing tokens is asking, too, but spends nobody else's budget.
        let guess = async || {
            let request = post(app, "{}").header("authorization", "Bearer guess");
            Reply::to(request).await.status
        };
        let mut guesses = 0;
        while guess().await == 401 {
            guesses += 1;
            assert!(guesses < 1_000, "guessing never ends");
        }
        assert!(guesses >= 10, "{guesses}");
    });
}

#[test]
fn charges_unknown_paths_and_preflight_requests() {
    test_with(&[("GOODGO_RATE_ANONYMOUS", "2")], async |app| {
        let client = reqwest::Client::new();
        for method in [reqwest::Method::GET, reqwest::Method::OPTIONS] {
            let send = async || {
                let path = if method == reqwest::Method::GET {
                    "/nothing"
                } else {
                    "/graphql"
                };
                let request = client.request(method.clone(), app.url(path));
                request.send().await.unwrap().status().as_u16()
            };
            let mut sent = 0;
            while send().await != 429 {
                sent += 1;
                assert!(sent < 1_000, "{method} is not charged");
            }
        }
    });
}

#[test]
fn charges_the_text_of_a_document() {
    test_with(&[("GOODGO_RATE_ANONYMOUS", "1")], async |app| {
        let long = format!("{{ __typename {} }}", "#\n".repeat(20_000));
        assert_eq!(ask(app, "{ __typename }").await.status, 200);
        assert_eq!(ask(app, &long).await.status, 429);
    });
}

#[test]
fn reads_addresses_from_trusted_proxies() {
    let settings = [
        ("GOODGO_RATE_ANONYMOUS", "1"),
        ("GOODGO_TRUSTED_PROXIES", "1"),
    ];
    test_with(&settings, async |app| {
        let from = async |forwarded: &str| {
            let body = json!({"query": "{ leaderboard { entries { rank } } }"}).to_string();
            let request = post(app, body).header("x-forwarded-for", forwarded);
            Reply::to(request).await.status
        };
        assert_eq!(from("203.0.113.1").await, 200);
        assert_eq!(from("203.0.113.1").await, 429);
        assert_eq!(from("203.0.113.2").await, 200);
        assert_eq!(
            from("198.51.100.7, 203.0.113.2").await,
            429,
            "what a client invents"
        );
    });
}

#[test]
fn allows_services_larger_bursts() {
    test(async |app| {
        let service = app.service(&[Scope::MiningRead]);
        let body = |bytes: usize| json!({"query": "{ __typename }", "more": "x".repeat(bytes)});
        let as_service = async |bytes: usize| {
            let request = post(app, body(bytes).to_string());
            Reply::to(request.bearer_auth(service.token().unwrap())).await
        };
        assert_eq!(send(app, &body(200 * 1024)).await.status, 200);
        let refused = send(app, &body(300 * 1024)).await;
        assert_eq!(
            (refused.status, refused.refusal()),
            (413, "LIMIT_EXCEEDED".to_owned())
        );
        assert_eq!(as_service(1_000 * 1024).await.status, 200);
        assert_eq!(as_service(1_100 * 1024).await.status, 413);
    });
}

#[test]
fn cancels_slow_statements() {
    let settings = [("GOODGO_STATEMENT_TIMEOUT_MS", "1000")];
    test_with(&settings, async |app| {
        let ada = app.person(&[Role::Support]);
        let locked = Lock::on(app, "miners").await;
        let reply = ada
            .ask(
                "{ serverInfo { version } miners(first: 1) { nodes { uuid } } }",
                json!({}),
            )
            .await;
        assert_eq!(reply.code(), "TIMEOUT", "{}", reply.body);
        assert!(
            reply.body["data"]["serverInfo"]["version"].is_string(),
            "{}",
            reply.body
        );
        locked.release().await;
    });
}

#[test]
fn returns_an_error_after_a_lock_timeout() {
    let settings = [("GOODGO_LOCK_TIMEOUT_MS", "500")];
    test_with(&settings, async |app| {
        let bob = app.user();
        let locked = Lock::on(app, "miners").await;
        let register = "mutation { minerRegister(input: {}) { miner { uuid } } }";
        let reply = bob.ask(register, json!({})).await;
        assert_eq!(
            (reply.status, reply.code()),
            (200, "TIMEOUT"),
            "{}",
            reply.body
        );
        locked.release().await;
        // The transaction was rolled back, and no statement waits any more.
        assert_eq!(app.count("users", "true").await, 0);
        bob.register().await.ok();
    });
}

#[test]
fn cancels_slow_requests() {
    let settings = [("GOODGO_REQUEST_TIMEOUT_SECONDS", "1")];
    test_with(&settings, async |app| {
        let ada = app.person(&[Role::Support]);
        let bob = app.user();
        let locked = Lock::on(app, "miners").await;
        let query = "{ miners(first: 1) { nodes { uuid } } }";
        let reply = ada.ask(query, json!({})).await;
        assert_eq!(
            (reply.status, reply.code()),
            (504, "TIMEOUT"),
            "{}",
            reply.body
        );
        assert!(reply.body.get("data").is_none(), "{}", reply.body);
        // The read is cancelled: nothing of it waits for the table any more.
        until_waiting(app, 0).await;
        // A write goes on, and is done once it can be.
        let register = "mutation { minerRegister(input: {}) { miner { uuid } } }";
        let reply = bob.ask(register, json!({})).await;
        assert_eq!(
            (reply.status, reply.code()),
            (504, "TIMEOUT"),
            "{}",
            reply.body
        );
        locked.release().await;
        app.until_count("miners", "true", 1).await;
    });
}
