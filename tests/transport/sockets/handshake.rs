//! Handshakes: origins and subprotocols.

use super::{KEY, PROTOCOL, shake_hands, shake_hands_in, status_of};
use crate::support::test;

#[test]
fn names_its_version_of_the_protocol() {
    test(async |app| {
        let headers = format!("{KEY}{PROTOCOL}");
        let (_, head) = shake_hands_in(app.address(), 8, &headers).await;
        assert!(head.starts_with("http/1.1 426"), "{head}");
        assert!(head.contains("sec-websocket-version: 13\r\n"), "{head}");
    });
}

#[test]
fn checks_origin_and_protocol_in_the_handshake() {
    test(async |app| {
        let own = format!("http://{}", app.address());
        for (origin, status) in [
            ("http://localhost:3000", 101),
            (own.as_str(), 101),
            ("https://evil.example", 403),
            ("http://localhost:3000.evil.example", 403),
            ("null", 403),
        ] {
            let headers = format!("{PROTOCOL}origin: {origin}\r\n");
            assert_eq!(status_of(app.address(), &headers).await, status, "{origin}");
        }
        for (protocols, status) in [
            ("graphql-transport-ws", 101),
            ("something, graphql-transport-ws", 101),
            ("graphql-ws", 101),
            ("graphql-ws, graphql-transport-ws", 101),
            ("something", 400),
        ] {
            let headers = format!("sec-websocket-protocol: {protocols}\r\n");
            assert_eq!(
                status_of(app.address(), &headers).await,
                status,
                "{protocols}"
            );
        }
        assert_eq!(status_of(app.address(), "").await, 400, "no protocol");
        let (_, head) = shake_hands(app.address(), PROTOCOL).await;
        assert!(head.starts_with("http/1.1 400"), "no key: {head}");
        for key in ["x", "dGhlIHNhbXBsZQ==", "dGhlIHNhbXBsZSBub25jZQ"] {
            let headers = format!("sec-websocket-key: {key}\r\n{PROTOCOL}");
            let (_, head) = shake_hands(app.address(), &headers).await;
            assert!(head.starts_with("http/1.1 400"), "{key}: {head}");
        }
        for (offered, chosen) in [
            ("graphql-transport-ws", "graphql-transport-ws"),
            ("graphql-ws, graphql-transport-ws", "graphql-transport-ws"),
            ("graphql-ws", "graphql-ws"),
        ] {
            let headers = format!("{KEY}sec-websocket-protocol: {offered}\r\n");
            let (_, head) = shake_hands(app.address(), &headers).await;
            let chosen = format!("sec-websocket-protocol: {chosen}\r\n");
            assert!(head.contains(&chosen), "{offered}: {head}");
        }
    });
}
