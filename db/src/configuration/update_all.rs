//! Changing several sections at once: all of them or none.

use domain::mining::{MiningDraft, MiningRefusal, ReferralDraft, StreakDraft};
use domain::reason::Reason;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::body::Stored;
use super::update::{Change, Decided, Draft, Updated, about, decide, store};
use crate::audit;
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::{DbError, Tx};

/// Name of the command.
pub const UPDATE_ALL: &str = "configuration.system_update";

/// What all sections together are called in the audit log.
const SYSTEM: &str = "system";

/// Changes of sections, each of the version it names.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Of the section `mining`.
    pub mining: Option<Change<MiningDraft>>,
    /// Of the section `streak`.
    pub streak: Option<Change<StreakDraft>>,
    /// Of the section `referral`.
    pub referral: Option<Change<ReferralDraft>>,
    /// Why.
    pub reason: String,
}

/// What changing sections gives: the new version of each that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllUpdated {
    /// Of the section `mining`.
    pub mining: Option<i32>,
    /// Of the section `streak`.
    pub streak: Option<i32>,
    /// Of the section `referral`.
    pub referral: Option<i32>,
}

/// Changes the sections that are given, or none of them.
///
/// Refusals: [`MiningRefusal::ReasonInvalid`], [`MiningRefusal::NothingToChange`], then for `mining`, `streak` and
/// `referral` in this order those of [`super::update()`], as [`MiningRefusal::Section`].
pub async fn update_all(
    tx: &mut Tx,
    request: &Request,
    changes: &Changes,
) -> Result<Answer<AllUpdated>, DbError> {
    let mut key = match idempotency::claim(tx, UPDATE_ALL, request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = change_all(tx, request, &mut key, changes).await?;
    key.settle(tx, request, outcome).await
}

async fn change_all(
    tx: &mut Tx,
    request: &Request,
    key: &mut Key,
    changes: &Changes,
) -> Result<Result<AllUpdated, MiningRefusal>, DbError> {
    let reason = Reason::parse(&changes.reason);
    key.about(about(SYSTEM, reason.as_ref()));
    let Some(reason) = reason else {
        return Ok(Err(MiningRefusal::ReasonInvalid));
    };
    if changes.mining.is_none() && changes.streak.is_none() && changes.referral.is_none() {
        return Ok(Err(MiningRefusal::NothingToChange));
    }
    // All are decided before any is stored, and always in this order: nobody waits in a circle.
    let mining = match decide_section(tx, changes.mining.as_ref()).await? {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let streak = match decide_section(tx, changes.streak.as_ref()).await? {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let referral = match decide_section(tx, changes.referral.as_ref()).await? {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut all = Changed::default();
    let updated = AllUpdated {
        mining: all
            .store::<MiningDraft>(tx, request, &reason, mining)
            .await?,
        streak: all
            .store::<StreakDraft>(tx, request, &reason, streak)
            .await?,
        referral: all
            .store::<ReferralDraft>(tx, request, &reason, referral)
            .await?,
    };
    key.changed(audit::Change {
        before: all.before.into(),
        after: all.after.into(),
    });
    Ok(Ok(updated))
}

/// Decides about a section, if it is to change at all.
async fn decide_section<D: Draft>(
    tx: &mut Tx,
    change: Option<&Change<D>>,
) -> Result<Result<Option<Decided<D::Section>>, MiningRefusal>, DbError> {
    let Some(change) = change else {
        return Ok(Ok(None));
    };
    let decided = decide(tx, change).await?;
    Ok(decided.map(Some).map_err(|refusal| MiningRefusal::Section {
        section: D::Section::SECTION,
        refusal: Box::new(refusal),
    }))
}

/// The sections that were changed, by name.
#[derive(Default)]
struct Changed {
    before: Map<String, Value>,
    after: Map<String, Value>,
}

impl Changed {
    /// Stores a section, with an entry of the audit log of its own: whoever asks for the section's entries finds it.
    async fn store<D: Draft>(
        &mut self,
        tx: &mut Tx,
        request: &Request,
        reason: &Reason,
        decided: Option<Decided<D::Section>>,
    ) -> Result<Option<i32>, DbError> {
        let Some(decided) = decided else {
            return Ok(None);
        };
        let section = D::Section::SECTION;
        let about = about(section, Some(reason));
        let change = decided.change();
        audit::append_applied(tx, request, UPDATE_ALL, Some(&about), &change, None).await?;
        self.before.insert(section.to_owned(), change.before);
        self.after.insert(section.to_owned(), change.after);
        let Updated { version } = store::<D>(tx, request, reason, decided).await?;
        Ok(Some(version))
    }
}
