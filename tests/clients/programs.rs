//! Programs for Node that nobody here wrote: clients, code generators, audits and linters.

use std::path::Path;

use super::Node;
use crate::support::test;

/// Runs a program against a server, with the token of a user who has a miner and no session.
fn against_a_server(script: &str) {
    let Some(node) = Node::find(&format!("clients::programs {script}")) else {
        return;
    };
    test(async |app| {
        let alice = app.miner().await;
        node.run(script, &[&app.url(""), alice.token().unwrap()])
            .await;
    });
}

/// Runs a program that only reads files.
fn over_the_schema(script: &str, args: &[&str]) {
    let Some(node) = Node::find(&format!("clients::programs {script}")) else {
        return;
    };
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(node.run(script, args));
}

#[test]
fn passes_the_audits_of_graphql_over_http() {
    against_a_server("audits.mjs");
}

#[test]
fn serves_apollo_client() {
    against_a_server("apollo.mjs");
}

#[test]
fn serves_urql() {
    against_a_server("urql.mjs");
}

#[test]
fn matches_the_types_of_generated_code() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("codegen");
    over_the_schema("codegen.mjs", &[folder.to_str().unwrap()]);
}

#[test]
fn passes_graphql_eslint() {
    over_the_schema("lint.mjs", &[]);
}

#[test]
fn breaks_no_client_of_the_released_schema() {
    over_the_schema("breaking.mjs", &[]);
}
