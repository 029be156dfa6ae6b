//! Clients that partners use, driven against a running server: programs for Node, a browser, and a fuzzer.
//!
//! The programs are in `tests/clients` with one lock file; the fuzzer, in Python, is pinned beside it. On a machine that
//! lacks their tools they are skipped, which `script/test` reports at its end; CI skips nothing.

mod documents;
mod fuzz;
mod graphiql;
mod live;
mod programs;
mod wire;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{PATIENCE, is_soak, variable};

/// The oldest Node that runs them.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// Names under which browsers are installed that speak Chromium's protocol.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Node, with the packages of the clients, and a browser where one is needed.
pub struct Node {
    program: PathBuf,
    browser: Option<PathBuf>,
}

impl Node {
    /// Looks for Node; where it or its packages are missing, the test is noted as skipped.
    pub fn find(test: &str) -> Option<Self> {
        Self::look().map_err(|lacking| skip(test, &lacking)).ok()
    }

    /// Looks for a browser as well.
    pub fn with_browser(test: &str) -> Option<Self> {
        let node = Self::find(test)?;
        let browser = BROWSERS.into_iter().find_map(on_path);
        if browser.is_none() {
            skip(test, "no Chromium is installed");
        }
        browser.map(|browser| Self {
            browser: Some(browser),
            ..node
        })
    }

    fn look() -> Result<Self, String> {
        let program = on_path("node").ok_or("Node is not installed")?;
        let version = Command::new(&program).arg("--version").output();
        let version = version.map_err(|error| format!("node doesn't run: {error}"))?;
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        if !is_new_enough(&version) {
            return Err(format!("Node {version} is too old"));
        }
        if !has_locked_packages(&folder()) {
            return Err("the packages of tests/clients are not installed".to_owned());
        }
        Ok(Self {
            program,
            browser: None,
        })
    }

    /// Runs a program of `tests/clients`, which must succeed.
    pub async fn run(&self, script: &str, args: &[&str]) {
        println!("{}", self.output(script, args).await);
    }

    /// Runs a program of `tests/clients`, which must succeed, and returns what it prints.
    pub async fn output(&self, script: &str, args: &[&str]) -> String {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .arg(folder().join(script))
            .args(args)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(browser) = &self.browser {
            command.env("GOODGO_CHROMIUM", browser);
        }
        let output = tokio::time::timeout(longest_run(), command.output())
            .await
            .unwrap_or_else(|_| panic!("{script} doesn't end"))
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{script} fails:\n{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said.into_owned()
    }
}

/// Longest run of a program. In a soak it compares many more documents.
fn longest_run() -> Duration {
    if is_soak() { PATIENCE * 60 } else { PATIENCE }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// A program on the path.
pub fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&variable("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_NODE,
        _ => false,
    }
}

/// Whether what npm installed is what the lock file asks for.
fn has_locked_packages(folder: &Path) -> bool {
    let read = |name: &str| -> Option<Value> {
        serde_json::from_slice(&std::fs::read(folder.join(name)).ok()?).ok()
    };
    let (Some(locked), Some(installed)) = (
        read("package-lock.json"),
        read("node_modules/.package-lock.json"),
    ) else {
        return false;
    };
    let Some(packages) = locked["packages"].as_object() else {
        return false;
    };
    packages
        .iter()
        .filter(|(name, package)| !name.is_empty() && package["optional"] != true)
        .all(|(name, package)| installed["packages"][name]["version"] == package["version"])
}

/// Notes that a test did not run, and why.
pub fn skip(test: &str, why: &str) {
    eprintln!("skipped: {test}: {why}");
    if let Some(file) = variable("GOODGO_SKIPPED") {
        let mut file = OpenOptions::new().append(true).open(file).unwrap();
        writeln!(file, "{test}: {why}").unwrap();
    }
}

#[test]
fn reads_versions_of_node() {
    for good in ["v20.19.0", "v20.20.2", "v22.0.0"] {
        assert!(is_new_enough(good), "{good}");
    }
    for bad in ["v20.18.3", "v18.20.0", "", "node"] {
        assert!(!is_new_enough(bad), "{bad}");
    }
}
