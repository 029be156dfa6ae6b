//! The user that runs PostgreSQL: this process's own, or an unprivileged one if this process is root.

use std::fs::{DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A user of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// The unprivileged user that replaces root: `postgres`, else `nobody`.
    pub fn unprivileged() -> Result<Self> {
        Self::from_passwd(&std::fs::read_to_string("/etc/passwd").unwrap_or_default()).context(
            "PostgreSQL doesn't run as root and this machine has neither a postgres nor a nobody account: run as another user, or set DATABASE_URL",
        )
    }

    /// The owner of a file, unless that is root.
    pub fn owner(metadata: &Metadata) -> Option<Self> {
        (metadata.uid() != 0).then(|| Self {
            uid: metadata.uid(),
            gid: metadata.gid(),
        })
    }

    /// Whether this user can enter the folder, or the existing part of its path. Runs `test -x` as that user, because
    /// modes alone do not answer this (access lists, read-only mounts, groups).
    pub fn can_enter(self, folder: &Path) -> bool {
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

    /// `postgres`, else `nobody`, of a file in the format of `/etc/passwd`.
    fn from_passwd(passwd: &str) -> Option<Self> {
        let find = |wanted: &str| {
            passwd.lines().find_map(|line| {
                let mut fields = line.split(':');
                (fields.next()? == wanted).then_some(())?;
                let mut number = fields.skip(1).map(parse_id);
                let account = Self {
                    uid: number.next()??,
                    gid: number.next()??,
                };
                (account.uid != 0).then_some(account)
            })
        };
        find("postgres").or_else(|| find("nobody"))
    }
}

/// A command that runs as `account`, or as this process's user if there is none.
///
/// The program starts in `/`, because the account may not reach the working folder; in a process group of its own, because
/// Ctrl-C is for this process, which then stops the cluster; and without environment, because `PG…` and locale variables
/// change what PostgreSQL does.
pub(crate) fn command_as(account: Option<Account>, program: &Path) -> Command {
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

/// Creates a folder that only the account can enter.
pub(crate) fn create_private(folder: &Path, account: Option<Account>) -> Result<()> {
    DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .and_then(|()| give_to(folder, account))
        .with_context(|| format!("{} can't be created", folder.display()))
}

/// Makes the account the owner of a folder.
pub(crate) fn give_to(folder: &Path, account: Option<Account>) -> std::io::Result<()> {
    match account {
        Some(Account { uid, gid }) => chown(folder, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

/// The account that a cluster must run as. PostgreSQL requires the owner of the cluster; a cluster that belongs to root
/// (a copy made by root) is given to the account.
pub(crate) fn account_of(cluster: &Path, account: Option<Account>) -> Result<Option<Account>> {
    let Some(account) = account else {
        return Ok(None);
    };
    let owner = std::fs::metadata(cluster)
        .ok()
        .as_ref()
        .and_then(Account::owner);
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

/// A user or group id; macOS writes nobody's as -2.
fn parse_id(text: &str) -> Option<u32> {
    text.parse::<u32>()
        .ok()
        .or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_postgres_to_nobody() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:n:/:/bin/false\npostgres:x:101:104:p:/:/bin/sh\n";
        assert_eq!(
            Account::from_passwd(passwd),
            Some(Account { uid: 101, gid: 104 })
        );
        let without = passwd.replace("postgres:", "postgrest:");
        assert_eq!(
            Account::from_passwd(&without),
            Some(Account {
                uid: 65534,
                gid: 65533
            })
        );
        assert_eq!(Account::from_passwd("postgres:x:0:0::/:\nbroken\n"), None);
    }

    #[test]
    fn reads_negative_ids_of_macos() {
        let nobody =
            Account::from_passwd("nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false");
        assert_eq!(
            nobody,
            Some(Account {
                uid: u32::MAX - 1,
                gid: u32::MAX - 1
            })
        );
    }
}
