//! Requests of Apollo's clients for Kotlin and iOS.
//!
//! The requests were written down from the sources of the named versions and are replayed byte for byte; headers that
//! the system's HTTP library adds have common values. Every record lists the answers that its client can read: any other
//! fails the test.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestApp, test};

/// Request of a client and the required answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    client: String,
    /// Files of its sources.
    read_from: Vec<String>,
    /// Answers that the client reads: `2xx`, or a media type whose body it reads at every status.
    reads: Vec<String>,
    /// Source of this behaviour.
    because: String,
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Exchange {
    name: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    expect: Expected,
    /// Of this one the application needs the status only.
    #[serde(default)]
    status_only: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expected {
    status: u16,
    content_type: String,
    /// Minimum content of the body.
    body: Value,
}

struct Answer {
    status: u16,
    content_type: String,
    body: Value,
}

fn record(name: &str) -> Record {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/wire");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

impl Exchange {
    async fn replay(&self, app: &TestApp, token: &str) -> Answer {
        let host = app.address().to_string();
        let length = self.body.len().to_string();
        let mut request = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            let value = value
                .replace("{host}", &host)
                .replace("{token}", token)
                .replace("{length}", &length);
            request.extend([name, ": ", &value, "\r\n"]);
        }
        request.extend(["\r\n", &self.body]);
        let mut stream = TcpStream::connect(app.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        answer(&mut stream).await
    }
}

/// Reads one answer off a connection that stays open.
async fn answer(stream: &mut TcpStream) -> Answer {
    let mut read = Vec::new();
    let head = loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            break end;
        }
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "it ends");
    };
    let body = head + 4;
    let head = String::from_utf8(read[..head].to_vec()).unwrap();
    let (status, headers) = head.split_once("\r\n").unwrap();
    let header = |name: &str| {
        headers
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    assert_eq!(header("content-encoding"), None, "too small to be packed");
    let length: usize = header("content-length").unwrap().parse().unwrap();
    while read.len() < body + length {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "it ends");
    }
    Answer {
        status: status.split(' ').nth(1).unwrap().parse().unwrap(),
        content_type: header("content-type").unwrap_or_default(),
        body: serde_json::from_slice(&read[body..]).unwrap(),
    }
}

/// Whether a value has everything that is expected, and maybe more fields.
fn holds(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => {
            let mut fields = expected.iter();
            fields.all(|(name, expected)| value.get(name).is_some_and(|it| holds(it, expected)))
        }
        (Value::Array(value), Value::Array(expected)) => {
            let mut items = value.iter().zip(expected);
            value.len() == expected.len() && items.all(|(it, expected)| holds(it, expected))
        }
        _ => value == expected,
    }
}

fn replay(name: &str) {
    let record = record(name);
    assert!(!record.read_from.is_empty(), "{name}");
    test(async |app| {
        let alice = app.miner().await;
        for exchange in &record.exchanges {
            let answer = exchange.replay(app, alice.token().unwrap()).await;
            let (expected, what) = (&exchange.expect, &exchange.name);
            assert_eq!(
                (answer.status, &answer.content_type),
                (expected.status, &expected.content_type),
                "{}, {what}: {}",
                record.client,
                answer.body
            );
            assert!(
                holds(&answer.body, &expected.body),
                "{}, {what}: {}",
                record.client,
                answer.body
            );
            let is_read = record.reads.iter().any(|kind| match kind.as_str() {
                "2xx" => (200..300).contains(&answer.status),
                media => answer.content_type.starts_with(media),
            });
            assert!(
                is_read || exchange.status_only,
                "{}, {what}: {}",
                record.client,
                record.because
            );
        }
    });
}

#[test]
fn answers_apollo_kotlin_3() {
    replay("kotlin-3.json");
}

#[test]
fn answers_apollo_kotlin_4() {
    replay("kotlin-4.json");
}

#[test]
fn answers_apollo_kotlin_5() {
    replay("kotlin-5.json");
}

#[test]
fn answers_apollo_ios_1() {
    replay("ios-1.json");
}

#[test]
fn answers_apollo_ios_2() {
    replay("ios-2.json");
}
