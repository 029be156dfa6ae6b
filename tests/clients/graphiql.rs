//! GraphiQL in a real browser, along the README.

use super::Node;
use crate::process::program::{Program, folder};

#[test]
fn runs_a_session_in_graphiql() {
    let Some(node) = Node::with_browser("clients::graphiql") else {
        return;
    };
    let folder = folder();
    let program = Program::start(folder.path());
    let url = format!("http://{}", program.address);
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(node.run("graphiql.mjs", &[&url]));
    program.stop();
}
