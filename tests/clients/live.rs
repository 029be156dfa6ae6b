//! Clients of live transports, driven through what the server does meanwhile.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::{Node, PATIENCE, folder};
use crate::support::{Actor, TestApp, test};

/// Whether a client comes back to another instance when its own stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Restart {
    ComesBack,
    Ends,
}

/// Runs a client that tells what it does and waits for what the test does; see `live.mjs`.
fn run(script: &str, extra: &[&str], restart: Restart) {
    let Some(node) = Node::find(&format!("clients::live {script}")) else {
        return;
    };
    test(async |app| {
        let (alice, bob) = (app.miner().await, app.miner().await);
        let mut other = Some(app.another().await);
        let urls = [app.url(""), other.as_ref().unwrap().url("")];
        let mut client = tokio::process::Command::new(&node.program)
            .arg(folder().join(script))
            .args([&urls[0], alice.token().unwrap()])
            .args([&urls[1], bob.token().unwrap()])
            .args(extra)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut answer = client.stdin.take().unwrap();
        let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
        let mut said = String::new();
        let talking = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                said.extend([line.as_str(), "\n"]);
                let Some(word) = line.strip_prefix("told: ") else {
                    continue;
                };
                play(app, &mut other, word, &alice, &bob).await;
                answer.write_all(b"done\n").await.unwrap();
            }
        };
        let ended = tokio::time::timeout(PATIENCE, talking).await;
        let output = client.wait_with_output();
        let output = tokio::time::timeout(PATIENCE, output).await.unwrap();
        let output = output.unwrap();
        assert!(
            ended.is_ok() && output.status.success(),
            "{script} fails:\n{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        println!("{said}");
        assert_eq!(other.is_none(), restart == Restart::ComesBack, "{said}");
        if let Some(other) = other {
            other.stop().await;
        }
    });
}

/// The server's part.
async fn play(app: &TestApp, other: &mut Option<TestApp>, word: &str, alice: &Actor, bob: &Actor) {
    match word {
        "following" => {
            app.until_followed(alice.id()).await;
            alice.start().await.ok();
        }
        "stopped" => app.until_unfollowed(alice.id()).await,
        "following elsewhere" => {
            let instance = other.take().expect("it stops once");
            instance.until_followed(bob.id()).await;
            instance.stop().await;
            app.until_followed(bob.id()).await;
            bob.start().await.ok();
        }
        _ => panic!("the client tells {word:?}"),
    }
}

#[test]
fn serves_and_reconnects_graphql_ws() {
    run("live_ws.mjs", &[], Restart::ComesBack);
}

#[test]
fn serves_and_reconnects_subscriptions_transport_ws() {
    run("live_legacy.mjs", &[], Restart::ComesBack);
}

#[test]
fn serves_graphql_sse() {
    run("live_sse.mjs", &[], Restart::Ends);
}

#[test]
fn serves_apollo_over_multipart() {
    run("live_apollo.mjs", &[], Restart::Ends);
}

#[test]
fn serves_and_reconnects_apollo_over_graphql_ws() {
    run("live_apollo.mjs", &["socket"], Restart::ComesBack);
}
