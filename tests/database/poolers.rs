//! Poolers: by session they work; by transaction only with prepared statements and a role of its own.

use crate::clients::skip;
use crate::process::program::{Program, folder, goodgo, run};
use crate::support::Servers;
use crate::support::{Actor, PgBouncer, Postgres};

const BY_TRANSACTION: &str = "pool_mode = transaction\ndefault_pool_size = 20";

/// Runs a test with a primary, unless PgBouncer is not installed.
fn with_primary(name: &str, body: impl AsyncFnOnce(&Postgres<'_>)) {
    if !PgBouncer::is_installed() {
        return skip(name, "pgbouncer is not installed");
    }
    let servers = Servers::new();
    let primary = servers.primary("a", &[]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(body(&primary));
}

/// The only complaint of a server that doesn't start.
pub fn refusal(settings: &[(&str, &str)]) -> String {
    let folder = folder();
    let mut serve = goodgo(folder.path(), &["serve"]);
    let (code, _, stderr) = run(serve.envs(settings.iter().copied()));
    let mut lines = stderr.lines().filter(|line| line.starts_with("goodgo: "));
    let line = lines.next().expect("a reason").to_owned();
    assert_eq!((code, lines.next()), (1, None), "{stderr}");
    line
}

/// Follows a session from its start to its event.
pub async fn works(program: &Program) {
    let person: Actor = program.newcomer();
    person.register().await.ok();
    let mut socket = person.socket().await;
    socket
        .subscribe("1", "subscription { minerUpdated { __typename } }")
        .await;
    program.until_followed().await;
    person.start().await.ok();
    let event = socket.event("1").await;
    assert_eq!(event["minerUpdated"]["__typename"], "MiningSessionStarted");
}

#[test]
fn serves_through_a_pooler_by_session() {
    with_primary("serves_through_a_pooler_by_session", async |primary| {
        let pooler = primary
            .pgbouncer("pool_mode = session\ndefault_pool_size = 40")
            .await;
        let folder = folder();
        let url = pooler.url("goodgo");
        let program = Program::start_with(folder.path(), &[("DATABASE_URL", &url)]);
        works(&program).await;
        program.stop();
    });
}

#[test]
fn serves_with_the_role_of_the_application() {
    let servers = Servers::new();
    let primary = servers.primary("a", &[]);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let folder = folder();
        let (owner, app) = (primary.url("goodgo"), primary.url("goodgo_app"));
        let settings = [("DATABASE_URL", app.as_str()), ("MIGRATION_DATABASE_URL", &owner)];
        // The role exists from the first migration on.
        let (code, _, stderr) = run(goodgo(folder.path(), &["migrate"]).envs(settings));
        assert_eq!(code, 0, "{stderr}");
        let program = Program::start_with(folder.path(), &settings);
        works(&program).await;
        program.stop();
        // Another value is found, which a migrator that may not set it leaves.
        primary
            .sql("ALTER ROLE goodgo_app IN DATABASE goodgo SET statement_timeout = 0; CREATE ROLE owner LOGIN;
                  GRANT goodgo_app TO owner; GRANT ALL ON DATABASE goodgo TO owner; GRANT ALL ON SCHEMA public TO owner;
                  GRANT ALL ON ALL TABLES IN SCHEMA public TO owner")
            .await;
        let owner = primary.url("owner");
        let refusal = refusal(&[("DATABASE_URL", &app), ("MIGRATION_DATABASE_URL", &owner)]);
        assert!(refusal.contains("statement_timeout=0 instead of goodgo_app with"), "{refusal}");
        assert!(refusal.contains("ALTER ROLE goodgo_app IN DATABASE"), "{refusal}");
    });
}

#[test]
fn refuses_a_pooler_by_transaction() {
    with_primary("refuses_a_pooler_by_transaction", async |primary| {
        let pooler = primary.pgbouncer(BY_TRANSACTION).await;
        let (pooled, direct) = (pooler.url("goodgo"), primary.url("goodgo"));
        // Without a direct URL no event arrives.
        let refused = refusal(&[("DATABASE_URL", &pooled)]);
        assert!(refused.contains("set DIRECT_DATABASE_URL"), "{refused}");
        // PgBouncer 1.18 loses prepared statements.
        let app = pooler.url("goodgo_app");
        let refused = refusal(&[("DATABASE_URL", &app), ("DIRECT_DATABASE_URL", &direct)]);
        assert!(refused.contains("max_prepared_statements"), "{refused}");
    });
}
