//! Changing sections: a new version of each, in force for every decision after the commit.

use std::collections::BTreeMap;

use domain::platform::{ConfigurationProblem, ConfigurationRefusal, Judged};
use domain::reason::Reason;
use serde_json::{Map, Value};

use super::queries::{StoredVersion, newest};
use super::{Section, SectionInfo};
use crate::command::{Command, actor};
use crate::outbox::SubjectEvents;
use crate::platform::PlatformEvent;
use crate::platform::audit::{self, About};
use crate::prelude::*;
use crate::schema::configurations as rows;

/// A change of one section.
#[derive(Clone, Debug)]
pub struct Change {
    info: &'static SectionInfo,
    replaces: i32,
    checked: Judged<Bodies>,
    /// Path of the section in the command's input.
    path: &'static str,
}

/// A checked section in its stored form and in the API's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bodies {
    body: Value,
    shown: Value,
}

impl Change {
    /// A change that replaces a version of the section. `check` checks the new settings, given their version number;
    /// `path` is the section's field in the command's input.
    pub fn new<S: Section>(
        path: &'static str,
        replaces: i32,
        check: impl FnOnce(i32) -> Judged<S>,
    ) -> Result<Self> {
        let checked = match check(replaces.saturating_add(1)) {
            Ok(section) => Ok(Bodies {
                body: section.body()?,
                shown: section.shown(),
            }),
            Err(refusal) => Err(refusal.within(path)),
        };
        Ok(Self {
            info: S::INFO,
            replaces,
            checked,
            path,
        })
    }
}

/// Result of [`update`]: the new version of each changed section.
pub type Updated = BTreeMap<String, i32>;

/// Changes sections, all of them or none; of two concurrent changes of one version, one is refused. `entity` names the
/// object in the audit log: the section, or `system` for several at once.
///
/// Refusals: [`ConfigurationProblem::ReasonInvalid`], [`ConfigurationProblem::NothingToChange`], then per section the
/// first setting that is refused, then [`ConfigurationProblem::Stale`].
pub async fn update(
    tx: &mut Tx,
    request: &Request,
    command: &'static Command<ConfigurationRefusal>,
    entity: &'static str,
    changes: &[Change],
    reason: &str,
) -> Result<Answer<Updated>> {
    once(tx, request, command, async |tx, key| {
        let reason = Reason::parse(reason);
        key.about = Some(about(entity, reason.clone()));
        let Some(reason) = reason else {
            return refuse(ConfigurationProblem::ReasonInvalid);
        };
        if changes.is_empty() {
            return refuse(ConfigurationProblem::NothingToChange);
        }
        // Checks all changes before storing any, and locks in the order of the sections: concurrent changes do not
        // deadlock.
        let mut checked = Vec::with_capacity(changes.len());
        for change in changes {
            checked.push(check(tx, change).await?);
        }
        store_all(tx, request, key, command.name, entity, &reason, checked).await
    })
    .await
}

fn refuse<T>(problem: ConfigurationProblem) -> Result<T, Stop<ConfigurationRefusal>> {
    Err(Stop::Refused(problem.into()))
}

/// A section, or all of them, as the object of a command.
fn about(entity: &str, reason: Option<Reason>) -> About {
    About {
        entity_kind: "configuration",
        entity_id: Some(entity.to_owned()),
        reason,
    }
}

/// A section that may change.
struct Checked<'a> {
    info: &'static SectionInfo,
    before: StoredVersion,
    after: &'a Bodies,
}

/// Waits for concurrent changes of the section, then checks the change.
async fn check<'a>(
    tx: &mut Tx,
    change: &'a Change,
) -> Result<Checked<'a>, Stop<ConfigurationRefusal>> {
    // Locks before the section is read, so that the read includes what a concurrent change committed.
    diesel::sql_query(change.info.wait)
        .execute(tx.conn())
        .await?;
    let before = newest(tx.conn(), change.info.name).await?;
    let after = match &change.checked {
        Ok(after) => after,
        Err(refusal) => return Err(Stop::Refused(refusal.clone())),
    };
    if before.number != change.replaces {
        let refusal = ConfigurationRefusal {
            path: vec![change.path.to_owned(), "version".to_owned()],
            problem: ConfigurationProblem::Stale {
                current_version: before.number,
            },
        };
        return Err(Stop::Refused(refusal));
    }
    Ok(Checked {
        info: change.info,
        before,
        after,
    })
}

async fn store_all(
    tx: &mut Tx,
    request: &Request,
    key: &mut Key,
    command: &'static str,
    entity: &'static str,
    reason: &Reason,
    checked: Vec<Checked<'_>>,
) -> Result<Updated, Stop<ConfigurationRefusal>> {
    let (mut before, mut after) = (Map::new(), Map::new());
    let mut updated = Updated::new();
    for section in checked {
        let name = section.info.name;
        let change = audit::Change {
            before: (section.info.shown)(section.before.number, &section.before.body)?,
            after: section.after.shown.clone(),
        };
        if name == entity {
            key.change = Some(change);
        } else {
            // An entry per section, so that the section's history is complete.
            let about = about(name, Some(reason.clone()));
            audit::append_applied(tx, request, command, Some(&about), &change, None).await?;
            before.insert(name.to_owned(), change.before);
            after.insert(name.to_owned(), change.after);
        }
        updated.insert(name.to_owned(), store(tx, request, reason, section).await?);
    }
    if !before.is_empty() {
        key.change = Some(audit::Change {
            before: before.into(),
            after: after.into(),
        });
    }
    Ok(updated)
}

/// Stores the section's new version with its event; returns its number.
async fn store(
    tx: &mut Tx,
    request: &Request,
    reason: &Reason,
    section: Checked<'_>,
) -> Result<i32> {
    let number = section.before.number.saturating_add(1);
    // Keeps the history in order when a transaction starts earlier and commits later.
    let updated_at = tx.now().max(section.before.updated_at);
    let (_, updated_by) = actor(&request.principal);
    diesel::insert_into(rows::table)
        .values((
            rows::section.eq(section.info.name),
            rows::version.eq(number),
            rows::body.eq(with_unknown_settings(
                section.before.body,
                section.after.body.clone(),
            )),
            rows::updated_at.eq(updated_at),
            rows::updated_by.eq(&updated_by),
            rows::reason.eq(reason.as_str()),
        ))
        .execute(tx.conn())
        .await?;
    let mut events = SubjectEvents::new(
        "configuration",
        section.info.subject,
        section.before.number.into(),
    );
    events.push(PlatformEvent::ConfigurationUpdated {
        config_type: section.info.name.to_owned(),
        version: number,
        updated_by,
        updated_at,
    });
    events.enqueue(tx, &request.request_id)?;
    Ok(number)
}

/// The new body, with the settings of the old one that only a newer program knows.
fn with_unknown_settings(before: Value, after: Value) -> Value {
    match (before, after) {
        (Value::Object(mut carried), Value::Object(after)) => {
            carried.extend(after);
            Value::Object(carried)
        }
        (_, after) => after,
    }
}
