//! Errors at start are one clear line each, and leave nothing behind.

use std::net::TcpListener;

use super::program::{Program, folder, goodgo, postmaster, run};
use crate::support::test;

/// Lines of the program on standard error.
fn complaints(stderr: &str) -> Vec<&str> {
    stderr
        .lines()
        .filter_map(|line| line.strip_prefix("goodgo: "))
        .collect()
}

#[test]
fn lists_all_missing_settings_of_production() {
    let folder = folder();
    let (code, _, stderr) = run(goodgo(folder.path(), &["serve"]).env("GOODGO_ENV", "production"));
    let said = complaints(&stderr);
    assert_eq!((code, said.len()), (1, 5), "{stderr}");
    for (line, name) in said.iter().zip([
        "DATABASE_URL",
        "JWT_SECRET",
        "GOODGO_PUBLIC_URL",
        "SERVICE_JWKS_URL",
        "TRUSTED_ISSUERS",
    ]) {
        assert!(line.starts_with(name), "{line}");
    }
    assert!(
        std::fs::read_dir(folder.path()).unwrap().next().is_none(),
        "nothing was made"
    );
    for command in [
        &["token", "--as", "bob"][..],
        &["clock", "advance", "24h"],
        &["seed"],
    ] {
        let (code, _, stderr) = run(goodgo(folder.path(), command).env("GOODGO_ENV", "production"));
        assert_eq!(
            (code, complaints(&stderr).len()),
            (1, 1),
            "{command:?}: {stderr}"
        );
        assert!(stderr.contains("development only"), "{stderr}");
    }
}

#[test]
fn names_invalid_settings() {
    let folder = folder();
    let (code, _, stderr) = run(goodgo(folder.path(), &["serve"])
        .env("PORT", "eighty")
        .env("GOODGO_POOL_SIZE", "0"));
    assert_eq!((code, complaints(&stderr).len()), (1, 2), "{stderr}");
    let (code, _, stderr) =
        run(goodgo(folder.path(), &["serve"]).env("LOG_LEVEL", "goodgo=loud=er"));
    assert_eq!((code, complaints(&stderr).len()), (1, 1), "{stderr}");
    assert!(stderr.contains("LOG_LEVEL"), "{stderr}");
}

#[test]
fn names_all_invalid_settings_of_production_at_once() {
    let folder = folder();
    let (code, _, stderr) = run(goodgo(folder.path(), &["serve"])
        .env("GOODGO_ENV", "production")
        .env("PORT", "99999")
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .env("JWT_SECRET", "goodgo-dev-0123456789abcdef0123456789abcdef")
        .env("GOODGO_PUBLIC_URL", "https://api.goodgo.app")
        .env("SERVICE_JWKS_URL", "https://127.0.0.1:1/jwks.json")
        .env("TRUSTED_ISSUERS", "goodgo-platform"));
    let said = complaints(&stderr);
    assert_eq!((code, said.len()), (1, 3), "{stderr}");
    for name in ["PORT", "JWT_SECRET", "TRUSTED_ISSUERS"] {
        assert!(said.iter().any(|line| line.starts_with(name)), "{stderr}");
    }
}

#[test]
fn checks_the_port_before_starting() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, _, stderr) = run(goodgo(folder.path(), &["serve"]).env("PORT", &port));
    assert_eq!((code, complaints(&stderr).len()), (1, 1), "{stderr}");
    assert!(
        stderr.contains(&format!("port {port}")) && stderr.contains("PORT=8081"),
        "{stderr}"
    );
    assert_eq!(postmaster(folder.path()), None);
}

#[test]
fn reports_an_unreachable_database() {
    let folder = folder();
    for url in [
        "postgres://nobody@127.0.0.1:1/none",
        "postgres://nobody@/none?host=/nowhere",
    ] {
        let (code, _, stderr) = run(goodgo(folder.path(), &["serve"]).env("DATABASE_URL", url));
        assert_eq!((code, complaints(&stderr).len()), (1, 1), "{stderr}");
        assert!(stderr.contains("can't be reached"), "{stderr}");
    }
}

#[test]
fn refuses_a_second_instance_on_a_private_cluster() {
    let folder = folder();
    let program = Program::start(folder.path());
    let (code, _, stderr) = run(&mut goodgo(folder.path(), &["serve"]));
    assert_eq!((code, complaints(&stderr).len()), (1, 1), "{stderr}");
    // The first one goes on.
    assert!(
        program
            .beside(&["verify"])
            .starts_with("the ledger is right")
    );
    program.stop();
    // Commands beside a server say that there is none.
    for command in [&["verify"][..], &["clock"], &["token", "--as", "bob"]] {
        let (code, _, stderr) = run(&mut goodgo(folder.path(), command));
        assert_eq!(
            (code, complaints(&stderr).len()),
            (1, 1),
            "{command:?}: {stderr}"
        );
        assert!(
            stderr.contains("isn't running") || stderr.contains("not running"),
            "{stderr}"
        );
    }
}

#[test]
fn refuses_a_moved_clock_in_production() {
    test(async |app| {
        app.advance(chrono::TimeDelta::hours(1)).await;
        let folder = folder();
        let mut command = goodgo(folder.path(), &["serve"]);
        command
            .env("GOODGO_ENV", "production")
            .env("DATABASE_URL", &app.database_url)
            .env("JWT_SECRET", "Vk2rT9-wQ7xLm4-Hd8pZ3-Jc6nB1-Yf5sG0")
            .env("GOODGO_PUBLIC_URL", "https://api.goodgo.app")
            .env("SERVICE_JWKS_URL", "https://127.0.0.1:1/jwks.json")
            .env("TRUSTED_ISSUERS", "playhub");
        let (code, _, stderr) = run(&mut command);
        assert_eq!((code, complaints(&stderr).len()), (1, 1), "{stderr}");
        assert!(stderr.contains("clock was moved"), "{stderr}");
        // Production seeds nothing.
        assert_eq!(app.count("users", "true").await, 0);
    });
}

#[test]
fn names_and_spans_are_checked() {
    let folder = folder();
    let program = Program::start(folder.path());
    let (code, _, stderr) = run(&mut goodgo(folder.path(), &["token", "--as", "mallory"]));
    assert_eq!(code, 1);
    assert!(
        stderr.contains("no demo person mallory") && stderr.contains("alice"),
        "{stderr}"
    );
    let (code, _, stderr) = run(&mut goodgo(folder.path(), &["clock", "advance", "-24h"]));
    assert_eq!(code, 2, "{stderr}");
    program.stop();
}
