//! One program per data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Holds the data folder until it is dropped or the process ends, however it ends: the lock belongs
/// to the open file, so the operating system releases it. Children don't inherit it (the file closes
/// on exec), or a postmaster that outlives the program would keep the next program out.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the folder, or says who has it.
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
        // For the error of whoever comes second; the lock itself needs no content.
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .with_context(|| format!("{} can't be written", path.display()))?;
        Ok(Self { _file: file })
    }
}

/// The process that wrote its id into the lock file.
fn holder(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it() {
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
