//! Documents as the specification reads them: escapes, equal root fields, fragments, invalid variables.

use serde_json::{Value, json};

use super::{GRAPHQL, Reply, post};
use crate::support::{TestApp, test};

/// Sends a document of a miner.
async fn send(app: &TestApp, token: &str, query: &str) -> Value {
    let body = json!({"query": query}).to_string();
    let reply = Reply::to(post(app, body).bearer_auth(token)).await;
    reply.json()
}

#[test]
fn reads_escapes_beyond_the_basic_plane() {
    test(async |app| {
        for name in [r"\uD83D\uDE00 one", r"\u{1F600} one"] {
            let alice = app.miner().await;
            let query = format!(
                r#"mutation {{ circleCreate(input: {{name: "{name}"}}) {{ circle {{ name }} userErrors {{ code }} }} }}"#
            );
            let answer = send(app, alice.token().unwrap(), &query).await;
            let created = &answer["data"]["circleCreate"];
            assert_eq!(created["circle"]["name"], "😀 one", "{answer}");
        }
        let query = "{\n  node(id: \"\\uD83D\") { id }\n}";
        let reply = post(app, json!({"query": query}).to_string()).header("accept", GRAPHQL);
        let reply = Reply::to(reply).await;
        assert_eq!(
            (reply.status, reply.refusal().as_str()),
            (400, "GRAPHQL_PARSE_FAILED")
        );
        let location = &reply.json()["errors"][0]["locations"][0];
        assert_eq!(*location, json!({"line": 2, "column": 13}));
    });
}

