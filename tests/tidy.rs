//! The house rules that no compiler knows.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines of a file, at most: longer ones have more than one sentence.
const LONGEST_FILE: usize = 600;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files git knows, or would with the next commit.
fn files(pattern: &str) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
            pattern,
        ])
        .current_dir(root())
        .output()
        .unwrap();
    String::from_utf8(listed.stdout)
        .unwrap()
        .lines()
        .map(|name| root().join(name))
        .filter(|path| path.exists())
        .collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn requires_short_files_with_a_description() {
    for path in files("*.rs") {
        let text = read(&path);
        let lines = text.lines().count();
        let is_generated = path.ends_with("db/src/schema.rs");
        assert!(
            lines <= LONGEST_FILE || is_generated,
            "{} has {lines} lines",
            path.display()
        );
        let is_list = path.ends_with("mod.rs") && path.starts_with(root().join("tests/api"));
        let is_test_of_a_field = path.starts_with(root().join("tests/api"));
        assert!(
            text.starts_with("//!") || is_list || is_test_of_a_field,
            "{} doesn't begin with its sentence",
            path.display()
        );
    }
}

#[test]
fn restricts_ledger_tables_to_the_ledger() {
    let tables = [
        "transfers",
        "wallets::",
        "reconciliation_runs",
        "currencies::",
    ];
    for path in files("db/src/*.rs") {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        if name.starts_with("db/src/wallets/") || name == "db/src/schema.rs" {
            continue;
        }
        for line in read(&path).lines().filter(|line| line.contains("schema::")) {
            assert!(
                !tables
                    .iter()
                    .any(|table| line.contains(&table.replace("::", ""))),
                "{name} names a table of the ledger: {line}"
            );
        }
    }
}

#[test]
fn restricts_the_dependencies_of_domain() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "domain",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("rust_decimal"), "{tree}");
    for banned in ["tokio", "diesel", "serde", "async-graphql", "futures"] {
        let found = tree
            .lines()
            .any(|line| line.split(' ').next() == Some(banned));
        assert!(!found, "domain depends on {banned}:\n{tree}");
    }
}

#[test]
fn documents_every_setting() {
    let operations = read(&root().join("docs/OPERATIONS.md"));
    let config: String = files("src/config/*.rs")
        .iter()
        .map(|path| read(path))
        .collect();
    let names = config.split('"').filter(|text| {
        text.len() > 3
            && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            && text.chars().any(|c| c.is_ascii_uppercase())
    });
    let mut count = 0;
    for name in names {
        assert!(
            operations.contains(&format!("`{name}`")),
            "docs/OPERATIONS.md doesn't explain `{name}`"
        );
        count += 1;
    }
    assert!(count > 10, "no settings found");
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    for path in files("*.md") {
        for link in read(&path)
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.starts_with("http") || link.starts_with('#') {
                continue;
            }
            let target = link.split('#').next().unwrap();
            let lies_at = path.parent().unwrap().join(target);
            assert!(
                lies_at.exists(),
                "{} links to {link}, which is not there",
                path.display()
            );
        }
    }
}

#[test]
fn finds_no_todo_markers() {
    for pattern in ["*.rs", "script/*", ".ci/*", "*.sql"] {
        for path in files(pattern)
            .into_iter()
            .filter(|path| !path.ends_with("tests/tidy.rs"))
        {
            for (number, line) in read(&path).lines().enumerate() {
                let left = [
                    "TODO",
                    "FIXME",
                    "XXX",
                    "unimplemented!",
                    "todo!(",
                    "#[ignore",
                ]
                .iter()
                .find(|mark| line.contains(**mark));
                assert_eq!(left, None, "{}:{}", path.display(), number + 1);
            }
        }
    }
}

/// Folders of the grid: contexts with their aggregates, the same in every layer.
const GRID: &[(&str, &[&str])] = &[
    (
        "mining",
        &[
            "miner",
            "session",
            "streak",
            "circle",
            "referral",
            "configuration",
        ],
    ),
    (
        "platform",
        &["audit", "approval", "job", "configuration", "users"],
    ),
    (
        "promotions",
        &["campaign", "voucher", "redemption", "configuration"],
    ),
    (
        "wallets",
        &[
            "wallet",
            "hold",
            "settlement",
            "conversion",
            "deposit",
            "withdrawal",
            "reconciliation",
            "configuration",
        ],
    ),
];

