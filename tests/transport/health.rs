//! Endpoints beside GraphQL: probes, metrics, the schema, the start page.

use std::time::Duration;

use goodgo::http::HttpSettings;
use goodgo::http::health::Need;
use serde_json::json;

use super::server::{Server, down, up};
use super::{Reply, get, post};
use crate::support::{TestApp, test};

const PROBES: [&str; 5] = [
    "/health",
    "/health/live",
    "/healthz",
    "/health/ready",
    "/readyz",
];

async fn ask(server: &Server, path: &str) -> Reply {
    Reply::to(reqwest::Client::new().get(server.url(path))).await
}

async fn metrics(app: &TestApp) -> String {
    let reply = Reply::to(get(app, "/metrics")).await;
    assert_eq!(reply.status, 200);
    assert!(
        reply
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    reply.text
}

/// Value of a counter, by the beginning of its line.
fn count(text: &str, series: &str) -> f64 {
    text.lines()
        .find_map(|line| line.strip_prefix(series))
        .map_or(0.0, |value| value.trim().parse().unwrap())
}

#[test]
fn reports_that_it_is_ready() {
    test(async |app| {
        for path in PROBES {
            let reply = Reply::to(get(app, path)).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text);
            assert_eq!(reply.json()["status"], "up", "{path}");
            assert_eq!(reply.header("cache-control"), "no-store", "{path}");
            assert_eq!(reply.header("content-type"), "application/json", "{path}");
        }
        let health = Reply::to(get(app, "/health")).await.json();
        assert_eq!(health["draining"], false);
        assert_eq!(health["dependencies"]["events"]["status"], "up");
        let database = &health["dependencies"]["database"];
        assert_eq!(database["status"], "up");
        assert!(
            database["latencyMs"].as_f64().is_some_and(|ms| ms > 0.0),
            "{health}"
        );
    });
}

#[test]
fn names_an_unavailable_dependency_without_details() {
    test(async |app| {
        let why = "no route to db-7.internal";
        let server = Server::depending_on(
            app,
            HttpSettings::default(),
            vec![
                up("broker", Duration::from_micros(1_234)),
                down("database", Need::ToServe, why),
            ],
        )
        .await;
        let reply = ask(&server, "/health").await;
        assert_eq!(reply.status, 503);
        assert_eq!(
            reply.json(),
            json!({"status": "down", "draining": false, "dependencies": {
                "broker": {"status": "up", "latencyMs": 1.23},
                "database": {"status": "down"},
            }})
        );
        for (path, status) in [
            ("/health/ready", 503),
            ("/readyz", 503),
            ("/health/live", 200),
            ("/healthz", 200),
        ] {
            let reply = ask(&server, path).await;
            assert_eq!(reply.status, status, "{path}");
            assert!(!reply.text.contains("internal"), "{path}: {}", reply.text);
        }
        // Without what is optional it serves.
        let server = Server::depending_on(
            app,
            HttpSettings::default(),
            vec![down("broker", Need::Optional, why)],
        )
        .await;
        assert_eq!(ask(&server, "/health").await.status, 503);
        assert_eq!(ask(&server, "/readyz").await.status, 200);
    });
}

#[test]
fn checks_dependencies_at_most_once_a_second() {
    test(async |app| {
        let (server, checks) = Server::counting_checks(app).await;
        let started = std::time::Instant::now();
        let probes = (0..200).map(|number| ask(&server, PROBES[number % PROBES.len()]));
        let replies = futures_util::future::join_all(probes).await;
        assert!(replies.iter().all(|reply| reply.status == 200));
        let most = 1 + started.elapsed().as_secs();
        let checked = checks.load(std::sync::atomic::Ordering::Relaxed);
        assert!((1..=most).contains(&checked), "{checked} checks");
        // A new state is shown within about a second.
        server.fail();
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert_eq!(ask(&server, "/readyz").await.status, 503);
    });
}

#[test]
fn is_live_but_not_ready_during_shutdown() {
    test(async |app| {
        let server = Server::start(app, HttpSettings::default()).await;
        for path in PROBES {
            assert_eq!(ask(&server, path).await.status, 200, "{path}");
        }
        server.draining.send(true).unwrap();
        for (path, status) in [
            ("/health", 200),
            ("/health/live", 200),
            ("/healthz", 200),
            ("/health/ready", 503),
            ("/readyz", 503),
        ] {
            assert_eq!(ask(&server, path).await.status, status, "{path}");
        }
        assert_eq!(
            ask(&server, "/readyz").await.json(),
            json!({"status": "draining"})
        );
        assert_eq!(ask(&server, "/health").await.json()["draining"], true);
        // New requests are still answered.
        let answer = server.anonymous().get("{ __typename }", json!({})).await;
        assert_eq!(answer["__typename"], "Query");
    });
}

