//! Whose cluster it is, and where it can live.
//!
//! PostgreSQL refuses to run as root, yet root is who people are in a container. So root hands the
//! cluster to an unprivileged account, and the data goes where that account can reach it.

use std::fs::{DirBuilder, Metadata, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// Where root's data goes when the clone is out of the unprivileged account's reach.
const SHARED_PLACE: &str = "/var/lib/goodgo";

/// An account of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub uid: u32,
    pub gid: u32,
}

/// The folder where the cluster and the program's generated secrets live.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
    configured: PathBuf,
    account: Option<Account>,
}

impl DataDir {
    /// Decides where the data of the configured folder (`GOODGO_DATA_DIR` or `.goodgo`) goes:
    /// there, or to a folder of `/var/lib/goodgo/` named by the path's hash where root's clone is
    /// out of an unprivileged user's reach. Creates nothing; the answer is the same every time.
    pub fn resolve(configured: &Path) -> Result<Self> {
        let configured = canonical(configured)?;
        if !is_root() {
            return Ok(Self {
                path: configured.clone(),
                configured,
                account: None,
            });
        }
        let default = unprivileged_account(&std::fs::read_to_string("/etc/passwd").unwrap_or_default())
            .context("PostgreSQL doesn't run as root and this machine has neither a postgres nor a nobody account: run as another user, or set DATABASE_URL")?;
        let account = owner_of_clusters(&configured).unwrap_or(default);
        if account.reaches(&configured) {
            return Ok(Self {
                path: configured.clone(),
                configured,
                account: Some(account),
            });
        }
        let path = Path::new(SHARED_PLACE).join(short_hash(&configured));
        let account = owner_of_clusters(&path).unwrap_or(default);
        Ok(Self {
            path,
            configured,
            account: Some(account),
        })
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the folder where it doesn't exist yet. Others can't list it; where root created it,
    /// the unprivileged account can pass through to the cluster inside.
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
            // Not left to the umask of root, which may keep everybody out.
            std::fs::set_permissions(&self.path, Permissions::from_mode(0o711))
                .with_context(problem)?;
            if self.path.starts_with(SHARED_PLACE) {
                std::fs::set_permissions(SHARED_PLACE, Permissions::from_mode(0o755))
                    .with_context(problem)?;
            }
        }
        Ok(())
    }

    /// The folder as configured, which may be another one than [`DataDir::path`].
    pub(super) fn configured(&self) -> &Path {
        &self.configured
    }

    /// The account that runs PostgreSQL, or `None` for the program's own.
    pub(super) fn account(&self) -> Option<Account> {
        self.account
    }
}