#[test]
fn reads_block_strings() {
    test(async |app| {
        let alice = app.miner().await;
        let query = "mutation {
            circleCreate(input: {name: \"\"\"
                a \\\"\"\" \\u0041
            \"\"\"}) { circle { name } userErrors { code } } }";
        let answer = send(app, alice.token().unwrap(), query).await;
        let created = &answer["data"]["circleCreate"];
        assert_eq!(created["circle"]["name"], "a \"\"\" \\u0041", "{answer}");
    });
}

#[test]
fn accepts_descriptions_of_operations() {
    test(async |app| {
        let query = r#""Reads the board" query A("Entries" $n: Int = 3) { leaderboard(limit: $n) { ...F } }
            """Of the board""" fragment F on Leaderboard { __typename }"#;
        let data = app.anonymous().get(query, json!({})).await;
        assert_eq!(data["leaderboard"]["__typename"], "Leaderboard");
    });
}

#[test]
fn ignores_a_byte_order_mark() {
    test(async |app| {
        let body = format!("\u{feff}{}", json!({"query": "{ __typename }"}));
        let reply = Reply::to(post(app, body)).await;
        assert_eq!(reply.json(), json!({"data": {"__typename": "Query"}}));
    });
}

#[test]
fn executes_equal_fields_once_at_every_level() {
    test(async |app| {
        let query = "{ a: leaderboard(limit: 0) { entries { rank } } a: leaderboard(limit: 0) { viewerEntry { rank } } }";
        let refused = app.anonymous().ask(query, json!({})).await;
        let errors = refused.body["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{}", refused.body);
        assert_eq!(refused.body["data"], json!({"a": null}));
        let alice = app.miner().await;
        let query = "{ viewer { wallet(currency: \"MP\") { entries(first: 0) { totalCount } ... on Node { ...F } } } }
            fragment F on Wallet { entries(first: 0) { pageInfo { hasNextPage } } }";
        let refused = alice.ask(query, json!({})).await;
        let errors = refused.body["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{}", refused.body);
        let query = "query ($id: ID!) { node(id: $id) { id ... on Miner { user { uuid } role } ... on Node { id ... on Miner { user { id } } } } }";
        let miner = alice.own_miner("id role user { uuid id }").await;
        let seen = alice.get(query, json!({"id": miner["id"]})).await;
        let expected = json!({"id": miner["id"], "user": miner["user"], "role": miner["role"]});
        assert_eq!(seen["node"], expected);
    });
}

#[test]
fn refuses_null_for_a_default_in_its_field_alone() {
    test(async |app| {
        let query = "query ($n: Int = 2, $skip: Boolean!) { serverInfo { version } leaderboard(limit: $n) @skip(if: $skip) { entries { rank } } }";
        let anonymous = app.anonymous();
        let skipped = anonymous.get(query, json!({"n": null, "skip": true})).await;
        assert!(skipped["serverInfo"]["version"].is_string(), "{skipped}");
        let answer = anonymous
            .ask(query, json!({"n": null, "skip": false}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body["data"]["serverInfo"]["version"].is_string());
        assert_eq!(answer.body["data"]["leaderboard"], json!(null));
        let error = &answer.body["errors"][0];
        assert_eq!(
            (answer.code(), &error["path"]),
            ("BAD_USER_INPUT", &json!(["leaderboard"]))
        );
        let defaults = anonymous.get(query, json!({"skip": false})).await;
        assert!(defaults["leaderboard"]["entries"].is_array(), "{defaults}");
    });
}

#[test]
fn introspects_in_the_order_of_the_selections() {
    test(async |app| {
        let query = "{ __type(name: \"UUID\") { name kind __typename description } __typename z: __schema { queryType { name kind } directives { name args { type { kind } name } } } }";
        let body = json!({"query": query}).to_string();
        let reply = Reply::to(super::post(app, body)).await;
        let mut last = 0;
        for key in [
            "\"__type\"",
            "\"name\":\"UUID\"",
            "\"kind\":\"SCALAR\"",
            "\"__typename\":\"__Type\"",
            "\"description\"",
            "\"__typename\":\"Query\"",
            "\"z\"",
            "\"queryType\":{\"name\":\"Query\",\"kind\":\"OBJECT\"}",
            "\"args\":[{\"type\"",
        ] {
            let at = reply.text[last..].find(key);
            last += at.unwrap_or_else(|| panic!("{key}: {}", &reply.text[..500]));
        }
    });
}

#[test]
fn executes_equal_root_fields_once() {
    test(async |app| {
        let alice = app.miner().await;
        let query = "mutation { a: miningSessionStart(input: {}) { session { status } } ...F }
            fragment F on Mutation { a: miningSessionStart(input: {}) { userErrors { code } } }";
        let answer = send(app, alice.token().unwrap(), query).await;
        assert_eq!(
            answer,
            json!({"data": {"a": {"session": {"status": "ACTIVE"}, "userErrors": []}}})
        );
        assert_eq!(app.count("mining_sessions", "true").await, 1);
    });
}

#[test]
fn subscribes_through_fragments() {
    test(async |app| {
        let alice = app.miner().await;
        let mut socket = alice.socket().await;
        let query = "subscription { ...F minerUpdated { sequence } }
            fragment F on Subscription { ... { minerUpdated { __typename } } }";
        socket.subscribe("1", query).await;
        // The operation is subscribed once a later one is answered.
        socket.subscribe("2", "{ __typename }").await;
        let answers = [socket.hear().await, socket.hear().await];
        assert!(
            answers.iter().all(|answer| answer["id"] == "2"),
            "{answers:?}"
        );
        alice.start().await.ok();
        let event = socket.event("1").await;
        let event = &event["minerUpdated"];
        assert_eq!(event["__typename"], "MiningSessionStarted", "{event}");
        assert!(event["sequence"].is_string(), "{event}");
    });
}

#[test]
fn executes_nothing_of_a_document_with_a_misused_variable() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        let code = &alice.code;
        let query = format!(
            r#"mutation($c: String) {{
                a: minerSuspend(input: {{miner: {{code: "{code}"}}, reason: "x"}}) {{ userErrors {{ code }} }}
                b: minerSuspend(input: {{miner: {{code: $c}}, reason: "x"}}) {{ userErrors {{ code }} }}
            }}"#
        );
        let answer = send(app, admin.token().unwrap(), &query).await;
        let error = &answer["errors"][0];
        assert_eq!(
            error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
            "{answer}"
        );
        assert!(answer.get("data").is_none(), "{answer}");
        assert_eq!(app.count("miners", "status = 'SUSPENDED'").await, 0);
    });
}

