//! Changes of sections that wait for a second person.

use std::marker::PhantomData;

use domain::ids::UserId;
use domain::platform::ConfigurationRefusal;
use domain::reason::Reason;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::update::{Author, Bodies, Change, check, store_all};
use super::{SYSTEM, SectionInfo, SectionsUpdate};
use crate::command::{Command, Request, Stop};
use crate::idempotency::Key;
use crate::platform::approval::{Effect, Proposal};
use crate::{DbError, Result, SECTIONS, Tx};

/// A section that would be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedSection {
    /// Name of the section.
    pub section: String,
    /// Version that would be replaced.
    pub replaces: i32,
    /// The section under the names of the API.
    pub configuration: Value,
    /// The section as it would be stored.
    pub(super) body: Value,
}

/// A change of sections that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct SectionsProposal<C> {
    /// The new sections.
    pub sections: Vec<ProposedSection>,
    reason: String,
    #[serde(skip)]
    of: PhantomData<fn() -> C>,
}

impl<C: SectionsUpdate> SectionsProposal<C> {
    pub(super) fn new(sections: Vec<ProposedSection>, reason: &Reason) -> Self {
        Self {
            sections,
            reason: reason.as_str().to_owned(),
            of: PhantomData,
        }
    }
}

fn section(name: &str) -> Result<&'static SectionInfo> {
    let known = SECTIONS.iter().find(|info| info.name == name);
    known
        .copied()
        .ok_or_else(|| DbError::inconsistent("approvals", "proposal", name))
}

impl<C: SectionsUpdate> Proposal for SectionsProposal<C> {
    type Refusal = ConfigurationRefusal;
    const COMMAND: &'static Command<ConfigurationRefusal> = C::COMMAND;

    fn entity_id(_: Uuid) -> String {
        C::ENTITY.to_owned()
    }

    async fn carry_out(
        self,
        tx: &mut Tx,
        _: &mut Key,
        request: &Request,
        requested_by: UserId,
    ) -> Result<Effect, Stop<ConfigurationRefusal>> {
        let reason = Reason::parse(&self.reason)
            .ok_or_else(|| DbError::inconsistent("approvals", "proposal", "reason"))?;
        let changes = self.sections.into_iter().map(|proposed| {
            let info = section(&proposed.section)?;
            Ok(Change {
                info,
                replaces: proposed.replaces,
                path: if C::ENTITY == SYSTEM {
                    info.name
                } else {
                    "configuration"
                },
                checked: Ok(Bodies {
                    body: proposed.body,
                    shown: proposed.configuration,
                }),
            })
        });
        let changes: Vec<Change> = changes.collect::<Result<_>>()?;
        let mut checked = Vec::with_capacity(changes.len());
        for change in &changes {
            checked.push(check(tx, change).await?);
        }
        let author = Author {
            request,
            command: C::COMMAND.name,
            updated_by: requested_by.0.to_string(),
            reason: &reason,
        };
        let (_, change) = store_all(tx, &author, C::ENTITY, checked).await?;
        Ok(Effect {
            // `entity_id` names the object.
            entity: ("configuration", Uuid::nil()),
            change,
        })
    }
}
