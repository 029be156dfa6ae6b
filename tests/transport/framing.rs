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
