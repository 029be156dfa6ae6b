//! Changing sections: a new version of each, in force for every decision after the commit. A change that loosens a limit
//! on money waits for a second person.

use std::collections::BTreeMap;

use domain::platform::{ConfigurationProblem, ConfigurationRefusal, Judged};
use domain::reason::Reason;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::proposal::{ProposedSection, SectionsProposal};
use super::queries::{StoredVersion, newest};
use super::{Section, SectionInfo, SectionsUpdate};
use crate::command::actor;
use crate::outbox::SubjectEvents;
use crate::platform::PlatformEvent;
use crate::platform::approval::{self, NewApproval};
use crate::platform::audit::{self, About};
use crate::prelude::*;
use crate::schema::configurations as rows;

/// A change of one section.
#[derive(Clone, Debug)]
pub struct Change {
    pub(super) info: &'static SectionInfo,
    pub(super) replaces: i32,
    pub(super) checked: Judged<Bodies>,
    /// Path of the section in the command's input.
    pub(super) path: &'static str,
}

/// A checked section in its stored form and in the API's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bodies {
    pub body: Value,
    pub shown: Value,
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

/// Result of [`update`]: the new version of each changed section, or the approval that the change waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updated {
    /// Approval that the change waits for.
    #[serde(
        default,
        rename = "approvalId",
        skip_serializing_if = "Option::is_none"
    )]
    pub approval_id: Option<Uuid>,
    /// Numbers of the new versions, by section.
    #[serde(flatten)]
    pub versions: BTreeMap<String, i32>,
}

/// Changes sections, all of them or none; of two concurrent changes of one version, one is refused. When one of them
/// loosens a limit on money, all wait for a second person.
///
/// Refusals: [`ConfigurationProblem::ReasonInvalid`], [`ConfigurationProblem::NothingToChange`], then per section the
/// first setting that is refused, then [`ConfigurationProblem::Stale`].
pub async fn update<C: SectionsUpdate>(
    tx: &mut Tx,
    request: &Request,
    changes: &[Change],
    reason: &str,
) -> Result<Answer<Updated>> {
    once(tx, request, C::COMMAND, async |tx, key| {
        let reason = Reason::parse(reason);
        key.about = Some(about(C::ENTITY, reason.clone()));
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
        for section in &checked {
            if section.loosens()? {
                return Ok(Updated {
                    approval_id: Some(wait::<C>(tx, key, request, &reason, &checked).await?),
                    ..Updated::default()
                });
            }
        }
        let author = Author {
            request,
            command: C::COMMAND.name,
            updated_by: actor(&request.principal).1,
            reason: &reason,
        };
        let (versions, change) = store_all(tx, &author, C::ENTITY, checked).await?;
        key.change = Some(change);
        Ok(Updated {
            approval_id: None,
            versions,
        })
    })
    .await
}

/// Requests the approval of a change; returns its id.
async fn wait<C: SectionsUpdate>(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    reason: &Reason,
    checked: &[Checked<'_>],
) -> Result<Uuid> {
    let sections = checked.iter().map(|section| ProposedSection {
        section: section.info.name.to_owned(),
        replaces: section.before.number,
        body: section.after.body.clone(),
        configuration: section.after.shown.clone(),
    });
    let proposal = SectionsProposal::<C>::new(sections.collect(), reason);
    let mut shown = BySection::of(C::ENTITY);
    for section in checked {
        shown.add(section.info.name, section.change()?);
    }
    let audit::Change { before, after } = shown.change();
    let new = NewApproval {
        subjects: Vec::new(),
        reason,
        proposal: &proposal,
        change: audit::Change {
            before,
            after: json!({"proposed": after}),
        },
    };
    approval::request(tx, key, request, new).await
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
pub(super) struct Checked<'a> {
    info: &'static SectionInfo,
    before: StoredVersion,
    after: &'a Bodies,
}

impl Checked<'_> {
    fn loosens(&self) -> Result<bool> {
        (self.info.loosens)(&self.after.body, &self.before.body)
    }

    fn change(&self) -> Result<audit::Change> {
        Ok(audit::Change {
            before: (self.info.shown)(self.before.number, &self.before.body)?,
            after: self.after.shown.clone(),
        })
    }
}

