//! The database's limit of connections: nobody is refused while a pooled connection works; a listener that can't
//! connect is reported.

use std::time::Duration;

use db::{Db, Ids, Settings, Tls};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{PATIENCE, Servers, TestApp, test};

#[test]
fn waits_for_a_pooled_connection_at_the_limit() {
    test(async |app| {
        let instance = app
            .another_at(app.database_url.replace("goodgo@", "goodgo_app@"))
            .await;
        let people: Vec<_> = (0..40).map(|_| app.user().at(instance.address())).collect();
        people[0].register().await.ok();
        // The limit doesn't count the superuser's connections. The listener's and one of the pool are left.
        limit(app, 2).await;
        app.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE usename = 'goodgo_app' AND datname = current_database() AND application_name = 'goodgo' AND pid <> (
                 SELECT min(pid) FROM pg_stat_activity
                 WHERE usename = 'goodgo_app' AND datname = current_database() AND application_name = 'goodgo')",
        )
        .await;
        let registered = join_all(people.iter().map(async |person| {
            person.register().await.ok();
            person
                .get("{ viewer { miner { status } } }", json!({}))
                .await
        }))
        .await;
        for answer in registered {
            assert_eq!(answer["viewer"]["miner"]["status"], "ACTIVE");
        }
        assert_eq!(app.count("miners", "true").await, 40);
        limit(app, -1).await;
        instance.stop().await;
    });
}

#[test]
fn connects_past_a_host_that_never_answers() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let servers = Servers::new();
    let primary = servers.primary("a", &[]);
    let url = primary.url("goodgo");
    let hosts = url.replacen('@', &format!("@{silent},"), 1);
    let tls = Tls::from_machine();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        db::migrate::migrate(&hosts, &tls, None).await.unwrap();
        let settings = Settings::new(hosts.clone());
        let db = Db::connect(settings, tls.clone(), Ids::random())
            .await
            .unwrap();
        db.read(async |conn| db::ping(conn).await).await.unwrap();
        db::Listener::connect(&db).await.unwrap();
    });
}

#[test]
fn reports_a_lost_listener() {
    test(async |app| {
        let instance = app
            .another_at(app.database_url.replace("goodgo@", "goodgo_app@"))
            .await;
        let is_up = async |instance: &TestApp, is_up: bool| {
            let (expected, status) = if is_up { ("up", 200) } else { ("down", 503) };
            let reached = async {
                loop {
                    let health = reqwest::get(instance.url("/health")).await.unwrap();
                    let health: Value = health.json().await.unwrap();
                    assert_eq!(health["dependencies"]["database"]["status"], "up");
                    let ready = reqwest::get(instance.url("/health/ready")).await.unwrap();
                    if health["dependencies"]["events"]["status"] == expected
                        && ready.status() == status
                    {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            let waited = tokio::time::timeout(PATIENCE, reached).await;
            assert!(waited.is_ok(), "events are not {expected}");
        };
        is_up(&instance, true).await;
        // Connections of the pool work on; no other one is accepted.
        limit(app, 0).await;
        app.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE usename = 'goodgo_app' AND datname = current_database() AND application_name = 'goodgo events'",
        )
        .await;
        is_up(&instance, false).await;
        limit(app, -1).await;
        is_up(&instance, true).await;
        instance.stop().await;
    });
}

/// Limits the connections of the test's database. Superusers are not counted.
async fn limit(app: &TestApp, count: i32) {
    app.sql(&format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT {count}', current_database()); END $$"
    ))
    .await;
}
