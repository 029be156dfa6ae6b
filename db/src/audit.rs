//! The audit log: what staff and services did or tried.

use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use domain::access::Principal;
use domain::ids::TransactionId;
use domain::reason::Reason;
use domain::wallets::Origin;
use serde_json::Value;

use crate::idempotency::Request;
use crate::schema::audit_log;
use crate::{Db, DbError, Tx};

/// Issuer and subject of a principal.
#[must_use]
pub fn actor(principal: &Principal) -> (String, String) {
    match principal {
        Principal::Anonymous => (String::new(), "anonymous".to_owned()),
        Principal::Person(person) => (person.issuer.clone(), person.id.to_string()),
        Principal::Service(service) => (service.issuer.clone(), service.subject.clone()),
    }
}

/// Appends a command that its caller was not allowed, in a transaction of its own.
///
/// Only of staff and services: what users may not do is no news.
pub async fn append_forbidden(
    db: &Db,
    request: Request,
    action: &'static str,
) -> Result<(), DbError> {
    db.write("audit.forbidden", async move |tx| {
        append(tx, &request, Entry::of(action, "FORBIDDEN")).await
    })
    .await
}

/// What a command is about, and why it was given.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// What kind of thing.
    pub entity_kind: &'static str,
    /// Which one; none for one that is unknown.
    pub entity_id: Option<String>,
    /// Why, in the words of who gave it; services give none.
    pub reason: Option<Reason>,
}

/// A thing before and after a command.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Before.
    pub before: Value,
    /// After.
    pub after: Value,
}

/// A line of the log, but for who and when.
struct Entry<'a> {
    action: &'a str,
    outcome: &'static str,
    refusal: Option<&'a str>,
    about: Option<&'a About>,
    change: Option<&'a Change>,
    moved: Option<TransactionId>,
}

impl<'a> Entry<'a> {
    fn of(action: &'a str, outcome: &'static str) -> Self {
        Self {
            action,
            outcome,
            refusal: None,
            about: None,
            change: None,
            moved: None,
        }
    }
}

/// Appends a command that was carried out.
pub(crate) async fn append_applied(
    tx: &mut Tx,
    request: &Request,
    action: &str,
    about: Option<&About>,
    change: &Change,
    moved: Option<TransactionId>,
) -> Result<(), DbError> {
    let entry = Entry {
        about,
        change: Some(change),
        moved,
        ..Entry::of(action, "APPLIED")
    };
    append(tx, request, entry).await
}

/// Appends a command that a rule refused.
pub(crate) async fn append_refused(
    tx: &mut Tx,
    request: &Request,
    action: &str,
    about: Option<&About>,
    refusal: &str,
) -> Result<(), DbError> {
    let entry = Entry {
        about,
        refusal: Some(refusal),
        ..Entry::of(action, "REFUSED")
    };
    append(tx, request, entry).await
}

async fn append(tx: &mut Tx, request: &Request, entry: Entry<'_>) -> Result<(), DbError> {
    if !matches!(request.origin, Origin::Staff | Origin::Service) {
        return Ok(());
    }
    let (issuer, actor) = actor(&request.principal);
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::occurred_at.eq(tx.now()),
            audit_log::issuer.eq(issuer),
            audit_log::actor.eq(actor),
            audit_log::roles.eq(roles_of(&request.principal)),
            audit_log::action.eq(entry.action),
            audit_log::entity_kind.eq(entry.about.map(|about| about.entity_kind)),
            audit_log::entity_id.eq(entry.about.and_then(|about| about.entity_id.as_deref())),
            audit_log::reason.eq(entry
                .about
                .and_then(|about| about.reason.as_ref())
                .map(Reason::as_str)),
            audit_log::before.eq(entry.change.map(|change| &change.before)),
            audit_log::after.eq(entry.change.map(|change| &change.after)),
            audit_log::outcome.eq(entry.outcome),
            audit_log::refusal.eq(entry.refusal),
            audit_log::request_id.eq(&request.request_id),
            audit_log::transaction_id.eq(entry.moved.map(|id| id.0)),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Roles or scopes, as names.
fn roles_of(principal: &Principal) -> Vec<&'static str> {
    match principal {
        Principal::Person(person) => person.roles.iter().map(|role| role.name()).collect(),
        Principal::Service(service) => service.scopes.iter().map(|scope| scope.name()).collect(),
        Principal::Anonymous => Vec::new(),
    }
}
