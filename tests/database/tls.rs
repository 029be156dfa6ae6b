//! TLS to the database, which the server negotiates itself.

use std::path::Path;

use super::poolers::{refusal, works};
use crate::clients::skip;
use crate::process::program::{Program, folder};
use crate::support::Servers;

#[test]
fn encrypts_connections_and_checks_certificates() {
    if !Path::new("/usr/bin/openssl").exists() {
        return skip(
            "encrypts_connections_and_checks_certificates",
            "openssl is not installed",
        );
    }
    let servers = Servers::new();
    let [certificate, key] = servers.certificate();
    let files = [
        ("ssl", "on"),
        ("ssl_cert_file", &certificate),
        ("ssl_key_file", &key),
    ];
    let primary = servers.primary("a", &files);
    let unencrypted = servers.primary("b", &[]);
    let url = format!("{}?sslmode=require", primary.url("goodgo"));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let folder = folder();
        let settings = [
            ("DATABASE_URL", url.as_str()),
            ("SSL_CERT_FILE", &certificate),
        ];
        let program = Program::start_with(folder.path(), &settings);
        works(&program).await;
        let plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE NOT ssl AND application_name LIKE 'goodgo%'";
        assert_eq!(primary.sql(plain).await.as_deref(), Some("0"));
        program.stop();
    });
    // The machine's store doesn't have the certificate.
    let refused = refusal(&[("DATABASE_URL", &url)]);
    assert!(refused.contains("certificate"), "{refused}");
    let url = format!("{}?sslmode=require", unencrypted.url("goodgo"));
    let refused = refusal(&[("DATABASE_URL", &url), ("SSL_CERT_FILE", &certificate)]);
    assert!(refused.contains("does not support TLS"), "{refused}");
}