#[test]
fn refuses_default_values_of_null_where_no_value_may_be_null() {
    test(async |app| {
        let alice = app.miner().ready().await;
        let token = alice.token().unwrap();
        for query in [
            "query($v: Boolean = null) { serverInfo { __typename @skip(if: $v) } }",
            "query($v: CircleBy = null) { circle(by: $v) { id } }",
            "query($i: [ID!] = null) { nodes(ids: $i) { id } }",
            "mutation($k: String = null) { miningSessionClaim(input: {idempotencyKey: $k}) { userErrors { code } } }",
        ] {
            let answer = send(app, token, query).await;
            let code = &answer["errors"][0]["extensions"]["code"];
            assert_eq!(code, "GRAPHQL_VALIDATION_FAILED", "{query}: {answer}");
            assert!(answer.get("data").is_none(), "{answer}");
        }
        let query = "query($n: Int = null) { viewer { wallets { id entries(first: 1, last: $n) { totalCount } } } }";
        assert!(send(app, token, query).await.get("errors").is_none());
    });
}

#[test]
fn directives_read_the_defaults_of_variables() {
    test(async |app| {
        let alice = app.user();
        let token = alice.token().unwrap();
        for (query, data) in [
            (
                "query($b: Boolean! = true) { serverInfo { a: __typename @include(if: $b) b: __typename @skip(if: $b) } }",
                json!({"serverInfo": {"a": "ServerInfo"}}),
            ),
            (
                "query($b: Boolean = false) { serverInfo { ... @skip(if: $b) { a: __typename } ...F @include(if: $b) } } fragment F on ServerInfo { b: __typename }",
                json!({"serverInfo": {"a": "ServerInfo"}}),
            ),
            (
                "mutation($dryRun: Boolean! = true) { minerRegister(input: {}) @skip(if: $dryRun) { __typename } }",
                json!({}),
            ),
        ] {
            assert_eq!(send(app, token, query).await["data"], data, "{query}");
        }
        assert_eq!(app.count("miners", "true").await, 0);
    });
}

#[test]
fn reads_blanks_within_types_of_variables() {
    test(async |app| {
        let anonymous = app.anonymous();
        for of in ["Int", "Int !", "Int,!", "Int #c\n !", "Int\t\r\n!"] {
            let query =
                format!("query ($n:{of}) {{ leaderboard(limit: $n) {{ entries {{ rank }} }} }}");
            let seen = anonymous.get(&query, json!({"n": 1})).await;
            assert!(seen["leaderboard"]["entries"].is_array(), "{of}: {seen}");
        }
        for of in ["[ID!] !", "[ ID! ]!", "[ID,! #]\n] !"] {
            let query = format!("query ($n: {of} = []) {{ nodes(ids: $n) {{ id }} }}");
            let seen = app.user().get(&query, json!({})).await;
            assert_eq!(seen["nodes"], json!([]), "{of}");
        }
    });
}

#[test]
fn checks_defaults_before_their_cost() {
    test(async |app| {
        let query = "query ($n: Int! = 2147483648) { leaderboard(limit: $n) { entries { rank } } }";
        let answer = app.anonymous().ask(query, json!({})).await;
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert_eq!(
            answer.code(),
            "GRAPHQL_VALIDATION_FAILED",
            "{}",
            answer.body
        );
        assert!(
            message.contains("the default of the variable $n is not of type Int"),
            "{message}"
        );
    });
}

#[test]
fn refuses_null_for_a_condition() {
    test(async |app| {
        for declared in ["Boolean = false", "Boolean!"] {
            let query =
                format!("query ($v: {declared}) {{ serverInfo {{ version @include(if: $v) }} }}");
            let answer = app.anonymous().ask(&query, json!({"v": null})).await;
            assert_eq!(
                answer.code(),
                "BAD_USER_INPUT",
                "{declared}: {}",
                answer.body
            );
        }
    });
}
