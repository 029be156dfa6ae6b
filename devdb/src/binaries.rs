//! Finds the programs of an installed PostgreSQL.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use glob::{Pattern, glob};

use crate::account::{Account, command_as};
use crate::data_dir::DataDir;
use crate::options::Options;

/// The oldest supported major version.
const OLDEST: u32 = 14;

/// Folders of packages, with one `*` for the version.
const PACKAGED: [&str; 6] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql*/bin",
];

/// The programs a folder must hold.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// A folder with the programs, all of which run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub folder: PathBuf,
    pub major: u32,
    minor: u32,
}

/// Chooses a PostgreSQL: the configured one, else one whose cluster exists in the data folder (so that an upgrade of the
/// machine doesn't hide the data), else the newest.
pub(crate) fn find(dir: &DataDir, options: &Options, existing: &[u32]) -> Result<Binaries> {
    let account = dir.account();
    if let Some(folder) = &options.postgres_bin {
        return probe(folder, account).map_err(|problem| {
            anyhow::anyhow!(
                "the configured PostgreSQL folder {} is not usable: {problem}",
                folder.display()
            )
        });
    }
    let mut rejected = String::new();
    let mut found = Vec::new();
    for folder in candidates(dir, options) {
        match probe(&folder, account)
            .or_else(|problem| copy_within_reach(&folder, dir).unwrap_or(Err(problem)))
        {
            Ok(binaries) => found.push(binaries),
            Err(problem) => {
                let _ = write!(rejected, " ({} is not usable: {problem})", folder.display());
            }
        }
    }
    // The sort is stable: of equal versions the first folder wins.
    found.sort_by_key(|binaries| {
        std::cmp::Reverse((
            existing.contains(&binaries.major),
            binaries.major,
            binaries.minor,
        ))
    });
    match found.into_iter().next() {
        Some(binaries) => Ok(binaries),
        None => bail!(
            "no PostgreSQL from version {OLDEST} up was found{rejected}: run script/bootstrap, which installs it \
             (Debian and Ubuntu: postgresql; macOS: brew install postgresql@17), or set DATABASE_URL"
        ),
    }
}

/// Folders that hold all programs, without duplicates.
fn candidates(dir: &DataDir, options: &Options) -> Vec<PathBuf> {
    let on_path = options
        .path
        .iter()
        .flat_map(std::env::split_paths)
        .filter(|folder| folder.is_absolute());
    let packaged = PACKAGED
        .iter()
        .flat_map(|pattern| expand(Path::new(pattern)));
    // script/bootstrap installs into the default data folder, even if another one is configured.
    let modules = [
        PathBuf::from("node_modules"),
        PathBuf::from(".goodgo/node_modules"),
        dir.configured().join("node_modules"),
        dir.path().join("node_modules"),
    ]
    .into_iter()
    .filter_map(|folder| std::path::absolute(folder).ok())
    .map(|folder| Pattern::escape(&folder.to_string_lossy()))
    .flat_map(|folder| expand(&Path::new(&folder).join("@embedded-postgres/*/native/bin")));
    let mut seen = HashSet::new();
    on_path
        .chain(packaged)
        .chain(modules)
        .filter_map(|folder| real_folder(&folder))
        .filter(|folder| seen.insert(folder.clone()))
        .collect()
}

/// Resolves symbolic links such as `/usr/local/bin/postgres` to the folder that holds all programs.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    let complete = |folder: &Path| {
        PROGRAMS
            .iter()
            .all(|program| folder.join(program).is_file())
    };
    let real = folder
        .join("postgres")
        .canonicalize()
        .ok()?
        .parent()?
        .to_path_buf();
    if complete(&real) {
        Some(real)
    } else {
        complete(folder).then(|| folder.to_path_buf())
    }
}

/// The existing folders that match a pattern, in ascending order.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let paths = glob(&pattern.to_string_lossy()).into_iter();
    paths
        .flatten()
        .flatten()
        .filter(|path| path.is_dir())
        .collect()
}

