//! Allows one process per data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The lock on a data folder, held until it is dropped or the process ends.
///
/// The operating system releases it with the open file. Child processes don't inherit the file (close on exec), so a
/// server that outlives its process doesn't block the next one.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Locks the folder, or reports which process holds it.
    pub fn acquire(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let mut file = match OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
        {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => bail!(
                "the data folder {} can't be written: it belongs to another user (was the server run as root before?), \
                 so run as that user, give the folder back with chown, or choose another one with GOODGO_DATA_DIR",
                folder.display()
            ),
            Err(error) => {
                return Err(error).with_context(|| format!("{} can't be opened", path.display()));
            }
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "the data folder {} is in use by another goodgo{}: stop that one, or give this one \
                 another folder with GOODGO_DATA_DIR or a database with DATABASE_URL",
                folder.display(),
                holder(&path)
                    .map(|pid| format!(" (process {pid})"))
                    .unwrap_or_default()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| {
                    format!(
                        "{} can't be locked: choose a folder on a local disk with GOODGO_DATA_DIR",
                        path.display()
                    )
                });
            }
        }
        // The process id is for the error message of a second process; the lock needs no content.
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .with_context(|| format!("{} can't be written", path.display()))?;
        Ok(Self { _file: file })
    }
}

/// The process id in the lock file.
fn holder(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_second_holder_by_its_process_id() {
        let folder = std::env::temp_dir().join(format!("goodgo-lock-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let first = Lock::acquire(&folder).unwrap();
        let refusal = Lock::acquire(&folder).unwrap_err().to_string();
        assert!(
            refusal.contains(&format!("(process {})", std::process::id())),
            "{refusal}"
        );
        assert!(refusal.contains("GOODGO_DATA_DIR"), "{refusal}");
        drop(first);
        Lock::acquire(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
