//! Schemathesis, a fuzzer that knows GraphQL: it asks a running program whatever its schema allows, and more.
//!
//! `fuzz_hooks.py` says what must never be answered. Here the program must be well afterwards, too: no complaints in
//! its log, right books, and enough that was answered with data, or all of it would prove little.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{folder as clients, skip};
use crate::process::program::{Program, folder};
use crate::support::{Actor, is_soak};

/// Minimum number of operations per caller that return data.
const ENOUGH: u64 = 100;

/// Maximum number of extensions on a busy machine.
const ROUNDS: u32 = 24;

/// Caller of the operations.
const WHO: [Option<&str>; 3] = [None, Some("bob"), Some("support")];

/// Duration per caller. Longer in script/soak.
fn seconds() -> u64 {
    if is_soak() { 200 } else { 20 }
}

/// Folder of the fuzzer, if script/bootstrap has installed the required version.
fn fuzzer() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let installed = target.join("tools/fuzzer");
    let wanted = std::fs::read(clients().join("requirements.txt")).ok()?;
    let found = std::fs::read(installed.join("requirements.txt")).ok()?;
    (wanted == found).then(|| installed.join("bin/schemathesis"))
}

/// Values that exist, by scalar: made-up ones are mostly refused.
async fn values(staff: &Actor) -> Value {
    let query = "{ miners(first: 20) { nodes {
        id uuid user { id uuid } code: referralCode session { id uuid } circle { id uuid } wallet { id } profile { id }
    } } currencies { currency: code } }";
    let data = staff.get(query, json!({})).await;
    let mut values = BTreeMap::new();
    collect(&data, &mut values);
    assert!(values.len() > 3, "{values:?}");
    json!(values)
}

fn collect(value: &Value, into: &mut BTreeMap<&str, BTreeSet<String>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let scalar = match name.as_str() {
                    "id" => "ID",
                    "uuid" => "UUID",
                    "currency" => "CurrencyCode",
                    "code" => "String",
                    _ => {
                        collect(value, into);
                        continue;
                    }
                };
                let text = value.as_str().unwrap().to_owned();
                into.entry(scalar).or_default().insert(text);
            }
        }
        _ => {}
    }
}

/// Lets the fuzzer ask as somebody; answers how much it counted of what.
fn ask(
    fuzzer: &Path,
    url: &str,
    token: Option<&str>,
    values: &Path,
    name: &str,
) -> BTreeMap<String, u64> {
    let work = values.parent().unwrap();
    let report = work.join(format!("{name}.json"));
    let mut command = Command::new(fuzzer);
    command
        .current_dir(work)
        .env("SCHEMATHESIS_HOOKS", clients().join("fuzz_hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("GOODGO_FUZZ_VALUES", values)
        .env("GOODGO_FUZZ_REPORT", &report)
        .stdin(Stdio::null())
        .args(["run", url, "--max-time", &seconds().to_string()])
        // The fuzzer's own checks report refusals of valid documents and slow answers, which are allowed here.
        .args(["--checks", "answered_or_refused", "--warnings", "off"])
        .args(["--suppress-health-check", "all", "--continue-on-failure"]);
    if let Some(token) = token {
        command.arg("--header");
        command.arg(format!("Authorization: Bearer {token}"));
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "as {name}:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap()
}

#[test]
fn soak_whatever_the_schema_allows_is_answered_or_refused() {
    let Some(fuzzer) = fuzzer() else {
        skip("clients::fuzz", "Schemathesis is not installed");
        return;
    };
    let folder = folder();
    let plenty = "100000000";
    let settings = [
        ("GOODGO_RATE_ANONYMOUS", plenty),
        ("GOODGO_RATE_USER", plenty),
        ("GOODGO_RATE_STAFF", plenty),
        // Slow operations are allowed here.
        ("GOODGO_SLOW_OPERATION_MS", "0"),
    ];
    let program = Program::start_with(folder.path(), &settings);
    let url = format!("http://{}", program.address);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let known = runtime.block_on(values(&program.demo("support")));
    let work = folder.path().join("fuzz");
    std::fs::create_dir(&work).unwrap();
    let file = work.join("values.json");
    std::fs::write(&file, known.to_string()).unwrap();

    for who in WHO {
        let actor = who.map(|name| program.demo(name));
        let token = actor.as_ref().and_then(Actor::token);
        let name = who.unwrap_or("nobody");
        let mut counts = BTreeMap::new();
        for _ in 0..ROUNDS {
            for (what, count) in ask(&fuzzer, &format!("{url}/graphql"), token, &file, name) {
                *counts.entry(what).or_insert(0) += count;
            }
            if counts.get("answered") >= Some(&ENOUGH) {
                break;
            }
        }
        let count = |what: &str| counts.get(what).copied().unwrap_or(0);
        let (answered, refused) = (count("answered"), count("refused"));
        if is_soak() {
            println!("soak: as {name}, {answered} operations answered, {refused} refused");
        } else {
            println!("as {name}: {counts:?}");
        }
        assert!(
            answered >= ENOUGH,
            "as {name}, {answered} were answered: {counts:?}"
        );
        assert_eq!(count("RATE_LIMITED"), 0, "{counts:?}");
    }

    let health = runtime.block_on(async { reqwest::get(format!("{url}/health")).await.unwrap() });
    assert_eq!(health.status(), 200);
    assert_eq!(program.complaints(), Vec::<String>::new());
    program.beside(&["verify"]);
    program.stop();
}