impl Account {
    /// Whether this account can pass through the folder, or through what exists of the path to it.
    /// Asks the operating system as that account, because modes alone don't tell (access lists,
    /// read-only mounts, groups).
    fn reaches(self, folder: &Path) -> bool {
        let existing = folder
            .ancestors()
            .find(|path| path.exists())
            .unwrap_or(Path::new("/"));
        Command::new("test")
            .arg("-x")
            .arg(existing)
            .uid(self.uid)
            .gid(self.gid)
            .current_dir("/")
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// A command that runs as the account that owns the cluster, or as the program's own: from `/`
/// (the working folder may be out of reach), out of the terminal's process group (Ctrl-C is for the
/// program, which then stops the cluster in order), and without the environment, whose `PG…` and
/// locale variables would change what the server does.
pub(super) fn command_as(account: Option<Account>, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("LC_ALL", "C")
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null());
    if let Some(Account { uid, gid }) = account {
        command.uid(uid).gid(gid);
    }
    command
}

/// Creates a folder only the account can enter.
pub(super) fn create_private(folder: &Path, account: Option<Account>) -> Result<()> {
    DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .and_then(|()| {
            account.map_or(Ok(()), |account| {
                chown(folder, Some(account.uid), Some(account.gid))
            })
        })
        .with_context(|| format!("{} can't be created", folder.display()))
}

/// The account a cluster must run as: its owner where that isn't root, for PostgreSQL insists on it.
/// A cluster that root copied belongs to root, so it is given to the account again.
pub(super) fn adopt(cluster: &Path, account: Option<Account>) -> Result<Option<Account>> {
    let Some(account) = account else {
        return Ok(None);
    };
    let owner = std::fs::metadata(cluster)
        .ok()
        .as_ref()
        .and_then(unprivileged_owner);
    if owner.is_some() {
        return Ok(owner);
    }
    let Account { uid, gid } = account;
    let status = Command::new("chown")
        .arg("-hR")
        .arg(format!("{uid}:{gid}"))
        .arg(cluster)
        .status();
    if !status.is_ok_and(|status| status.success()) {
        bail!(
            "{} belongs to root and can't be given to user {uid}",
            cluster.display()
        )
    }
    Ok(Some(account))
}

/// The folder for the socket: short, because a socket's path may have about 100 bytes, named by the
/// hash of the data's path, so two clones never share one, and private, because whoever can enter it
/// is let in without a password. Made again where it was lost.
pub(super) fn socket_folder(cluster: &Path, account: Option<Account>) -> Result<PathBuf> {
    const ROOM: usize = 60;
    let short = |place: &PathBuf| place.as_os_str().len() <= ROOM;
    let reached = |place: &PathBuf| account.is_none_or(|account| account.reaches(place));
    let place = Some(std::env::temp_dir())
        .filter(|place| short(place) && reached(place))
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    let folder = place.join(format!("goodgo-{}", short_hash(cluster)));
    match std::fs::symlink_metadata(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => create_private(&folder, account)?,
        Err(error) => {
            return Err(error).with_context(|| format!("{} can't be read", folder.display()));
        }
        Ok(found) => {
            // Others may write to the temporary folder: what they put there under our name isn't ours.
            let ours = account.map_or_else(
                || found.uid() == own_uid(),
                |account| found.uid() == account.uid || found.uid() == 0,
            );
            if !found.is_dir() || !ours {
                bail!(
                    "{} belongs to somebody else: remove it, or set TMPDIR to a folder of your own",
                    folder.display()
                );
            }
            std::fs::set_permissions(&folder, Permissions::from_mode(0o700))
                .and_then(|()| {
                    account.map_or(Ok(()), |account| {
                        chown(&folder, Some(account.uid), Some(account.gid))
                    })
                })
                .with_context(|| format!("{} can't be made private", folder.display()))?;
        }
    }
    Ok(folder)
}

/// Whether this process is root. Asks `id`, because the standard library can't say.
fn is_root() -> bool {
    own_uid() == 0
}

fn own_uid() -> u32 {
    let output = Command::new("id").arg("-u").output();
    output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|text| text.trim().parse().ok())
        // Without `id` it is taken for an ordinary user; PostgreSQL itself refuses root clearly.
        .unwrap_or(u32::MAX)
}

/// `postgres`, else `nobody`, of a file in the format of `/etc/passwd`.
fn unprivileged_account(passwd: &str) -> Option<Account> {
    let find = |wanted: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == wanted).then_some(())?;
            let mut number = fields.skip(1).map(parse_id);
            let account = Account {
                uid: number.next()??,
                gid: number.next()??,
            };
            (account.uid != 0).then_some(account)
        })
    };
    find("postgres").or_else(|| find("nobody"))
}

/// A user or group id; macOS writes nobody's as -2.
fn parse_id(text: &str) -> Option<u32> {
    text.parse::<u32>()
        .ok()
        .or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
}

/// The unprivileged owner of the clusters in a folder, if it has any: they decide who runs them.
fn owner_of_clusters(folder: &Path) -> Option<Account> {
    super::cluster::clusters(folder)
        .iter()
        .find_map(|(_, path)| unprivileged_owner(&std::fs::metadata(path).ok()?))
}

fn unprivileged_owner(metadata: &Metadata) -> Option<Account> {
    (metadata.uid() != 0).then(|| Account {
        uid: metadata.uid(),
        gid: metadata.gid(),
    })
}

/// The absolute path without symbolic links, of a folder that may not exist yet.
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
                    "the data folder {} can't be: {} is no folder; choose another one with GOODGO_DATA_DIR",
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

/// Sixteen hexadecimal digits that stand for a path.
fn short_hash(path: &Path) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_comes_before_nobody() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:n:/:/bin/false\npostgres:x:101:104:p:/:/bin/sh\n";
        assert_eq!(
            unprivileged_account(passwd),
            Some(Account { uid: 101, gid: 104 })
        );
        let without = passwd.replace("postgres:", "postgrest:");
        assert_eq!(
            unprivileged_account(&without),
            Some(Account {
                uid: 65534,
                gid: 65533
            })
        );
        assert_eq!(unprivileged_account("postgres:x:0:0::/:\nbroken\n"), None);
    }

    #[test]
    fn macos_writes_nobody_as_minus_two() {
        let nobody =
            unprivileged_account("nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false");
        assert_eq!(
            nobody,
            Some(Account {
                uid: u32::MAX - 1,
                gid: u32::MAX - 1
            })
        );
    }

    #[test]
    fn a_path_has_one_hash_and_needs_no_folder() {
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
