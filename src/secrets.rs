//! Development secrets, generated once into the data folder. Production refuses them.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::auth::tokens;

/// Files in the data folder.
const SECRETS: &str = "secrets.json";
const JWKS: &str = "jwks.json";

/// The keys of a development server.
#[derive(Clone, Serialize, Deserialize)]
pub struct DevSecrets {
    /// Key of user tokens.
    pub jwt_secret: String,
    /// Signing key of service tokens: Ed25519 in PEM.
    pub service_key: String,
    /// The public key of service tokens, as a JWKS.
    pub jwks: String,
}

impl DevSecrets {
    /// Reads the secrets of a data folder, or generates them.
    pub fn ensure(folder: &Path) -> anyhow::Result<Self> {
        if let Some(secrets) = Self::read(folder)? {
            secrets.write_key_set(folder)?;
            return Ok(secrets);
        }
        let keys = tokens::generate_dev_keys()?;
        let secrets = Self {
            jwt_secret: keys.user_secret,
            service_key: keys.service_key_pem,
            jwks: keys.service_jwks,
        };
        let text = serde_json::to_string_pretty(&secrets)?;
        write_new(folder, SECRETS, &text)?;
        // Another process may have been first; the file in the folder counts.
        let secrets = Self::read(folder)?.unwrap_or(secrets);
        secrets.write_key_set(folder)?;
        tracing::info!(folder = %folder.display(), "Generated development secrets");
        Ok(secrets)
    }

    /// Reads the secrets of a data folder, if they exist.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(SECRETS);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| {
                    format!(
                        "{} can't be read: delete it, and new secrets are generated",
                        path.display()
                    )
                })
                .map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} can't be read", path.display())),
        }
    }

    /// Writes the key set, unless the folder has it.
    fn write_key_set(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(JWKS);
        match fs::read_to_string(&path) {
            Ok(text) if text == self.jwks => return Ok(()),
            // A key set of earlier secrets.
            Ok(_) => fs::remove_file(&path)
                .with_context(|| format!("{} can't be replaced", path.display()))?,
            Err(_) => {}
        }
        write_new(folder, JWKS, &self.jwks)
    }

    /// The path of the key set in a data folder.
    #[must_use]
    pub fn jwks_path(folder: &Path) -> String {
        folder.join(JWKS).display().to_string()
    }
}

/// Writes a file that only its owner can read, atomically. An existing file is kept.
fn write_new(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(folder.join(name)) {
            Err(failed) if failed.error.kind() != ErrorKind::AlreadyExists => Err(failed.error),
            _ => Ok(()),
        }
    };
    write().with_context(|| format!("{} can't be written", folder.join(name).display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restores_a_missing_or_outdated_key_set() {
        let folder = tempfile::tempdir().expect("a folder");
        let ensure = || DevSecrets::ensure(folder.path()).expect("secrets");
        let jwks = DevSecrets::jwks_path(folder.path());
        let key_set = || fs::read_to_string(&jwks).expect("a key set");
        let first = ensure();
        fs::remove_file(&jwks).expect("a key set");
        ensure();
        assert_eq!(key_set(), first.jwks);
        fs::remove_file(folder.path().join(SECRETS)).expect("secrets");
        let second = ensure();
        assert_ne!(second.jwks, first.jwks);
        assert_eq!(key_set(), second.jwks);
    }
}
