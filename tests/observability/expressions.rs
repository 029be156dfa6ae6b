//! Metrics of alert rules and dashboard panels.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folder of rules and dashboard.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/observability")
}

/// File of the folder.
pub fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// Expressions of rules: a line or an indented block each.
pub fn of_rules(text: &str) -> Vec<String> {
    // The dash of a list's item counts as space.
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(expression) = line.trim_start_matches([' ', '-']).strip_prefix("expr:") else {
            continue;
        };
        if expression.trim() == "|" {
            let block = lines[at + 1..].iter();
            let block = block.take_while(|next| indent(next) > indent(line));
            found.push(block.copied().collect::<Vec<_>>().join(" "));
        } else {
            found.push(expression.trim().to_owned());
        }
    }
    found
}

/// Metrics of an expression: names that are not functions, labels, strings or keywords.
pub fn metrics(expression: &str) -> BTreeSet<String> {
    let mut bare = String::new();
    let mut rest = expression;
    while let Some(at) = rest.find(['{', '[', '"']) {
        bare.push_str(&rest[..at]);
        let end = match &rest[at..=at] {
            "{" => '}',
            "[" => ']',
            _ => '"',
        };
        let length = rest[at + 1..].find(end).unwrap();
        rest = &rest[at + length + 2..];
        bare.push(' ');
    }
    bare.push_str(rest);
    for keyword in ["by", "without"] {
        let mut kept = String::new();
        let mut rest = bare.as_str();
        while let Some(at) = rest.find(&format!(" {keyword} (")) {
            let end = rest[at..].find(')').unwrap();
            kept.push_str(&rest[..at]);
            kept.push(' ');
            rest = &rest[at + end + 1..];
        }
        kept.push_str(rest);
        bare = kept;
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = BTreeSet::new();
    for (at, word) in bare.split(|c| !is_word(c)).map(|word| {
        let at = word.as_ptr().addr() - bare.as_ptr().addr();
        (at, word)
    }) {
        let is_function = bare[at + word.len()..].trim_start().starts_with('(');
        let starts_well = word.starts_with(|c: char| c.is_ascii_alphabetic());
        if starts_well && !is_function && !["or", "and", "unless"].contains(&word) {
            names.insert(word.to_owned());
        }
    }
    names
}

#[test]
fn finds_metrics_in_expressions() {
    let found = |text: &str| metrics(text).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(
        found(r#"sum by (le, a) (rate(x_bucket{code=~"a|b"}[5m])) / 60 > 1 or y_total == 0"#),
        "x_bucket y_total"
    );
    assert_eq!(found("time() - max(z) > 26 * 3600"), "z");
    let text = "rules:\n  - expr: |\n      a\n        > 1\n    for: 1m\n  - expr: b > 2\n";
    assert_eq!(of_rules(text), ["      a         > 1", "b > 2"]);
}
