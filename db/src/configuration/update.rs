//! Changing a section: a new version of it, in force for whatever is decided after the commit.

use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use domain::mining::{
    MiningConfiguration, MiningDraft, MiningRefusal, ReferralConfiguration, ReferralDraft,
    SettingRefusal, StreakConfiguration, StreakDraft,
};
use domain::reason::Reason;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::body::Stored;
use super::versions::newest;
use crate::audit::{self, About};
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::outbox::{self, NewEvent};
use crate::schema::configurations as rows;
use crate::{DbError, Tx};

/// What a section is to be.
pub trait Draft: Clone + Send + Sync + 'static {
    /// The section when it makes sense.
    type Section: Stored + Send + Sync;

    /// Name of the command.
    const COMMAND: &'static str;

    /// By what events name the section.
    const SUBJECT: Uuid;

    /// Judges the draft as the section's version of this number, after the one in force before.
    fn judge(&self, version: i32, before: &Self::Section) -> Result<Self::Section, SettingRefusal>;
}

macro_rules! drafts {
    ($($draft:ident of $section:ident: $command:literal, $number:literal, $judge:expr;)+) => {$(
        impl Draft for $draft {
            type Section = $section;
            const COMMAND: &'static str = $command;
            const SUBJECT: Uuid = Uuid::from_u128($number);

            fn judge(&self, version: i32, before: &$section) -> Result<$section, SettingRefusal> {
                $judge(self, version, before)
            }
        }
    )+};
}
drafts! {
    MiningDraft of MiningConfiguration: "configuration.mining_update", 0xc0f1_0000_0000_8000_8000_0000_0000_0001, MiningDraft::judge;
    StreakDraft of StreakConfiguration: "configuration.streak_update", 0xc0f1_0000_0000_8000_8000_0000_0000_0002, |draft: &Self, version, _| draft.judge(version);
    ReferralDraft of ReferralConfiguration: "configuration.referral_update", 0xc0f1_0000_0000_8000_8000_0000_0000_0003, |draft: &Self, version, _| draft.judge(version);
}

/// A change of a section.
#[derive(Clone, Debug)]
pub struct Change<D> {
    /// What the section is to be.
    pub draft: D,
    /// The version that is changed: nobody overwrites what they haven't seen.
    pub version: i32,
    /// Why.
    pub reason: String,
}

/// What changing a section gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updated {
    /// The new version; it never changes.
    pub version: i32,
}

/// Changes a section.
///
/// Refusals: [`MiningRefusal::ReasonInvalid`], [`MiningRefusal::Setting`] for the first field that makes no sense, and
/// [`MiningRefusal::ConfigurationStale`]. Of two changes of one version one is refused.
pub async fn update<D: Draft>(
    tx: &mut Tx,
    request: &Request,
    change: &Change<D>,
) -> Result<Answer<Updated>, DbError> {
    let mut key = match idempotency::claim(tx, D::COMMAND, request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = store(tx, request, &mut key, change).await?;
    key.settle(tx, request, outcome).await
}

async fn store<D: Draft>(
    tx: &mut Tx,
    request: &Request,
    key: &mut Key,
    change: &Change<D>,
) -> Result<Result<Updated, MiningRefusal>, DbError> {
    let section = D::Section::SECTION;
    let Some(reason) = Reason::parse(&change.reason) else {
        return Ok(Err(MiningRefusal::ReasonInvalid));
    };
    key.about(About {
        entity_kind: "configuration",
        entity_id: Some(section.to_owned()),
        reason: Some(reason.clone()),
    });
    let number = change.version.saturating_add(1);
    let before = newest::<D::Section>(tx.conn()).await?;
    let settings = match change.draft.judge(number, &before.settings) {
        Ok(settings) => settings,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    if before.number != change.version {
        let version = before.number;
        return Ok(Err(MiningRefusal::ConfigurationStale { version }));
    }
    // Whoever began earlier but comes later doesn't put the history out of order.
    let updated_at = tx.now().max(before.updated_at);
    let (_, updated_by) = audit::actor(&request.principal);
    // Versions are numbered without a gap, so the primary key lets one of two through; the other waits for its commit.
    let inserted = diesel::insert_into(rows::table)
        .values((
            rows::section.eq(section),
            rows::version.eq(number),
            rows::body.eq(settings.body()?),
            rows::updated_at.eq(updated_at),
            rows::updated_by.eq(&updated_by),
            rows::reason.eq(reason.as_str()),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    if inserted == 0 {
        let version = newest::<D::Section>(tx.conn()).await?.number;
        return Ok(Err(MiningRefusal::ConfigurationStale { version }));
    }
    key.changed(audit::Change {
        before: before.settings.shown(),
        after: settings.shown(),
    });
    let event = NewEvent {
        name: "ConfigurationUpdated",
        subject_kind: "configuration",
        subject_id: D::SUBJECT,
        audience: None,
        sequence: i64::from(number),
        payload: json!({
            "configType": section, "version": number, "updatedBy": updated_by,
            "updatedAt": updated_at.to_rfc3339(),
        }),
        transaction_id: None,
    };
    outbox::append(tx, &request.request_id, event).await?;
    Ok(Ok(Updated { version: number }))
}