/// Waits for concurrent changes of the section, then checks the change.
pub(super) async fn check<'a>(
    tx: &mut Tx,
    change: &'a Change,
) -> Result<Checked<'a>, Stop<ConfigurationRefusal>> {
    let info = change.info;
    // Locks before the section is read, so that the read includes what a concurrent change committed.
    diesel::sql_query(info.wait).execute(tx.conn()).await?;
    let before = newest(tx.conn(), info.name).await?;
    let after = match &change.checked {
        Ok(after) => after,
        Err(refusal) => return Err(Stop::Refused(refusal.clone())),
    };
    if let Err(refusal) = (info.judge_stored)(tx, &after.body, &before.body).await? {
        return Err(Stop::Refused(refusal.within(change.path)));
    }
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
        info,
        before,
        after,
    })
}

/// Changes for the audit log: that of the section, or those of several by section.
struct BySection {
    entity: &'static str,
    before: Map<String, Value>,
    after: Map<String, Value>,
}

impl BySection {
    fn of(entity: &'static str) -> Self {
        let (before, after) = (Map::new(), Map::new());
        Self {
            entity,
            before,
            after,
        }
    }

    fn add(&mut self, section: &str, change: audit::Change) {
        self.before.insert(section.to_owned(), change.before);
        self.after.insert(section.to_owned(), change.after);
    }

    fn change(mut self) -> audit::Change {
        let before = self.before.remove(self.entity);
        let after = self.after.remove(self.entity);
        audit::Change {
            before: before.unwrap_or(Value::Object(self.before)),
            after: after.unwrap_or(Value::Object(self.after)),
        }
    }
}

/// The command that stores versions, and its author.
pub(super) struct Author<'a> {
    pub request: &'a Request,
    pub command: &'static str,
    pub updated_by: String,
    pub reason: &'a Reason,
}

/// Stores the new versions; returns their numbers, and the change of the command's object for the audit log.
pub(super) async fn store_all(
    tx: &mut Tx,
    author: &Author<'_>,
    entity: &'static str,
    checked: Vec<Checked<'_>>,
) -> Result<(BTreeMap<String, i32>, audit::Change)> {
    let mut shown = BySection::of(entity);
    let mut versions = BTreeMap::new();
    for section in checked {
        let name = section.info.name;
        let change = section.change()?;
        if name != entity {
            // An entry per section, so that the section's history is complete.
            let about = about(name, Some(author.reason.clone()));
            let (request, command) = (author.request, author.command);
            audit::append_applied(tx, request, command, Some(&about), &change, None).await?;
        }
        shown.add(name, change);
        versions.insert(name.to_owned(), store(tx, author, section).await?);
    }
    Ok((versions, shown.change()))
}

/// Stores the section's new version with its event; returns its number.
async fn store(tx: &mut Tx, author: &Author<'_>, section: Checked<'_>) -> Result<i32> {
    let number = section.before.number.saturating_add(1);
    (section.info.apply)(tx, &section.after.body, &section.before.body).await?;
    // Keeps the history in order when a transaction starts earlier and commits later.
    let updated_at = tx.now().max(section.before.updated_at);
    diesel::insert_into(rows::table)
        .values((
            rows::section.eq(section.info.name),
            rows::version.eq(number),
            rows::body.eq(with_unknown_settings(
                section.before.body,
                section.after.body.clone(),
            )),
            rows::updated_at.eq(updated_at),
            rows::updated_by.eq(&author.updated_by),
            rows::reason.eq(author.reason.as_str()),
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
        updated_by: author.updated_by.clone(),
        updated_at,
    });
    events.enqueue(tx, &author.request.request_id)?;
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

/// Stores a version of demo data.
pub(crate) async fn seed<S: Section>(tx: &mut Tx, section: &S, version: i32) -> Result<()> {
    diesel::insert_into(rows::table)
        .values((
            rows::section.eq(S::INFO.name),
            rows::version.eq(version),
            rows::body.eq(section.body()?),
            rows::updated_at.eq(tx.now()),
            rows::updated_by.eq("system"),
            rows::reason.eq("demo data"),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}
