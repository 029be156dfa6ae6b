//! Answers: caching, compression and language.

use domain::access::Role;
use serde_json::json;

use super::{GRAPHQL, Reply, get, post, times};
use crate::support::test;

const PUBLIC: &str = "/graphql?query=%7BserverInfo%7Bversion%7D%7D";

#[test]
fn caches_and_revalidates_public_answers() {
    test(async |app| {
        let first = Reply::to(get(app, PUBLIC)).await;
        assert_eq!(first.status, 200);
        assert_eq!(first.header("cache-control"), "public, no-cache");
        let tag = first.header("etag");
        let again = Reply::to(get(app, PUBLIC).header("if-none-match", &tag)).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        assert_eq!(again.header("etag"), tag);
        for name in ["accept", "authorization", "origin"] {
            assert!(
                again.header("vary").contains(name),
                "{}",
                again.header("vary")
            );
        }
        let other = Reply::to(get(app, PUBLIC).header("if-none-match", "W/\"x\"")).await;
        assert_eq!(other.status, 200);
        // The media type is part of the cache key; private answers and errors are not cached.
        let own = get(app, PUBLIC).bearer_auth(app.user().token().unwrap());
        let own = Reply::to(own.header("if-none-match", &tag)).await;
        assert_eq!((own.status, own.header("etag")), (200, String::new()));
        assert_eq!(own.header("cache-control"), "private, no-store");
        for wrong in ["/graphql?query=%7Bx%7D", "/graphql?query=%7Bmetrics%7D"] {
            let wrong = Reply::to(get(app, wrong).header("accept", GRAPHQL)).await;
            assert_eq!((wrong.status, wrong.header("etag")), (400, String::new()));
        }
        // The remaining budget of a caller is private too.
        let report = get(app, PUBLIC).header("graphql-cost", "report");
        let report = Reply::to(report).await;
        assert_eq!(report.header("cache-control"), "private, no-store");
        let posted = post(
            app,
            json!({"query": "{ serverInfo { version } }"}).to_string(),
        );
        assert_eq!(Reply::to(posted).await.header("etag"), "");
    });
}

#[test]
fn compresses_long_answers_as_negotiated() {
    test(async |app| {
        let schema = "{ __schema { types { name fields { name description } } } }";
        let body = json!({"query": schema}).to_string();
        let plain = Reply::to(post(app, body.clone())).await;
        assert_eq!(plain.header("content-encoding"), "");
        for (accept, encoding) in [
            ("gzip", "gzip"),
            ("br", "br"),
            ("zstd", "zstd"),
            ("gzip;q=0.5, br;q=0.9", "br"),
            ("identity", ""),
        ] {
            let request = post(app, body.clone()).header("accept-encoding", accept);
            let response = request.send().await.unwrap();
            let chosen = response.headers().get("content-encoding");
            let chosen = chosen
                .map_or("", |chosen| chosen.to_str().unwrap())
                .to_owned();
            assert_eq!(chosen, encoding, "{accept}");
            let mut vary = response.headers().get_all("vary").iter();
            let varies = vary.any(|vary| vary.to_str().unwrap().contains("accept-encoding"));
            let length = response.bytes().await.unwrap().len();
            if encoding.is_empty() {
                assert_eq!(length, plain.text.len());
            } else {
                assert!(length * 3 < plain.text.len(), "{encoding}: {length}");
                assert!(varies, "{encoding}");
            }
        }
        let short = post(app, json!({"query": "{ __typename }"}).to_string());
        let short = Reply::to(short.header("accept-encoding", "gzip")).await;
        assert_eq!(short.header("content-encoding"), "");
    });
}

#[test]
fn writes_messages_in_the_callers_language() {
    test(async |app| {
        let query = "mutation { miningSessionStart(input: {}) { userErrors { code message } } }";
        let alice = app.user();
        for (language, message) in [
            (None, "you have no miner yet: register one first"),
            (Some("fr"), "you have no miner yet: register one first"),
            (
                Some("vi-VN,vi;q=0.9,en;q=0.5"),
                "bạn chưa có thợ đào: hãy đăng ký trước",
            ),
        ] {
            let headers: Vec<_> = language
                .map(|language| ("accept-language", language))
                .into_iter()
                .collect();
            let answer = alice.send(query, json!({}), &headers).await;
            let error = &answer.body["data"]["miningSessionStart"]["userErrors"][0];
            assert_eq!(error["code"], "MINER_NOT_FOUND", "{}", answer.body);
            assert_eq!(error["message"], message);
        }
    });
}

/// At most five validation errors of a document are returned.
#[test]
fn reports_five_errors_of_a_document() {
    test(async |app| {
        let mistakes = times(1_000, |number| format!("x{number}"));
        let support = app.person(&[Role::Support]);
        let query = format!("{{ serverInfo {{ {mistakes} }} }}");
        let answer = support.ask(&query, json!({})).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body["errors"].as_array().map(Vec::len), Some(5));
    });
}