#[test]
fn finds_no_context_in_generic_modules() {
    let (resolvers, db) = (root().join("resolvers/src"), root().join("db/src"));
    let contexts: Vec<String> = GRID
        .iter()
        .map(|(context, _)| (*context).to_owned())
        .collect();
    // The files that assemble contexts, or hold the tables and demo data of all of them.
    let assembly = [
        "lib.rs",
        "live.rs",
        "schema.rs",
        "demo.rs",
        "demo_promotions.rs",
        "demo_wallets.rs",
        "tables.rs",
    ];
    // Idempotency appends to the audit log: the platform is below the other contexts.
    let below = ["idempotency.rs"];
    for path in files("resolvers/src/*.rs")
        .into_iter()
        .chain(files("db/src/*.rs"))
    {
        let Some(name) = [&resolvers, &db]
            .iter()
            .find_map(|layer| path.strip_prefix(layer).ok())
        else {
            continue;
        };
        let top = name.iter().next().unwrap().to_string_lossy().into_owned();
        if contexts.contains(&top) || top == "schema" || assembly.contains(&top.as_str()) {
            continue;
        }
        let text = read(&path);
        let code = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or(&text);
        for line in code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            for context in &contexts {
                let is_platform_below = context == "platform"
                    && (below.contains(&top.as_str()) || line.contains("db::platform::audit"));
                let names = ["crate::", "db::", "domain::"].map(|root| format!("{root}{context}"));
                // Values that all contexts share, and what the pool reads of the ledger at start.
                let is_shared = [
                    "Origin",
                    "POINTS_SCALE",
                    "wallets::constants",
                    "wallets::Constants",
                    "wallets::{Constants",
                    "WalletOwner",
                ]
                .iter()
                .any(|shared| line.contains(shared));
                assert!(
                    is_platform_below || is_shared || !names.iter().any(|name| line.contains(name)),
                    "{} names {context}: {line}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn requires_the_same_aggregates_in_every_layer() {
    // Beside the files of the grid: parts of an aggregate that have a subject of their own.
    let layers: [(&str, &[&str]); 3] = [
        ("domain/src", &[]),
        (
            "db/src",
            &[
                "commands",
                "queries",
                "rows",
                "locks",
                "mod",
                "events",
                "membership",
                "ban",
                "changes",
                "alone",
                "settle",
                "update",
                "proposal",
                "freezing",
                "checker",
                "transactions",
                "ending",
                "exposure",
                "payout",
                "rates",
                "sums",
                "transfers",
                "entries",
                "balances",
                "codes",
                "expiry",
                "revocation",
                "settling",
                "till",
                "writes",
            ],
        ),
        (
            "resolvers/src",
            &[
                "mod",
                "objects",
                "queries",
                "mutations",
                "subscriptions",
                "refusals",
                "viewer",
                "profile",
                "leaderboard",
                "ranks",
                "transactions",
                "batch",
                "rates",
                "proposals",
                "transfers",
                "trail",
                "statement",
                "guesses",
                "ticket",
            ],
        ),
    ];
    for (layer, files_of_aggregate) in layers {
        for (context, aggregates) in GRID {
            let folder = root().join(layer).join(context);
            let mut found = 0;
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if !path.is_dir() {
                    continue;
                }
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                assert!(
                    aggregates.contains(&name.as_str()) || name == "live",
                    "{} is not an aggregate of {context}",
                    path.display()
                );
                found += 1;
                if files_of_aggregate.is_empty() || name == "live" {
                    continue;
                }
                for file in std::fs::read_dir(&path).unwrap() {
                    let file = file.unwrap().path();
                    let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
                    assert!(
                        files_of_aggregate.contains(&stem.as_str()),
                        "{} has a name that the grid does not know",
                        file.display()
                    );
                }
            }
            let is_flat = layer == "domain/src" && *context != "mining";
            assert!(
                found > 0 || is_flat,
                "{} has no aggregates",
                folder.display()
            );
        }
    }
}
