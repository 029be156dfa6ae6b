//! Changing sections: a new version of each, in force for whatever is decided after the commit.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::mining::{
    MiningConfiguration, MiningDraft, MiningRefusal, ReferralConfiguration, ReferralDraft,
    SettingRefusal, StreakConfiguration, StreakDraft,
};
use domain::reason::Reason;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Stored;
use super::versions::{Version, newest};
use crate::audit::{self, About};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::outbox::{self, NewEvent};
use crate::schema::configurations as rows;
use crate::{Connection, DbError, Tx};

/// What a section is to be.
pub trait Draft: Clone + Send + Sync + 'static {
    /// The section when it makes sense.
    type Section: Stored + Send + Sync;

    /// Name of the command.
    const COMMAND: &'static str;

    /// By what events name the section.
    const SUBJECT: Uuid;

    /// Waits for whoever is changing the section, until they are done.
    const WAIT: &'static str;

    /// Judges the draft as the section's version of this number, after the one in force before.
    fn judge(&self, version: i32, before: &Self::Section) -> Result<Self::Section, SettingRefusal>;
}

macro_rules! drafts {
    ($($draft:ident of $section:ident: $command:literal, $number:literal, $lock:literal, $judge:expr;)+) => {$(
        impl Draft for $draft {
            type Section = $section;
            const COMMAND: &'static str = $command;
            const SUBJECT: Uuid = Uuid::from_u128($number);
            const WAIT: &'static str = concat!("SELECT pg_advisory_xact_lock(", $lock, ")");

            fn judge(&self, version: i32, before: &$section) -> Result<$section, SettingRefusal> {
                $judge(self, version, before)
            }
        }
    )+};
}
drafts! {
    MiningDraft of MiningConfiguration: "configuration.mining_update", 0xc0f1_0000_0000_8000_8000_0000_0000_0001, 727281, MiningDraft::judge;
    StreakDraft of StreakConfiguration: "configuration.streak_update", 0xc0f1_0000_0000_8000_8000_0000_0000_0002, 727282, |draft: &Self, version, _| draft.judge(version);
    ReferralDraft of ReferralConfiguration: "configuration.referral_update", 0xc0f1_0000_0000_8000_8000_0000_0000_0003, 727283, |draft: &Self, version, _| draft.judge(version);
}

/// A change of a section.
#[derive(Clone, Debug)]
pub struct Change<D> {
    /// What the section is to be.
    pub draft: D,
    /// The version that is changed: nobody overwrites what they haven't seen.
    pub version: i32,
}

/// What changing a section gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updated {
    /// The new version; it never changes.
    pub version: i32,
}

/// A section that may come into force: what it is, and what it is to be.
pub(super) struct Decided<S> {
    before: Version<S>,
    settings: S,
}

/// Changes a section.
///
/// Refusals: [`MiningRefusal::ReasonInvalid`], [`MiningRefusal::Setting`] for the first field that makes no sense, and
/// [`MiningRefusal::ConfigurationStale`]. Of two changes of one version one is refused.
pub async fn update<D: Draft>(
    tx: &mut Tx,
    request: &Request,
    change: &Change<D>,
    reason: &str,
) -> Result<Answer<Updated>, DbError> {
    let mut key = match idempotency::claim(tx, D::COMMAND, request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let reason = Reason::parse(reason);
    key.about(about(D::Section::SECTION, reason.as_ref()));
    let Some(reason) = reason else {
        let refusal = MiningRefusal::ReasonInvalid;
        return key.settle(tx, request, Err::<Updated, _>(refusal)).await;
    };
    let outcome = match decide(tx, change).await? {
        Ok(decided) => {
            key.changed(decided.change());
            Ok(store::<D>(tx, request, &reason, decided).await?)
        }
        Err(refusal) => Err(refusal),
    };
    key.settle(tx, request, outcome).await
}

/// A section, or all of them, as the audit log names them; without a reason, if that made no sense.
pub(super) fn about(name: &str, reason: Option<&Reason>) -> About {
    About {
        entity_kind: "configuration",
        entity_id: Some(name.to_owned()),
        reason: reason.cloned(),
    }
}

/// Waits for its turn to change the section, and says whether the change may be made. Nothing is stored yet.
pub(super) async fn decide<D: Draft>(
    tx: &mut Tx,
    change: &Change<D>,
) -> Result<Result<Decided<D::Section>, MiningRefusal>, DbError> {
    // Before the section is read: whoever comes second sees what the first one committed.
    diesel::sql_query(D::WAIT).execute(tx.conn()).await?;
    let before = newest::<D::Section>(tx.conn()).await?;
    let number = change.version.saturating_add(1);
    let settings = match change.draft.judge(number, &before.settings) {
        Ok(settings) => settings,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    if before.number != change.version {
        let version = before.number;
        return Ok(Err(MiningRefusal::ConfigurationStale { version }));
    }
    Ok(Ok(Decided { before, settings }))
}

impl<S: Stored> Decided<S> {
    /// What the audit log keeps of it.
    pub(super) fn change(&self) -> audit::Change {
        audit::Change {
            before: self.before.settings.shown(),
            after: self.settings.shown(),
        }
    }
}

/// Stores the section's new version, and tells the platform.
pub(super) async fn store<D: Draft>(
    tx: &mut Tx,
    request: &Request,
    reason: &Reason,
    decided: Decided<D::Section>,
) -> Result<Updated, DbError> {
    let Decided { before, settings } = decided;
    let section = D::Section::SECTION;
    let number = before.number.saturating_add(1);
    // Whoever began earlier but comes later doesn't put the history out of order.
    let updated_at = tx.now().max(before.updated_at);
    let (_, updated_by) = audit::actor(&request.principal);
    let body = carried_on::<D::Section>(tx.conn(), before.number, settings.body()?).await?;
    diesel::insert_into(rows::table)
        .values((
            rows::section.eq(section),
            rows::version.eq(number),
            rows::body.eq(body),
            rows::updated_at.eq(updated_at),
            rows::updated_by.eq(&updated_by),
            rows::reason.eq(reason.as_str()),
        ))
        .execute(tx.conn())
        .await?;
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
    Ok(Updated { version: number })
}

/// A new body with what the version before says beyond it: a newer program's settings are not this one's to take away.
async fn carried_on<S: Stored>(
    conn: &mut Connection,
    before: i32,
    body: Value,
) -> Result<Value, DbError> {
    let mut carried: Value = rows::table
        .find((S::SECTION, before))
        .select(rows::body)
        .first(conn)
        .await?;
    match (&mut carried, body) {
        (Value::Object(carried), Value::Object(body)) => carried.extend(body),
        (carried, body) => *carried = body,
    }
    Ok(carried)
}