#[test]
fn exports_metrics_of_process_pool_and_requests() {
    test(async |app| {
        let requests = r#"http_requests_total{method="POST",path="/graphql",status="415"}"#;
        let operations = r#"graphql_operations_total{transport="http",kind="query",outcome="error",operation="query unnamed"}"#;
        let unknown = r#"http_requests_total{method="GET",path="unknown",status="404"}"#;
        let before = metrics(app).await;
        Reply::to(post(app, "x").header("content-type", "text/plain")).await;
        let query = r#"{"query": "{ leaderboard(limit: 0) { viewerEntry { rank } } }"}"#;
        Reply::to(post(app, query)).await;
        Reply::to(get(app, "/no/such/path")).await;
        let after = metrics(app).await;
        // Other tests of this process count along.
        for series in [requests, operations, unknown] {
            assert!(
                count(&after, series) > count(&before, series),
                "{series}: {after}"
            );
        }
        assert!(!after.contains("/no/such/path"), "{after}");
        for series in [
            "process_resident_memory_bytes ",
            "process_open_fds ",
            r#"goodgo_pool_connections{state="open"} "#,
            "goodgo_statements_total ",
            r#"http_request_duration_seconds_count{method="POST",path="/graphql"} "#,
            r#"graphql_operation_duration_seconds_count{transport="http",kind="query",outcome="error",operation="query unnamed"} "#,
        ] {
            assert!(count(&after, series) > 0.0, "{series}: {after}");
        }
        // In whole seconds, of which a test may take none.
        assert!(after.contains("\nprocess_cpu_seconds_total "));
        assert!(after.contains(r#"goodgo_pool_connections{state="idle"} "#));
        for line in after.lines().filter(|line| !line.starts_with('#')) {
            assert!(!line.contains("query="), "{line}");
        }
    });
}

#[test]
fn serves_a_cacheable_schema() {
    test(async |app| {
        let reply = Reply::to(get(app, "/schema.graphql")).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(reply.text, resolvers::sdl(&resolvers::schema()));
        let tag = reply.header("etag");
        assert!(
            tag.len() > 4 && tag.starts_with('"') && tag.ends_with('"'),
            "{tag}"
        );
        for known in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"x\", {tag}"),
            "*".to_owned(),
        ] {
            let request = get(app, "/schema.graphql").header("if-none-match", &known);
            let reply = Reply::to(request).await;
            assert_eq!((reply.status, reply.text.as_str()), (304, ""), "{known}");
            assert_eq!(reply.header("etag"), tag);
        }
        let request = get(app, "/schema.graphql").header("if-none-match", "\"x\"");
        assert_eq!(Reply::to(request).await.status, 200);
    });
}

#[test]
fn serves_a_self_contained_start_page() {
    test(async |app| {
        let reply = Reply::to(get(app, "/")).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
        assert!(
            reply
                .header("content-security-policy")
                .starts_with("default-src 'none'")
        );
        assert!(reply.text.contains(&app.url("/graphql")), "{}", reply.text);
        for outside in [
            "<script", "<link", "<img", "<iframe", "src=", "@import", "url(",
        ] {
            assert!(!reply.text.contains(outside), "{outside}");
        }
        // All links of the page are local, and work below the path of a proxy.
        for link in reply.text.split("href=\"").skip(1) {
            let link = link.split('"').next().unwrap();
            assert!(!link.starts_with('/') && !link.contains(':'), "{link}");
        }
        // A host that isn't one doesn't get into it.
        let request = get(app, "/").header("host", "x\"><script>");
        let reply = Reply::to(request).await;
        assert!(!reply.text.contains("<script"), "{}", reply.text);
    });
}

#[test]
fn describes_the_scalars_that_the_schema_links_to() {
    test(async |app| {
        let reply = Reply::to(get(app, "/developers/scalars")).await;
        assert_eq!(reply.status, 200);
        let headers = [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-cache"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ];
        for (name, value) in headers {
            assert_eq!(reply.header(name), value, "{name}");
        }
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        let anchors = [
            "currency-code",
            "decimal",
            "date-time",
            "big-int",
            "url",
            "uuid",
            "json",
        ];
        let has = |anchor: &str| reply.text.contains(&format!("<h2 id=\"{anchor}\">"));
        assert!(anchors.into_iter().all(has), "{}", reply.text);
        let schema = Reply::to(get(app, "/schema.graphql")).await.text;
        for link in schema.split("/developers/scalars#").skip(1) {
            let anchor = link.split('"').next().unwrap();
            assert!(has(anchor), "no {anchor}");
        }
        for outside in [
            "<script", "<link", "<img", "<iframe", "src=", "@import", "url(",
        ] {
            assert!(!reply.text.contains(outside), "{outside}");
        }
    });
}

#[test]
fn returns_404_for_unknown_paths() {
    test(async |app| {
        for path in [
            "/nowhere",
            "/graphql/",
            "/health/",
            "/health/other",
            "/.env",
        ] {
            let reply = Reply::to(get(app, path)).await;
            assert_eq!(reply.status, 404, "{path}");
            assert!(reply.json()["error"].is_string(), "{path}");
        }
        for path in ["/health", "/metrics", "/", "/schema.graphql"] {
            let request = reqwest::Client::new().post(app.url(path)).body("x");
            let reply = Reply::to(request).await;
            assert_eq!(reply.status, 405, "{path}");
            assert!(reply.header("allow").contains("GET"), "{path}");
        }
    });
}
