//! Lists the packed files of GraphiQL, so that they are part of the binary. Building needs no Node: they are committed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

const PACKED: &str = "web-admin/graphiql/dist";

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where to write by a variable"
)]
fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={PACKED}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(PACKED);
    let mut packed = Vec::new();
    walk(&root, &mut packed)?;
    packed.sort();
    let mut list = String::from("&[\n");
    for path in packed {
        let name = path.strip_prefix(&root).map_err(io::Error::other)?;
        let name = name.with_extension("");
        let (name, path) = (name.to_string_lossy(), path.to_string_lossy());
        let _ = writeln!(list, "    ({name:?}, include_bytes!({path:?})),");
    }
    list.push_str("]\n");
    let out = std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("no OUT_DIR"))?;
    fs::write(Path::new(&out).join("graphiql.rs"), list)
}

fn walk(folder: &Path, packed: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, packed)?;
        } else if path.extension().is_some_and(|end| end == "gz") {
            packed.push(path);
        }
    }
    Ok(())
}
