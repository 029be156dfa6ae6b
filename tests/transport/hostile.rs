//! Documents designed to exhaust the server.

use std::time::{Duration, Instant};

use db::wallets::conversion::queries;
use domain::access::Role;
use serde_json::{Value, json};

use super::{GRAPHQL, Reply, post, times};
use crate::support::{test, test_with};

/// Name, request and the code of the refusal; none if it is answered.
fn hostile() -> Vec<(&'static str, Value, &'static str)> {
    // Walked instead of counted, either would take longer than anybody waits.
    let steps = times(40, |number| {
        let next = number + 1;
        format!("fragment F{number} on Query {{ ...F{next} ...F{next} }}")
    });
    let bomb = format!("{{ ...F0 }} {steps} fragment F40 on Query {{ serverInfo {{ version }} }}");
    let open_bomb = format!("{{ ...F0 }} {steps} fragment F40 on Query {{ ...Gone }}");
    let mentions = times(2_300, |_| "$a".to_owned());
    let deep_value = format!(
        "{{ miner(by: {}7{}) }}",
        "[".repeat(2_000),
        "]".repeat(2_000)
    );
    vec![
        ("a fragment bomb", json!({"query": bomb}), "LIMIT_EXCEEDED"),
        (
            "a fragment bomb without an end",
            json!({"query": open_bomb}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "a large variable many times",
            json!({"query": format!("query ($a: [ID!]!) {{ nodes(ids: [{mentions}]) {{ id }} }}"), "variables": {"a": vec![1; 100_000]}}),
            "LIMIT_EXCEEDED",
        ),
        (
            "inline fragments in each other",
            json!({"query": format!("{} __typename {}", "{ ... ".repeat(60) + "{", "}".repeat(61))}),
            "",
        ),
        (
            "many aliases",
            json!({"query": format!("{{ {} }}", times(2_000, |n| format!("a{n}: __typename")))}),
            "LIMIT_EXCEEDED",
        ),
        (
            "many of the same",
            json!({"query": format!("{{ {} }}", times(20_000, |_| "__typename".to_owned()))}),
            "LIMIT_EXCEEDED",
        ),
        (
            "deep nesting",
            json!({"query": format!("{}{}", "{a".repeat(2_400), "}".repeat(2_400))}),
            "LIMIT_EXCEEDED",
        ),
        (
            "brackets only",
            json!({"query": "{".repeat(200_000)}),
            "LIMIT_EXCEEDED",
        ),
        (
            "a deep value",
            json!({"query": deep_value}),
            "LIMIT_EXCEEDED",
        ),
        (
            "a huge variable",
            json!({"query": "query ($a: Int) { leaderboard(limit: $a) { entries { rank } } }", "variables": {"a": "x".repeat(200_000)}}),
            "BAD_USER_INPUT",
        ),
        (
            "a huge list",
            json!({"query": "query ($a: [ID!]!) { nodes(ids: $a) { id } }", "variables": {"a": vec!["x"; 20_000]}}),
            "LIMIT_EXCEEDED",
        ),
        (
            "NUL bytes",
            json!({"query": "{ a\u{0}b }"}),
            "GRAPHQL_PARSE_FAILED",
        ),
        (
            "a batch",
            json!(vec![json!({"query": "{ __typename }"}); 1_000]),
            "BAD_REQUEST",
        ),
        (
            "a fragment in itself",
            json!({"query": "{ ...A } fragment A on Query { ...A ...A }"}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "introspection of everything by everything",
            json!({"query": format!("{{ __schema {{ types {{ {} name {} }} }} }}", "fields { type {".repeat(5), "} }".repeat(5))}),
            "LIMIT_EXCEEDED",
        ),
        (
            "many directives",
            json!({"query": format!("{{ __typename {} }}", "@a ".repeat(1_500))}),
            "LIMIT_EXCEEDED",
        ),
        (
            "a long string",
            json!({"query": format!("{{ a(b: \"{}\") }}", "x".repeat(200_000))}),
            "LIMIT_EXCEEDED",
        ),
    ]
}

/// As [`hostile`], with fragments on unions, which are rewritten before the document is executed.
fn hostile_unions() -> Vec<(&'static str, Value, &'static str)> {
    let actors = times(40, |number| {
        let next = number + 1;
        format!("fragment F{number} on Actor {{ ...F{next} ...F{next} }}")
    });
    let viewer = "viewer { user { ...F0 } }";
    let union_bomb = format!("{{ {viewer} }} {actors} fragment F40 on Actor {{ __typename }}");
    let open_union_bomb = format!("{{ {viewer} }} {actors} fragment F40 on Actor {{ ...Gone }}");
    let unused_bomb = format!("{{ __typename }} {actors} fragment F40 on Actor {{ __typename }}");
    let chain = times(400, |number| {
        format!("fragment F{number} on Actor {{ ...F{} }}", number + 1)
    });
    let long_chain = format!("{{ {viewer} }} {chain} fragment F400 on Actor {{ ...Gone }}");
    vec![
        (
            "a bomb of unions",
            json!({"query": union_bomb}),
            "LIMIT_EXCEEDED",
        ),
        (
            "a bomb of unions without an end",
            json!({"query": open_union_bomb}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "unused fragments in each other",
            json!({"query": unused_bomb}),
            "",
        ),
        (
            "a long chain of unions",
            json!({"query": long_chain}),
            "LIMIT_EXCEEDED",
        ),
    ]
}

#[test]
fn refuses_hostile_documents_quickly() {
    test(async |app| {
        for (what, body, code) in hostile().into_iter().chain(hostile_unions()) {
            let body = body.to_string();
            let mut quickest = Duration::MAX;
            for _ in 0..5 {
                let started_at = Instant::now();
                let reply = Reply::to(post(app, body.clone()).header("accept", GRAPHQL)).await;
                quickest = quickest.min(started_at.elapsed());
                if code.is_empty() {
                    assert!(reply.status < 500, "{what}: {}", reply.text);
                } else {
                    assert_eq!(
                        (reply.status, reply.refusal().as_str()),
                        (400, code),
                        "{what}: {}",
                        reply.text
                    );
                }
            }
            // Times of a debug build on a busy machine say little: `script/bench hostile` measures.
            assert!(quickest < Duration::from_secs(2), "{what}: {quickest:?}");
        }
    });
}

#[test]
fn rejects_text_that_postgresql_cannot_store() {
    test(async |app| {
        let support = app.person(&[Role::Support]);
        let query =
            "query ($a: String) { miners(first: 1, filter: {search: $a}) { nodes { uuid } } }";
        let answer = support.ask(query, json!({"a": "\u{0}"})).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.body);
    });
}

#[test]
fn refuses_nul_in_every_text_as_bad_input() {
    test(async |app| {
        let (finance, nul) = (app.person(&[Role::Finance]), "a\u{0}");
        let of = json!({"issuer": nul, "referenceType": "bet", "referenceId": "1"});
        let key = json!({"external": {"issuer": nul, "externalId": "1", "owner": {"kind": "USER", "ownerId": finance.id().to_string()}}});
        for (query, value) in [
            (
                "($v: HoldFilter) { holds(filter: $v) { totalCount } }",
                json!({"issuer": nul}),
            ),
            (
                "($v: SettlementFilter) { settlements(filter: $v) { totalCount } }",
                json!({"issuer": nul}),
            ),
            (
                "($v: ClearingAccountFilter) { clearingAccounts(filter: $v) { totalCount } }",
                json!({"issuer": nul}),
            ),
            (
                "($v: ClearingAccountFilter) { clearingAccounts(filter: $v) { totalCount } }",
                json!({"reference": of}),
            ),
            ("($v: HoldBy!) { hold(by: $v) { id } }", key.clone()),
            (
                "($v: ConversionBy!) { conversion(by: $v) { id } }",
                key.clone(),
            ),
            ("($v: WithdrawalBy!) { withdrawal(by: $v) { id } }", key),
        ] {
            let answer = finance
                .ask(&format!("query {query}"), json!({"v": value}))
                .await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{query}: {}", answer.body);
        }
        // The database's own refusal is bad input, too.
        let user = finance.id();
        let read = app
            .db
            .read(async move |conn| queries::by_external_id(conn, user.into(), nul, "1").await);
        let fault = read.await.unwrap_err();
        assert!(matches!(fault, db::DbError::TextInvalid), "{fault}");
    });
}

/// Requests that would block the process are refused even if limits are only logged.
#[test]
fn refuses_decompression_bombs_in_every_mode() {
    test_with(&[("GOODGO_LIMITS", "log")], async |app| {
        for (what, body, code) in hostile().into_iter().chain(hostile_unions()) {
            let started_at = Instant::now();
            let request = post(app, body.to_string()).header("accept", GRAPHQL);
            let reply = Reply::to(request).await;
            assert!(reply.status < 500, "{what}: {}", reply.text);
            assert!(started_at.elapsed() < Duration::from_secs(30), "{what}");
            if what.contains("bomb") || what.contains("many times") {
                assert_eq!(reply.refusal(), code, "{what}");
            }
        }
    });
}
