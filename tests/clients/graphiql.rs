//! GraphiQL in a real browser, along the README.

use std::net::TcpListener;

use super::Node;
use crate::process::program::{Program, folder};

#[test]
fn runs_a_session_in_graphiql() {
    let Some(node) = Node::with_browser("clients::graphiql") else {
        return;
    };
    drive(&node, &[], &[]);
}

#[test]
fn works_behind_a_proxy_below_a_path() {
    let Some(node) = Node::with_browser("clients::graphiql") else {
        return;
    };
    let port = TcpListener::bind("localhost:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let below = format!("http://localhost:{port}/goodgo");
    let settings = [("GOODGO_PUBLIC_URL", below.as_str())];
    drive(&node, &settings, &["--below", &below]);
}

fn drive(node: &Node, settings: &[(&str, &str)], args: &[&str]) {
    let folder = folder();
    let program = Program::start_with(folder.path(), settings);
    let url = format!("http://{}", program.address);
    let args: Vec<_> = [url.as_str()]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(node.run("graphiql.mjs", &args));
    program.stop();
}
