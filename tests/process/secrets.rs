//! Secrets that never reach the log, and secrets that production refuses.

use serde_json::json;

use super::program::{Program, folder, goodgo, run};
use crate::support::{Actor, Socket, test};

/// Every level of every library.
const TRACE: (&str, &str) = ("LOG_LEVEL", "trace,tungstenite=trace,tokio_postgres=trace");

#[test]
fn logs_no_secrets_at_any_level() {
    test(async |app| {
        let folder = folder();
        let key_server = "http://bob:password-of-keys@127.0.0.1:1/jwks.json?key=secret-of-query";
        let service_keys = key_server.replace("jwks", "services");
        let url = &app.database_url;
        let url = format!(
            "{url}{}password=password-of-database",
            if url.contains('?') { '&' } else { '?' }
        );
        let settings = [
            TRACE,
            ("DATABASE_URL", url.as_str()),
            ("IAM_JWKS_URL", key_server),
            ("SERVICE_JWKS_URL", service_keys.as_str()),
        ];
        let program = Program::start_with(folder.path(), &settings);
        let alice = program.newcomer();
        let token = alice.token().unwrap().to_owned();
        let mut socket = Socket::open(program.address, Some(&token)).await;
        let secret_value = "a-private-display-name";
        let query = format!(
            "{{ circles(filter: {{search: \"{secret_value}\"}}, first: 1) {{ nodes {{ id }} }} }}"
        );
        socket
            .say(json!({"id": "1", "type": "subscribe", "payload": {"query": query}}))
            .await;
        assert_eq!(socket.hear().await["type"], "next");
        assert_eq!(socket.hear().await["type"], "complete");
        alice.ask(&query, json!({})).await;
        // A key of an unknown id is looked for at the key servers.
        let unknown =
            "eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ.eyJpc3MiOiJnb29kZ28tcGxhdGZvcm0ifQ.c2lnbmF0dXJl";
        let refused = Actor::new(program.address, Some(unknown.to_owned()), None);
        assert_eq!(refused.ask("{ __typename }", json!({})).await.status, 401);
        drop(socket);
        let log = program.log_after_stop().join("\n");
        assert!(
            log.contains("DEBUG") && log.contains("127.0.0.1:1/jwks.json"),
            "{log}"
        );
        for secret in [
            &token,
            "password-of-keys",
            "secret-of-query",
            "password-of-database",
            unknown,
            secret_value,
        ] {
            assert!(!log.contains(secret), "{secret}");
        }
    });
}

#[test]
fn names_no_passwords_of_unreadable_urls() {
    let folder = folder();
    let (code, _, stderr) = run(goodgo(folder.path(), &["serve"])
        .env("DATABASE_URL", "postgres:/bob:hunter2@db/goodgo")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:hunter2@4318")
        .env("GOODGO_PUBLIC_URL", "bob:hunter2@goodgo"));
    assert_eq!(code, 1);
    assert_eq!(
        stderr
            .lines()
            .filter(|line| line.starts_with("goodgo: "))
            .count(),
        3,
        "{stderr}"
    );
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn refuses_predictable_secrets_in_production() {
    let folder = folder();
    for secret in [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "passwordpasswordpasswordpassword",
        "abcdefghijklmnopqrstuvwxyz0123456789",
    ] {
        let (code, _, stderr) = run(goodgo(folder.path(), &["serve"])
            .env("GOODGO_ENV", "production")
            .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
            .env("JWT_SECRET", secret)
            .env("GOODGO_PUBLIC_URL", "https://api.goodgo.app")
            .env("SERVICE_JWKS_URL", "https://127.0.0.1:1/jwks.json")
            .env("TRUSTED_ISSUERS", "playhub"));
        assert_eq!(code, 1, "{stderr}");
        assert!(stderr.contains("JWT_SECRET is predictable"), "{stderr}");
        assert!(!stderr.contains(secret), "{stderr}");
    }
}
