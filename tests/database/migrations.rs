//! Migrators: they wait for each other a bounded time, and refuse databases of other versions.

use std::time::Duration;

use db::migrate::{MigrateError, migrate};
use db::{Settings, Tls};

use crate::process::program::{Program, folder, goodgo, run};
use crate::support::lock::Lock;
use crate::support::test;

const ANOTHER: &str = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')";

#[test]
fn waits_for_another_migrator_a_bounded_time() {
    test(async |app| {
        let lock = Lock::by(app, "SELECT pg_advisory_xact_lock(727274)").await;
        let settings = Settings {
            migration_wait: Duration::from_millis(300),
            ..Settings::new(&app.database_url)
        };
        let tls = Tls::from_machine();
        let refused = migrate(&app.database_url, &tls, Some(&settings)).await;
        let sentence = refused.unwrap_err().to_string();
        assert!(sentence.contains("for 0.3 s: start again"), "{sentence}");
        lock.release().await;
        assert_eq!(
            migrate(&app.database_url, &tls, Some(&settings))
                .await
                .unwrap(),
            0
        );
    });
}

#[test]
fn refuses_a_database_of_another_version() {
    test(async |app| {
        app.sql(ANOTHER).await;
        let refused = migrate(&app.database_url, &Tls::from_machine(), None).await;
        assert!(
            matches!(refused, Err(MigrateError::OtherVersion(version)) if version == "20990101000000")
        );
    });
}

#[test]
fn names_the_data_folder_of_another_version() {
    let folder = folder();
    let program = Program::start(folder.path());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let data = devdb::DataDir::resolve(folder.path()).unwrap();
        let url = devdb::running(&data).await.unwrap();
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client.batch_execute(ANOTHER).await.unwrap();
    });
    program.stop();
    let (code, _, stderr) = run(&mut goodgo(folder.path(), &["serve"]));
    let said: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("goodgo: "))
        .collect();
    assert_eq!((code, said.len()), (1, 1), "{stderr}");
    let path = folder.path().display().to_string();
    assert!(
        said[0].contains("another version of goodgo") && said[0].contains(&path),
        "{stderr}"
    );
}
