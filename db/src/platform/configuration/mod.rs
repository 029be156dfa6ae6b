//! Configuration: all versions of all sections; the highest version is in force. Contexts define the sections
//! ([`Section`]) and the commands that replace them ([`SectionsUpdate`]).

pub mod commands;
mod proposal;
mod queries;
mod update;

use domain::platform::{ConfigurationRefusal, Judged};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::prelude::*;

pub use proposal::{ProposedSection, SectionsProposal};
pub(crate) use queries::section;
pub use queries::{StoredVersion, Version, by_key, history, in_force};
pub(crate) use update::seed;
pub use update::{Change, Updated, update};

use crate::command::Command;

/// Name, subject and lock of a section, and what can be done with its stored bodies.
#[derive(Clone, Copy, Debug)]
pub struct SectionInfo {
    /// Name, such as `mining`.
    pub name: &'static str,
    /// Subject of its events.
    pub subject: Uuid,
    /// Statement that waits for a concurrent change of the section.
    wait: &'static str,
    /// The API's form of a stored body.
    shown: fn(i32, &Value) -> Result<Value>,
    loosens: fn(&Value, &Value) -> Result<bool>,
    judge_stored: Judge,
    apply: Apply,
}

/// The functions of [`Section`] on stored bodies: of the new version, and of the one it replaces.
type Judge = for<'t> fn(&'t mut Tx, &'t Value, &'t Value) -> BoxFuture<'t, Result<Judged<()>>>;
type Apply = for<'t> fn(&'t mut Tx, &'t Value, &'t Value) -> BoxFuture<'t, Result<()>>;

impl SectionInfo {
    /// Names a section.
    pub(crate) const fn of<S: Section>(
        name: &'static str,
        subject: Uuid,
        wait: &'static str,
    ) -> Self {
        Self {
            name,
            subject,
            wait,
            shown: |version, body| Ok(S::read(version, body)?.shown()),
            loosens: |after, before| Ok(S::read(0, after)?.loosens(&S::read(0, before)?)),
            judge_stored: |tx, after, before| {
                async move {
                    let (after, before) = (S::read(0, after)?, S::read(0, before)?);
                    after.judge_stored(tx, &before).await
                }
                .boxed()
            },
            apply: |tx, after, before| {
                async move {
                    let (after, before) = (S::read(0, after)?, S::read(0, before)?);
                    after.apply(tx, &before).await
                }
                .boxed()
            },
        }
    }
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

    /// Whether replacing `before` loosens a limit on money, for which a second person is needed.
    fn loosens(&self, before: &Self) -> bool;

    /// Checks the settings against what the database holds.
    fn judge_stored<'t>(
        &'t self,
        _tx: &'t mut Tx,
        _before: &'t Self,
    ) -> BoxFuture<'t, Result<Judged<()>>> {
        async { Ok(Ok(())) }.boxed()
    }

    /// Changes rows that follow the section.
    fn apply<'t>(&'t self, _tx: &'t mut Tx, _before: &'t Self) -> BoxFuture<'t, Result<()>> {
        async { Ok(()) }.boxed()
    }
}

/// A command that replaces sections.
pub trait SectionsUpdate: Send + Sync + 'static {
    /// Its descriptor.
    const COMMAND: &'static Command<ConfigurationRefusal>;

    /// Its object in the audit log: the section, or [`SYSTEM`] for several at once.
    const ENTITY: &'static str;
}

/// The object of the command on several sections, in the audit log.
pub const SYSTEM: &str = "system";

/// Declares the types of commands that replace sections: descriptor, and object in the audit log.
macro_rules! updates {
    ($($update:ident = $command:ident, $entity:expr;)+) => {
        $(
            #[doc = concat!("The command with the descriptor [`", stringify!($command), "`].")]
            pub struct $update;

            impl $crate::platform::configuration::SectionsUpdate for $update {
                const COMMAND: &'static $crate::command::Command<ConfigurationRefusal> = &$command;
                const ENTITY: &'static str = $entity;
            }
        )+
    };
}
pub(crate) use updates;
