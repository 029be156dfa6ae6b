//! The audit log: commands that staff and services carried out or attempted.

pub mod queries;

use diesel::ExpressionMethods;
use diesel::dsl::sql;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use domain::access::Principal;
use domain::ids::TransactionId;
use domain::reason::Reason;
use domain::wallets::Origin;
use serde_json::Value;
use uuid::Uuid;

use crate::command::{Request, actor};
use crate::platform::users;
use crate::schema::audit_log;
use crate::{Db, Result, Tx};

/// Appends a command that the policy denied, in a transaction of its own. Only those of staff and services are recorded:
/// one entry per caller, command and minute, with the number of attempts.
pub async fn append_forbidden(db: &Db, request: Request, action: &'static str) -> Result<()> {
    db.write("audit.forbidden", async move |tx| {
        append(tx, &request, Entry::of(action, FORBIDDEN)).await
    })
    .await
}

/// Outcome of denied commands.
const FORBIDDEN: &str = "FORBIDDEN";
/// The unique index of denied commands.
const FORBIDDEN_KEY: &str = "(issuer, actor, action, date_trunc('minute', occurred_at AT TIME ZONE 'UTC')) WHERE outcome = 'FORBIDDEN'";

/// The object of a command, and its reason.
#[derive(Clone, Debug)]
pub struct About {
    /// Kind of the object.
    pub entity_kind: &'static str,
    /// Key of the object; none for one that does not exist.
    pub entity_id: Option<String>,
    /// Reason of the caller; none for commands that take none.
    pub reason: Option<Reason>,
}

impl About {
    /// An object with a UUID.
    #[must_use]
    pub fn new(entity_kind: &'static str, id: Option<Uuid>, reason: Option<Reason>) -> Self {
        Self {
            entity_kind,
            entity_id: id.map(|id| id.to_string()),
            reason,
        }
    }
}

/// An object before and after a command, under the names of the API.
#[derive(Clone, Debug)]
pub struct Change {
    /// Before.
    pub before: Value,
    /// After.
    pub after: Value,
}

/// An entry without caller and time.
struct Entry<'a> {
    action: &'a str,
    outcome: &'static str,
    refusal: Option<&'a Value>,
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
) -> Result<()> {
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
    refusal: &Value,
) -> Result<()> {
    let entry = Entry {
        about,
        refusal: Some(refusal),
        ..Entry::of(action, "REFUSED")
    };
    append(tx, request, entry).await
}

async fn append(tx: &mut Tx, request: &Request, entry: Entry<'_>) -> Result<()> {
    if !matches!(request.origin, Origin::Staff | Origin::Service) {
        return Ok(());
    }
    if let Principal::Person(person) = &request.principal {
        users::ensure_exists(tx, person).await?;
    }
    let (issuer, actor) = actor(&request.principal);
    let insert = diesel::insert_into(audit_log::table).values((
        audit_log::occurred_at.eq(tx.now()),
        audit_log::issuer.eq(issuer),
        audit_log::actor.eq(actor),
        audit_log::is_service.eq(matches!(request.principal, Principal::Service(_))),
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
    ));
    if entry.outcome == FORBIDDEN {
        insert
            .on_conflict(sql::<Bool>(FORBIDDEN_KEY))
            .do_update()
            .set(audit_log::attempts.eq(audit_log::attempts + 1))
            .execute(tx.conn())
            .await?;
    } else {
        // Diesel caches only this prepared statement.
        insert.execute(tx.conn()).await?;
    }
    Ok(())
}

/// Names of roles or scopes.
fn roles_of(principal: &Principal) -> Vec<&'static str> {
    match principal {
        Principal::Person(person) => person.roles.iter().map(|role| role.name()).collect(),
        Principal::Service(service) => service.scopes.iter().map(|scope| scope.name()).collect(),
        Principal::Anonymous => Vec::new(),
    }
}
