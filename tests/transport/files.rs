//! Files that are compressed once, and the charging of public paths.

use std::io::Read;

use flate2::read::GzDecoder;
use reqwest::Client;

use super::{Reply, get};
use crate::support::{TestApp, test, test_with};

/// The path of GraphiQL's largest script on the page.
async fn script(app: &TestApp) -> String {
    let page = Reply::to(get(app, "/graphiql")).await.text;
    let name = page
        .split('"')
        .find(|text| text.contains("assets/packages") && !text.contains("css"));
    format!("/{}", name.unwrap())
}

#[test]
fn sends_files_without_compressing_them() {
    test(async |app| {
        let script = script(app).await;
        for path in [
            script.as_str(),
            "/graphiql",
            "/schema.graphql",
            "/developers/scalars",
        ] {
            let ask = |encodings: &'static str| get(app, path).header("accept-encoding", encodings);
            let plain = ask("br, zstd").send().await.unwrap();
            assert_eq!(plain.headers().get("content-encoding"), None, "{path}");
            let length = plain.headers()["content-length"]
                .to_str()
                .unwrap()
                .to_owned();
            let tag = plain.headers()["etag"].to_str().unwrap().to_owned();
            assert!(tag.starts_with('"'), "{path}: {tag} is weak");
            let text = plain.bytes().await.unwrap();
            assert_eq!(text.len().to_string(), length, "{path}");
            let packed = ask("gzip, deflate, br, zstd").send().await.unwrap();
            assert_eq!(
                packed.headers().get("content-encoding").unwrap(),
                "gzip",
                "{path}"
            );
            let packed_tag = packed.headers()["etag"].to_str().unwrap().to_owned();
            assert_ne!(packed_tag, tag, "{path}");
            let mut unpacked = Vec::new();
            let packed = packed.bytes().await.unwrap();
            GzDecoder::new(&packed[..])
                .read_to_end(&mut unpacked)
                .unwrap();
            assert_eq!(unpacked, text, "{path}");
            for (encodings, tag, status) in [
                ("br", &tag, 304),
                ("gzip", &packed_tag, 304),
                ("gzip", &tag, 200),
            ] {
                let known = ask(encodings).header("if-none-match", tag);
                assert_eq!(Reply::to(known).await.status, status, "{path} {encodings}");
            }
        }
    });
}

#[test]
fn charges_public_paths_to_their_address() {
    // A bucket has ten seconds of its rate.
    test_with(&[("GOODGO_RATE_ANONYMOUS", "3")], async |app| {
        let script = script(app).await;
        let paths = [
            "/",
            "/graphiql",
            script.as_str(),
            "/schema.graphql",
            "/developers/scalars",
            "/invites/A9A9HJKL.svg",
        ];
        let client = Client::new();
        let ask = async |path: &str| Reply::to(client.get(app.url(path))).await;
        for path in paths {
            let reply = until_refused(|| ask(path)).await;
            assert_eq!(reply.status, 429, "{path}");
            assert!(!reply.header("retry-after").is_empty(), "{path}");
        }
        // Probes have a bucket of their own, so that a load balancer's clients can't make them fail.
        for path in [
            "/health",
            "/health/live",
            "/healthz",
            "/health/ready",
            "/readyz",
            "/metrics",
        ] {
            assert_eq!(ask(path).await.status, 200, "{path}");
        }
        for path in ["/metrics", "/health/ready"] {
            assert_eq!(until_refused(|| ask(path)).await.status, 429, "{path}");
        }
        let answer = app
            .user()
            .ask("{ __typename }", serde_json::json!({}))
            .await;
        assert_eq!(answer.status, 200);
    });
}

/// Asks until a request is refused, for the bucket fills all the time. Returns that answer.
async fn until_refused(ask: impl AsyncFn() -> Reply) -> Reply {
    for _ in 0..100 {
        let reply = ask().await;
        if reply.status != 200 {
            return reply;
        }
    }
    panic!("nothing is refused");
}