/// Runs the programs with `--version`, as the account that will run the cluster. This detects folders that the account
/// can't reach and missing libraries.
fn probe(folder: &Path, account: Option<Account>) -> Result<Binaries, String> {
    let mut version = None;
    for program in PROGRAMS {
        let path = folder.join(program);
        let output = command_as(account, &path)
            .arg("--version")
            .output()
            .map_err(|error| format!("{program}: {error}"))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(format!(
                "{program} --version: {}",
                text.lines().next().unwrap_or("failed").trim()
            ));
        }
        version = parse_version(&String::from_utf8_lossy(&output.stdout));
    }
    match version {
        Some((major, minor)) if major >= OLDEST => Ok(Binaries {
            folder: folder.to_path_buf(),
            major,
            minor,
        }),
        Some((major, _)) => Err(format!(
            "version {major} is too old, {OLDEST} is the oldest that works"
        )),
        None => Err("it reports no version".to_owned()),
    }
}

/// Major and minor of `postgres (PostgreSQL) 15.18 (Debian …)`, `18beta1` or `14.2`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let word = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut numbers = word.split(|c: char| !c.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let minor = word
        .contains('.')
        .then(|| numbers.next()?.parse().ok())
        .flatten()
        .unwrap_or(0);
    Some((major, minor))
}

/// Copies the relocatable binaries of the npm package into the data folder if the account can't reach them, as in the
/// home of root. Returns `None` for binaries of another origin.
fn copy_within_reach(folder: &Path, dir: &DataDir) -> Option<Result<Binaries, String>> {
    let account = dir.account()?;
    let native = folder
        .parent()
        .filter(|native| folder.ends_with("native/bin") && !native.starts_with(dir.path()))?;
    let original = probe(folder, None).ok()?;
    let name = format!("postgres-{}.{}", original.major, original.minor);
    let target = dir.path().join(&name);
    let copy = || -> Result<()> {
        if target.is_dir() {
            return Ok(());
        }
        let unfinished = dir.path().join(format!("{name}.tmp"));
        let _ = std::fs::remove_dir_all(&unfinished);
        tracing::info!(from = %native.display(), to = %target.display(), "Copying PostgreSQL to a folder that the unprivileged user can reach");
        let status = Command::new("cp")
            .arg("-Rp")
            .arg(native)
            .arg(&unfinished)
            .status()?;
        if !status.success() {
            bail!("cp failed");
        }
        std::fs::rename(&unfinished, &target).context("the copy can't be renamed")
    };
    Some(match copy() {
        Ok(()) => probe(&target.join("bin"), Some(account)),
        Err(error) => Err(format!(
            "uid {} can't reach it and it can't be copied: {error:#}",
            account.uid
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_versions() {
        assert_eq!(
            parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some((15, 18))
        );
        assert_eq!(
            parse_version("postgres (PostgreSQL) 18beta1"),
            Some((18, 0))
        );
        assert_eq!(parse_version("postgres (PostgreSQL) 14"), Some((14, 0)));
        assert_eq!(parse_version("something else"), None);
    }

    #[test]
    fn expands_a_star_in_one_component() {
        let root = std::env::temp_dir().join(format!("goodgo-find-{}", std::process::id()));
        for name in ["v9/bin", "v17/bin", "w17/bin", "v18"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        assert_eq!(
            expand(&root.join("v*/bin")),
            [root.join("v17/bin"), root.join("v9/bin")]
        );
        assert!(expand(&root.join("missing/*/bin")).is_empty());
        std::fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn tries_only_a_configured_folder() {
        let dir = DataDir::resolve(Path::new("/tmp/goodgo-nowhere")).unwrap();
        let options = Options {
            postgres_bin: Some(PathBuf::from("/nowhere")),
            ..Options::default()
        };
        let refusal = find(&dir, &options, &[]).unwrap_err().to_string();
        assert!(refusal.contains("/nowhere is not usable"), "{refusal}");
    }
}
