//! The events of `docs/EVENTS.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The fields of each event, by its name.
pub fn documented() -> &'static BTreeMap<String, BTreeSet<String>> {
    static DOCUMENTED: OnceLock<BTreeMap<String, BTreeSet<String>>> = OnceLock::new();
    DOCUMENTED.get_or_init(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/EVENTS.md");
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().filter_map(row).collect()
    })
}

/// A row of a table: the event in its first cell, the fields in its last.
fn row(line: &str) -> Option<(String, BTreeSet<String>)> {
    let cells = line.strip_prefix("| `")?.strip_suffix(" |")?;
    let (event, _) = cells.split_once('`')?;
    let (_, fields) = cells.rsplit_once(" | ")?;
    let fields = fields.split('`').skip(1).step_by(2);
    Some((event.to_owned(), fields.map(str::to_owned).collect()))
}
