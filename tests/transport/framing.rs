//! Requests whose host or length is ambiguous.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestApp, test};

async fn status_of(app: &TestApp, request: &str) -> u16 {
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap_or("0").parse().unwrap()
}

#[test]
fn requires_one_host() {
    test(async |app| {
        for (version, hosts, status) in [
            ("1.1", "host: goodgo\r\n", 200),
            ("1.1", "host: [::1]:8080\r\n", 200),
            ("1.1", "host:\r\n", 200),
            ("1.1", "", 400),
            ("1.1", "host: goodgo\r\nHost: goodgo\r\n", 400),
            ("1.1", "host: a\r\nhost: b\r\n", 400),
            ("1.1", "host: a, b\r\n", 400),
            ("1.1", "host: user@goodgo\r\n", 400),
            ("1.0", "", 200),
        ] {
            let request =
                format!("GET /health/live HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
            assert_eq!(status_of(app, &request).await, status, "{hosts:?}");
        }
    });
}

#[test]
fn the_host_of_the_target_counts() {
    test(async |app| {
        for (target, host, status) in [
            ("", "localhost", 200),
            ("http://localhost", "evil.example", 200),
            ("http://evil.example", "localhost", 403),
        ] {
            let request = format!(
                "GET {target}/graphiql/people HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
            );
            assert_eq!(status_of(app, &request).await, status, "{target} {host}");
        }
    });
}

#[test]
fn refuses_unknown_transfer_encodings() {
    test(async |app| {
        let body = r#"{"query":"{ __typename }"}"#;
        for (encodings, status) in [
            ("transfer-encoding: chunked\r\n", 200),
            ("Transfer-Encoding: Chunked\r\n", 200),
            ("transfer-encoding: gzip, chunked\r\n", 501),
            (
                "transfer-encoding: unknown\r\ntransfer-encoding: chunked\r\n",
                501,
            ),
            ("transfer-encoding: chunked, chunked\r\n", 501),
            // Without an end of the body, the connection can't be used (RFC 9112, 6.3).
            ("transfer-encoding: gzip\r\n", 400),
            ("transfer-encoding: chunked, gzip\r\n", 400),
        ] {
            let request = format!(
                "POST /graphql HTTP/1.1\r\nhost: goodgo\r\ncontent-type: application/json\r\nconnection: close\r\n{encodings}\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            );
            assert_eq!(status_of(app, &request).await, status, "{encodings:?}");
        }
    });
}

/// Reads an answer with its body, and leaves the connection open.
async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    let mut buffer = [0; 4_096];
    loop {
        let length = stream.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "closed after {answer:?}");
        answer.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            (name == "content-length").then(|| value.parse::<usize>().unwrap())
        });
        if length.is_some_and(|length| body.len() >= length) {
            return answer;
        }
    }
}

#[test]
fn reads_bodies_of_refused_requests() {
    test(async |app| {
        let mut stream = TcpStream::connect(app.address()).await.unwrap();
        let body = r#"{"query":"{ __typename }"}"#;
        let head = |headers: &str| {
            format!(
                "POST /graphql HTTP/1.1\r\nhost: goodgo\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n",
                body.len()
            )
        };
        // Clients that send the body apart use the connection again.
        for (headers, status) in [
            ("authorization: Bearer expired\r\n", "401"),
            ("accept: text/html\r\n", "406"),
            ("content-encoding: br\r\n", "415"),
            ("", "200"),
        ] {
            stream.write_all(head(headers).as_bytes()).await.unwrap();
            stream.write_all(body.as_bytes()).await.unwrap();
            let answer = answer(&mut stream).await;
            assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
            assert!(!answer.contains("connection: close"), "{answer}");
        }
        for unread in [
            "POST /graphql HTTP/1.1\r\nhost: goodgo\r\ncontent-length: 100000000\r\n\r\n"
                .to_owned(),
            head("authorization: Bearer expired\r\nexpect: 100-continue\r\n"),
        ] {
            let mut stream = TcpStream::connect(app.address()).await.unwrap();
            stream.write_all(unread.as_bytes()).await.unwrap();
            let answer = answer(&mut stream).await;
            assert!(answer.contains("connection: close"), "{answer}");
        }
    });
}
