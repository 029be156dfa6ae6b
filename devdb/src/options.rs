//! Settings of the cluster that the configuration decides.

use std::ffi::OsString;
use std::path::PathBuf;

/// Settings of the cluster that the configuration decides.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Folder with `postgres`, `initdb` and `pg_ctl`; searched for if absent.
    pub postgres_bin: Option<PathBuf>,
    /// Value of `PATH`, searched first.
    pub path: Option<OsString>,
    /// Additional server settings. They override the defaults.
    pub settings: Vec<(String, String)>,
}
