//! GraphiQL's files, and its demo people in development.

use serde_json::{Value, json};

use super::{Reply, get};
use crate::support::{Actor, TestApp, test, test_with};

const PEOPLE: &str = "/graphiql/people";

const PRODUCTION: [(&str, &str); 4] = [
    ("GOODGO_ENV", "production"),
    ("JWT_SECRET", "Vk2rT9-wQ7xLm4-Hd8pZ3-Jc6nB1-Yf5sG0"),
    ("TRUSTED_ISSUERS", "playhub"),
    ("GOODGO_HOST", "127.0.0.1"),
];

/// Paths of the page's scripts and styles.
async fn assets(app: &TestApp) -> Vec<String> {
    let page = Reply::to(get(app, "/graphiql")).await.text;
    let paths: Vec<String> = page
        .split('"')
        .filter(|text| text.starts_with("graphiql/assets/"))
        .map(|text| format!("/{text}"))
        .collect();
    assert!(paths.len() > 1, "{page}");
    paths
}

#[test]
fn serves_graphiql_under_a_strict_policy() {
    test(async |app| {
        let page = Reply::to(get(app, "/graphiql")).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-cache");
        assert!(!page.text.contains("<script>"), "{}", page.text);
        for path in assets(app).await {
            let file = Reply::to(get(app, &path)).await;
            assert_eq!(file.status, 200, "{path}");
            assert!(
                file.header("cache-control").ends_with("immutable"),
                "{path}"
            );
            let kind = if path.ends_with("js") {
                "javascript"
            } else {
                "css"
            };
            assert!(file.header("content-type").contains(kind), "{path}");
            for reply in [&page, &file] {
                let policy = reply.header("content-security-policy");
                assert!(
                    policy.starts_with("default-src 'none'; script-src 'self';"),
                    "{policy}"
                );
                assert!(
                    !policy.contains("http") && !policy.contains('*'),
                    "{policy}"
                );
                assert_eq!(reply.header("x-content-type-options"), "nosniff");
                assert!(reply.header("vary").contains("accept-encoding"));
            }
        }
        let tag = page.header("etag");
        let again = get(app, "/graphiql").header("if-none-match", &tag);
        let again = Reply::to(again).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        let licenses = Reply::to(get(app, "/graphiql/licenses.md")).await;
        assert!(licenses.text.contains("monaco-editor"));
        for nothing in ["/graphiql/assets/x.js", "/graphiql/assets/", "/graphiql/x"] {
            assert_eq!(Reply::to(get(app, nothing)).await.status, 404, "{nothing}");
        }
    });
}

#[test]
fn serves_compressed_files_if_accepted() {
    test(async |app| {
        for path in assets(app).await {
            let plain = get(app, &path).send().await.unwrap();
            assert_eq!(plain.headers().get("content-encoding"), None, "{path}");
            let plain = plain.bytes().await.unwrap();
            let packed = get(app, &path).header("accept-encoding", "br, gzip");
            let packed = packed.send().await.unwrap();
            assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
            let packed = packed.bytes().await.unwrap();
            assert_eq!(packed[..2], [0x1f, 0x8b], "{path}");
            assert!(packed.len() < plain.len(), "{path}");
        }
    });
}

#[test]
fn can_be_disabled() {
    test_with(&[("GOODGO_GRAPHIQL", "off")], async |app| {
        for path in ["/graphiql", "/graphiql/licenses.md", PEOPLE] {
            assert_eq!(Reply::to(get(app, path)).await.status, 404, "{path}");
        }
        let start = Reply::to(get(app, "/")).await;
        assert_eq!(
            (start.status, start.text.contains("graphiql")),
            (200, false)
        );
    });
}

#[test]
fn the_start_page_of_production_names_no_demo_people() {
    let settings = [
        PRODUCTION.as_slice(),
        &[("GOODGO_PUBLIC_URL", "https://api.goodgo.app")],
    ];
    test_with(&settings.concat(), async |app| {
        let start = Reply::to(get(app, "/")).await.text;
        for word in ["bob", "script/token", "development", "{{", "<!--"] {
            assert!(!start.contains(word), "{word}: {start}");
        }
        assert!(start.contains("https://api.goodgo.app/graphiql"), "{start}");
    });
    test(async |app| {
        let start = Reply::to(get(app, "/")).await.text;
        assert!(
            start.contains("bob") && start.contains(&app.address().to_string()),
            "{start}"
        );
        assert!(!start.contains("{{") && !start.contains("<!--"), "{start}");
    });
}

#[test]
fn issues_valid_tokens_of_demo_people() {
    test(async |app| {
        assert_eq!(Reply::to(get(app, PEOPLE)).await.json(), json!([]));
        db::demo::seed_people(&app.db).await.unwrap();
        let reply = Reply::to(get(app, PEOPLE)).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("cross-origin-resource-policy"), "same-origin");
        let people = reply.json();
        let names: Vec<&str> = people
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|person| person["name"].as_str())
            .collect();
        assert_eq!(
            names,
            [
                "alice",
                "bob",
                "carol",
                "admin",
                "advertiser",
                "controller",
                "finance",
                "merchant",
                "supervisor",
                "support",
                "service"
            ]
        );
        for person in people.as_array().unwrap() {
            let token = person["token"].as_str().unwrap().to_owned();
            let actor = Actor::new(app.address(), Some(token), None);
            let viewer = actor.get("{ viewer { roles } }", json!({})).await["viewer"].clone();
            let roles = match person["name"].as_str().unwrap() {
                "service" => Value::Null,
                "alice" | "bob" | "carol" => json!(["USER"]),
                "controller" => json!(["FINANCE", "USER"]),
                "supervisor" => json!(["ADMIN", "USER"]),
                name => json!([name.to_uppercase(), "USER"]),
            };
            let has = |role: &Value| viewer["roles"].as_array().unwrap().contains(role);
            match roles {
                Value::Array(roles) => assert!(roles.iter().all(has), "{person}: {viewer}"),
                _ => assert_eq!(viewer, Value::Null),
            }
        }
    });
}

#[test]
fn refuses_demo_tokens_to_other_origins() {
    test(async |app| {
        db::demo::seed_people(&app.db).await.unwrap();
        let own = format!("http://{}", app.address());
        for (name, value) in [
            ("host", "localhost:8080"),
            ("sec-fetch-site", "same-origin"),
            ("origin", own.as_str()),
        ] {
            let reply = Reply::to(get(app, PEOPLE).header(name, value)).await;
            assert_eq!(reply.status, 200, "{name}: {value}");
        }
        for (name, value) in [
            // A site whose name was made to point here, and sites that merely ask.
            ("host", "rebound.evil.example"),
            ("host", "127.0.0.1.evil.example:8080"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            // An origin that may use GraphQL may not obtain demo tokens.
            ("origin", "http://localhost:3000"),
            ("x-forwarded-for", "203.0.113.9"),
        ] {
            let reply = Reply::to(get(app, PEOPLE).header(name, value)).await;
            assert_eq!(reply.status, 403, "{name}: {value}");
            assert!(!reply.text.contains("token\""), "{}", reply.text);
        }
    });
}

#[test]
fn serves_no_demo_people_in_production() {
    test_with(&PRODUCTION, async |app| {
        db::demo::seed_people(&app.db).await.unwrap();
        assert_eq!(Reply::to(get(app, "/graphiql")).await.status, 200);
        let people = Reply::to(get(app, PEOPLE)).await;
        let nowhere = Reply::to(get(app, "/nowhere")).await;
        assert_eq!((people.status, people.text), (404, nowhere.text));
    });
}
