//! The data folder: where it is, which clusters it holds, and where their socket goes.

use std::fs::{DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;
use sha2::{Digest, Sha256};

use crate::account::{Account, create_private, give_to};

/// Data of root goes here if the unprivileged account can't reach the configured folder.
const SHARED_FOLDER: &str = "/var/lib/goodgo";

/// The longest folder of a socket's folder. A socket path may have about 100 bytes.
const MAX_SOCKET_PARENT_BYTES: usize = 60;

/// The folder that holds the cluster and the generated secrets.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
    configured: PathBuf,
    account: Option<Account>,
}

impl DataDir {
    /// Decides where the data of the configured folder (`GOODGO_DATA_DIR` or `.goodgo`) goes: there, or into a folder of
    /// `/var/lib/goodgo/` named by the path's hash if this process is root and the unprivileged account can't reach the
    /// configured one. Creates nothing; the answer is the same every time.
    pub fn resolve(configured: &Path) -> Result<Self> {
        let configured = canonical(configured)?;
        if !geteuid().is_root() {
            return Ok(Self {
                path: configured.clone(),
                configured,
                account: None,
            });
        }
        let default = Account::unprivileged()?;
        let account_of = |path: &Path| owner_of_clusters(path).unwrap_or(default);
        let path = if account_of(&configured).can_enter(&configured) {
            configured.clone()
        } else {
            Path::new(SHARED_FOLDER).join(short_hash(&configured))
        };
        Ok(Self {
            account: Some(account_of(&path)),
            path,
            configured,
        })
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the folder unless it exists. Other users can't list it; if root created it, the unprivileged account can
    /// pass through to the cluster inside.
    pub fn create(&self) -> Result<()> {
        if self.path.is_dir() {
            return Ok(());
        }
        let problem = || {
            format!(
                "the data folder {} can't be created: choose another one with GOODGO_DATA_DIR",
                self.path.display()
            )
        };
        if let Some(parent) = self.path.parent() {
            std::fs::create_dir_all(parent).with_context(problem)?;
        }
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists || !self.path.is_dir() => {
                return Err(error).with_context(problem);
            }
            _ => {}
        }
        if self.account.is_some() {
            // Set explicitly: root's umask may exclude other users.
            std::fs::set_permissions(&self.path, Permissions::from_mode(0o711))
                .with_context(problem)?;
            if self.path.starts_with(SHARED_FOLDER) {
                std::fs::set_permissions(SHARED_FOLDER, Permissions::from_mode(0o755))
                    .with_context(problem)?;
            }
        }
        Ok(())
    }

    /// The folder as configured, which may differ from [`DataDir::path`].
    pub(crate) fn configured(&self) -> &Path {
        &self.configured
    }

    /// The account that runs PostgreSQL, or `None` for this process's user.
    pub(crate) fn account(&self) -> Option<Account> {
        self.account
    }
}

/// The clusters in a data folder, newest major version first.
pub(crate) fn clusters(folder: &Path) -> Vec<(u32, PathBuf)> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let major = name.to_str()?.strip_prefix("pg")?.parse().ok()?;
            Some((major, entry.path()))
        })
        .collect();
    found.sort();
    found.reverse();
    found
}

/// The folder of a cluster's socket, created if missing.
///
/// The folder lies in the temporary folder, because a socket path must be short; its name is a hash of the cluster's path, so
/// two clones never share one; only the account can enter it, because PostgreSQL asks for no password there.
pub(crate) fn socket_folder(cluster: &Path, account: Option<Account>) -> Result<PathBuf> {
    let is_usable = |parent: &PathBuf| {
        parent.as_os_str().len() <= MAX_SOCKET_PARENT_BYTES
            && account.is_none_or(|account| account.can_enter(parent))
    };
    let parent = Some(std::env::temp_dir())
        .filter(is_usable)
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    let folder = parent.join(format!("goodgo-{}", short_hash(cluster)));
    match std::fs::symlink_metadata(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => create_private(&folder, account)?,
        Err(error) => {
            return Err(error).with_context(|| format!("{} can't be read", folder.display()));
        }
        Ok(found) => {
            // Other users may write to the temporary folder, so an existing folder must have the right owner.
            let is_ours = account.map_or_else(
                || found.uid() == geteuid().as_raw(),
                |account| found.uid() == account.uid || found.uid() == 0,
            );
            if !found.is_dir() || !is_ours {
                bail!(
                    "{} belongs to another user: remove it, or set TMPDIR to a folder of your own",
                    folder.display()
                );
            }
            std::fs::set_permissions(&folder, Permissions::from_mode(0o700))
                .and_then(|()| give_to(&folder, account))
                .with_context(|| format!("{} can't be made private", folder.display()))?;
        }
    }
    Ok(folder)
}

/// The unprivileged owner of the clusters in a folder, if there are any. PostgreSQL must run as that user.
fn owner_of_clusters(folder: &Path) -> Option<Account> {
    clusters(folder)
        .iter()
        .find_map(|(_, path)| Account::owner(&std::fs::metadata(path).ok()?))
}

/// The absolute path without symbolic links, of a folder that need not exist.
fn canonical(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).with_context(|| {
        format!(
            "the data folder {:?} is no path: set GOODGO_DATA_DIR to a folder",
            path.display()
        )
    })?;
    for ancestor in absolute.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            if !real.is_dir() {
                bail!(
                    "the data folder {} can't be created: {} is no folder; choose another one with GOODGO_DATA_DIR",
                    path.display(),
                    real.display()
                );
            }
            let rest = absolute.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return Ok(if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            });
        }
    }
    Ok(absolute)
}

/// Sixteen hexadecimal digits that identify a path.
fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    format!("{digest:x}")[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_the_newest_cluster_first() {
        let folder = std::env::temp_dir().join(format!("goodgo-majors-{}", std::process::id()));
        for name in ["pg9", "pg17", "pg16.tmp", "postgres.log"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let found = clusters(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        let majors: Vec<u32> = found.into_iter().map(|(major, _)| major).collect();
        assert_eq!(majors, [17, 9]);
    }

    #[test]
    fn hashes_paths_that_do_not_exist() {
        let missing = Path::new("/tmp/./goodgo-missing/x");
        assert_eq!(canonical(missing).unwrap().file_name(), missing.file_name());
        assert_eq!(short_hash(Path::new("/a")), short_hash(Path::new("/a")));
        assert_ne!(short_hash(Path::new("/a")), short_hash(Path::new("/b")));
        assert_eq!(short_hash(Path::new("/a")).len(), 16);
        let file = canonical(Path::new("/etc/passwd/data"))
            .unwrap_err()
            .to_string();
        assert!(file.contains("/etc/passwd is no folder"), "{file}");
    }
}
