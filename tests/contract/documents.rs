//! The documents of coverage name fields and tests that exist, and leave no line without an answer and its proof.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::events::documented;
use crate::support::{TestApp, test};

/// Source folders with the prefix of their module paths.
const SOURCES: [(&str, &str); 5] = [
    ("tests", ""),
    ("src", "goodgo"),
    ("domain/src", "domain"),
    ("db/src", "db"),
    ("resolvers/src", "resolvers"),
];

const TYPES: &str = "{ __schema { types { name fields(includeDeprecated: true) { name }
    inputFields { name } enumValues(includeDeprecated: true) { name } } } }";

/// Names that documents may use.
struct Known {
    /// Fields, fields of inputs and values of enums, each after its type.
    fields: BTreeSet<String>,
    /// Tests by their modules.
    tests: BTreeSet<String>,
}

impl Known {
    /// Whether something in backticks exists, if it says that it is a field or a test.
    fn has(&self, token: &str) -> bool {
        if token.contains("::") {
            return self.tests.contains(token);
        }
        let is_name = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        let is_field = token.starts_with(|letter: char| letter.is_ascii_uppercase())
            && token.contains('.')
            && token.split('.').all(is_name);
        !is_field || self.fields.contains(token)
    }

    /// Problems of a document with their line numbers.
    fn complaints(&self, text: &str) -> Vec<String> {
        let (mut complaints, mut is_listing) = (Vec::new(), false);
        for (number, line) in text.lines().map(str::trim).enumerate() {
            if line.starts_with("```") {
                is_listing = !is_listing;
            }
            if is_listing {
                continue;
            }
            let number = number + 1;
            if line.starts_with('|') && !is_row(line) {
                complaints.push(format!("{number}: not seed, here and proof: {line}"));
            }
            for token in line.split('`').skip(1).step_by(2) {
                if !self.has(token) {
                    complaints.push(format!("{number}: there is no {token}"));
                }
            }
        }
        complaints
    }
}

/// Whether a line of a table has its three cells, each with a word in it.
fn is_row(line: &str) -> bool {
    let inner = line
        .strip_prefix('|')
        .and_then(|line| line.strip_suffix('|'));
    let cells: Vec<&str> = inner
        .unwrap_or_default()
        .split('|')
        .map(str::trim)
        .collect();
    let is_rule = cells.iter().all(|cell| cell.starts_with("---"));
    let says_something = |cell: &&str| cell.chars().any(char::is_alphanumeric);
    cells.len() == 3 && (is_rule || cells.iter().all(says_something))
}

/// Everything of the served schema that has a name after a type's.
async fn fields(app: &TestApp) -> BTreeSet<String> {
    let data = app.anonymous().get(TYPES, json!({})).await;
    let mut found = BTreeSet::new();
    for of in data["__schema"]["types"].as_array().unwrap() {
        let name = of["name"].as_str().unwrap();
        for part in ["fields", "inputFields", "enumValues"] {
            let elements = of[part].as_array().into_iter().flatten();
            let names = elements.filter_map(|element: &Value| element["name"].as_str());
            found.extend(names.map(|element| format!("{name}.{element}")));
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder whose names end so.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The tests of all sources.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (folder, start) in SOURCES {
        let folder = root().join(folder);
        for path in files(&folder, "rs") {
            let module = module_of(start, path.strip_prefix(&folder).unwrap());
            let text = std::fs::read_to_string(&path).unwrap();
            found.extend(tests_of(&module, &text));
        }
    }
    found
}

/// The path of a file's module.
fn module_of(start: &str, file: &Path) -> String {
    let file = file.with_extension("");
    let parts = file.iter().map(|part| part.to_str().unwrap());
    let names: Vec<&str> = std::iter::once(start)
        .chain(parts)
        .filter(|name| !["", "mod", "lib", "main"].contains(name))
        .collect();
    names.join("::")
}

/// The tests of one file: functions after an attribute that makes them tests, those of `proptest!` too.
fn tests_of(module: &str, text: &str) -> Vec<String> {
    let (mut found, mut inner, mut is_test) = (Vec::new(), "", false);
    for line in text.lines().map(str::trim) {
        if line == "mod tests {" {
            inner = "tests::";
        }
        is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
        let function = line.strip_prefix("async ").unwrap_or(line);
        let function = function.strip_prefix("fn ");
        if let Some((name, _)) = function.and_then(|rest| rest.split_once('(')) {
            if is_test {
                found.push(format!("{module}::{inner}{name}"));
            }
            is_test = false;
        }
    }
    found
}

#[test]
fn finds_all_names_of_coverage_documents() {
    test(async |app| {
        let known = Known {
            fields: fields(app).await,
            tests: tests(),
        };
        let mut complaints = Vec::new();
        for path in files(&root().join("docs/coverage"), "md") {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(root()).unwrap().display();
            assert!(text.contains("| seed | here | proof |"), "{name}");
            let found = known.complaints(&text).into_iter();
            complaints.extend(found.map(|complaint| format!("{name}:{complaint}")));
        }
        assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    });
}

/// Undocumented events and fields fail any test that writes them; the simulated month covers all fields.
#[test]
fn documents_the_events_that_are_written() {
    let sources: String = files(&root().join("db/src"), "rs")
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let is_written = |name: &str| {
        let shapes = [format!("    {name} {{"), format!("    {name}(")];
        shapes.iter().any(|shape| sources.contains(shape))
    };
    assert!(documented().len() > 30, "{:?}", documented().keys());
    for event in documented().keys() {
        assert!(is_written(event), "nobody writes {event}");
    }
}

#[test]
fn rejects_wrong_names_and_empty_cells() {
    let known = Known {
        fields: BTreeSet::from(["Query.viewer".to_owned()]),
        tests: tests(),
    };
    for (line, is_right) in [
        ("| seed | here | proof |", true),
        ("|---|---|---|", true),
        (
            "| a | `Query.viewer` | `contract::documents::rejects_wrong_names_and_empty_cells` |",
            true,
        ),
        (
            "`domain::mining::streak::tests::day_counts_once` is one of a crate",
            true,
        ),
        (
            "`domain::mining::rate::tests::the_total_equals_decimal_arithmetic` is one of many numbers",
            true,
        ),
        (
            "`goodgo::auth::tests::good::treats_requests_without_a_token_as_anonymous` has a file of its own",
            true,
        ),
        ("| a | `Query.nobody` | in words |", false),
        ("| a | `Query.viewer.miner` | in words |", false),
        ("| a | in words | `contract::documents::nothing` |", false),
        ("| a | in words | `contract::documents::tests_of` |", false),
        ("| a | in words | |", false),
        ("| a | | in words |", false),
        ("| a | – | in words |", false),
        ("| a | in words |", false),
        ("| a | in words | in words", false),
        ("What is `Nobody.name`?", false),
        ("`schema.graphql`, `a` and `Miner` are no fields.", true),
    ] {
        assert_eq!(known.complaints(line).is_empty(), is_right, "{line}");
    }
    let listing = "```\n`Nobody.name`\n```\n`Nobody.name`";
    assert_eq!(known.complaints(listing), ["4: there is no Nobody.name"]);
}
