//! Configuration: all versions of all sections; the highest version is in force. Contexts define the sections
//! ([`Section`]).

mod queries;
mod update;

use serde_json::Value;

use crate::prelude::*;

pub use queries::{StoredVersion, Version, by_key, history, in_force};
pub use update::{Change, Updated, update};

/// Name, subject and lock of a section.
#[derive(Clone, Copy, Debug)]
pub struct SectionInfo {
    /// Name, such as `mining`.
    pub name: &'static str,
    /// Subject of its events.
    pub subject: Uuid,
    /// Statement that waits for a concurrent change of the section.
    pub wait: &'static str,
    /// The API's form of a stored body.
    pub shown: fn(i32, &Value) -> Result<Value>,
}

/// A section of the configuration with its stored form and its form in the audit log.
pub trait Section: Sized + Send + Sync + 'static {
    /// Name, subject and lock.
    const INFO: &'static SectionInfo;

    /// Reads a stored body.
    fn read(version: i32, body: &Value) -> Result<Self>;

    /// The body as it is stored.
    fn body(&self) -> Result<Value>;

    /// The section under the names and units of the API.
    fn shown(&self) -> Value;
}

/// Implements [`SectionInfo::shown`].
pub(crate) fn shown<S: Section>(version: i32, body: &Value) -> Result<Value> {
    Ok(S::read(version, body)?.shown())
}
