//! Documents that are made to keep a server busy.

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{GRAPHQL, Reply, post, times};
use crate::support::test;

/// What each is, the request, and the code it is refused with; none where it is just answered.
fn hostile() -> Vec<(&'static str, Value, &'static str)> {
    let mut bomb = "{ ...F0 }".to_owned();
    for number in 0..18 {
        let next = number + 1;
        write!(
            bomb,
            " fragment F{number} on Query {{ ...F{next} ...F{next} }}"
        )
        .unwrap();
    }
    bomb.push_str(" fragment F18 on Query { serverInfo { version } }");
    let deep_value = format!(
        "{{ miner(by: {}7{}) }}",
        "[".repeat(2_000),
        "]".repeat(2_000)
    );
    vec![
        ("a fragment bomb", json!({"query": bomb}), "LIMIT_EXCEEDED"),
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
            "a NUL in a value",
            json!({"query": "query ($a: String) { miners(first: 1, filter: {search: $a}) { nodes { uuid } } }", "variables": {"a": "\u{0}"}}),
            "",
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
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ]
}

#[test]
fn hostile_documents_are_refused_at_once() {
    test(async |app| {
        for (what, body, code) in hostile() {
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
            // What a debug build on a busy machine takes says little: `script/bench hostile` measures. A document that
            // is walked instead of counted takes longer than anybody waits.
            assert!(quickest < Duration::from_secs(2), "{what}: {quickest:?}");
        }
    });
}
