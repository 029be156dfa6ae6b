//! The audit log: what staff and services did or tried.

use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use domain::access::Principal;
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
        append(tx, &request, action, "FORBIDDEN", None, None).await
    })
    .await
}

/// Appends a command that a rule refused.
pub(crate) async fn append_refused(
    tx: &mut Tx,
    request: &Request,
    action: &str,
    refusal: &str,
) -> Result<(), DbError> {
    append(tx, request, action, "REFUSED", Some(refusal), None).await
}

/// What a command was about, why, and what it changed.
pub(crate) struct Entry<'a> {
    /// What kind of thing it was about.
    pub entity_kind: &'a str,
    /// Which one.
    pub entity_id: &'a str,
    /// Why, in the caller's words.
    pub reason: Option<&'a str>,
    /// The thing before.
    pub before: Value,
    /// The thing after.
    pub after: Value,
}

/// Appends a command that was carried out.
pub(crate) async fn append_applied(
    tx: &mut Tx,
    request: &Request,
    action: &str,
    entry: Entry<'_>,
) -> Result<(), DbError> {
    append(tx, request, action, "APPLIED", None, Some(entry)).await
}

async fn append(
    tx: &mut Tx,
    request: &Request,
    action: &str,
    outcome: &str,
    refusal: Option<&str>,
    entry: Option<Entry<'_>>,
) -> Result<(), DbError> {
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
            audit_log::action.eq(action),
            audit_log::outcome.eq(outcome),
            audit_log::refusal.eq(refusal),
            audit_log::request_id.eq(&request.request_id),
            audit_log::entity_kind.eq(entry.as_ref().map(|entry| entry.entity_kind)),
            audit_log::entity_id.eq(entry.as_ref().map(|entry| entry.entity_id)),
            audit_log::reason.eq(entry.as_ref().and_then(|entry| entry.reason)),
            audit_log::before.eq(entry.as_ref().map(|entry| &entry.before)),
            audit_log::after.eq(entry.as_ref().map(|entry| &entry.after)),
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
