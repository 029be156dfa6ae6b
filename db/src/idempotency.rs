//! Idempotency: the first answer of a command is stored with its effect and returned to every retry.

use diesel::sql_types::BigInt;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, HasQuery, OptionalExtension, QueryDsl, QueryResult,
};
use diesel_async::RunQueryDsl;
use domain::access::Principal;
use domain::ids::TransactionId;
use domain::refusal::declaration;
use domain::wallets::Origin;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join3};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::command::{Command, Home, KeyRule, Refusal, Refused, Request, Stop};
use crate::platform::audit;
use crate::schema::{idempotency_keys as keys, owners};
use crate::{Connection, DbError, Result, Tx, operation_trace, service_refusals};

#[diesel::declare_sql_function]
extern "SQL" {
    /// Takes a lock until the end of the transaction, or returns false at once.
    fn pg_try_advisory_xact_lock(key: BigInt) -> Bool;
}

/// Answer of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// Result, or the refusal.
    pub outcome: Result<T, Refused>,
    /// Whether it is the stored answer of an earlier request.
    pub is_replay: bool,
}

/// Facts of a command that are stored with its answer: the ledger's transaction, and the audit entry.
#[derive(Default)]
pub struct Key {
    /// The ledger's transaction of the command, if it posted.
    pub transaction_id: Option<TransactionId>,
    /// The object of the command, for the audit log; also of a refused one.
    pub about: Option<audit::About>,
    /// The change of the object, for the audit log.
    pub change: Option<audit::Change>,
}

/// Runs the body of a command once per idempotency key: a retry returns the stored answer. The answer, the audit entry
/// of staff and services, and the effect commit together. A refusal commits with its key; its events are discarded, and
/// the body writes nothing before its last check.
///
/// Faults: [`DbError::InProgress`] while the same command runs, [`DbError::KeyReused`] when the key belongs to another
/// input, [`DbError::KeysExceeded`] when the caller stored as many keys as allowed.
pub(crate) async fn once<T, R, F>(
    tx: &mut Tx,
    request: &Request,
    command: &'static Command<R>,
    body: F,
) -> Result<Answer<T>>
where
    T: Serialize + DeserializeOwned,
    R: Refusal,
    F: AsyncFnOnce(&mut Tx, &mut Key) -> Result<T, Stop<R>>,
{
    let body = async |tx: &mut Tx, key: &mut Key, ()| body(tx, key).await;
    once_reading(tx, request, command, no_read, body).await
}

/// [`once`] with what the body begins with, read without locks in the round trip that claims the key.
pub(crate) async fn once_reading<T, R, P, F>(
    tx: &mut Tx,
    request: &Request,
    command: &'static Command<R>,
    read: impl FnOnce(&Connection) -> BoxFuture<'_, Result<P>>,
    body: F,
) -> Result<Answer<T>>
where
    T: Serialize + DeserializeOwned,
    R: Refusal,
    F: AsyncFnOnce(&mut Tx, &mut Key, P) -> Result<T, Stop<R>>,
{
    let (mut claimed, read) = claim(tx, command.name, request, read).await?;
    let own = request.without_subject();
    let request = match claimed {
        // The object does not exist, so the refusal is stored with the caller's own rows.
        Claim::NoHome => {
            (claimed, ()) = claim(tx, command.name, &own, no_read).await?;
            &own
        }
        Claim::Stored(_) | Claim::Granted => request,
    };
    if let Claim::Stored(answer) = claimed {
        return replay(request, answer);
    }
    reserve(tx, request)?;
    let mut key = Key::default();
    let mut is_final = true;
    let done = body(tx, &mut key, read).await;
    if let Some(id) = key.transaction_id {
        operation_trace::identify("goodgo.transaction_id", id.0);
    }
    if let Ok(home) = request.home() {
        operation_trace::identify("goodgo.owner_id", home.id());
    }
    let outcome = match done {
        Ok(done) => Ok(done),
        Err(stop) => {
            let (refusal, stored) = stop.stored()?;
            let texts = &declaration::<R>(refusal.kind()).texts;
            check_listed(command, &refusal)?;
            is_final = texts.is_final;
            if request.origin == Origin::Service {
                service_refusals::count(&request.caller(), command.name, texts.code);
            }
            Err(stored)
        }
    };
    if outcome.is_err() {
        tx.events.clear();
        tx.last_writes.clear();
    }
    let answer = match &outcome {
        Ok(done) => serde_json::to_value(done),
        Err(refused) => serde_json::to_value(refused),
    }
    .map_err(|error| DbError::inconsistent("idempotency_keys", "answer", error))?;
    // A service's posting needs no entry: its transfers carry the caller, and its refusals are counted.
    let is_posting = key.transaction_id.is_some() || outcome.is_err();
    let is_traced = command.key == KeyRule::Required && is_posting;
    if request.origin != Origin::Service || !is_traced {
        audit(tx, request, command.name, &key, &answer, outcome.is_err()).await?;
    }
    if is_final {
        store(tx, request, command.name, &key, answer, outcome.is_err())?;
    } else {
        tx.reserved_key = None;
    }
    Ok(Answer {
        outcome,
        is_replay: false,
    })
}

/// A fault for a refusal that the command's descriptor does not list.
fn check_listed<R: Refusal>(command: &Command<R>, refusal: &R) -> Result<()> {
    if command.refusals.contains(&refusal.kind()) {
        return Ok(());
    }
    let what = format!("{} refused with {}", command.name, refusal.code());
    Err(DbError::inconsistent("descriptor", "refusals", what))
}

#[derive(HasQuery)]
#[diesel(table_name = keys, check_for_backend(diesel::pg::Pg))]
struct Stored {
    request_hash: Vec<u8>,
    is_refused: bool,
    answer: serde_json::Value,
}

fn replay<T: DeserializeOwned>(request: &Request, stored: Stored) -> Result<Answer<T>> {
    let outcome = if stored.is_refused {
        serde_json::from_value(stored.answer).map(Err)
    } else {
        serde_json::from_value(stored.answer).map(Ok)
    };
    let unreadable = |error| {
        let what = format!("{}: {error}", request.key.as_deref().unwrap_or_default());
        DbError::inconsistent("idempotency_keys", "answer", what)
    };
    Ok(Answer {
        outcome: outcome.map_err(unreadable)?,
        is_replay: true,
    })
}

/// Reads nothing.
fn no_read(_: &Connection) -> BoxFuture<'_, Result<()>> {
    std::future::ready(Ok(())).boxed()
}

/// Result of claiming a key.
enum Claim {
    /// The command was carried out before.
    Stored(Stored),
    /// The command is to be carried out; also without a key.
    Granted,
    /// The owner of the named object does not exist, nor does the object.
    NoHome,
}

/// Claims the request's key without waiting. Reads what the body begins with in the same round trip.
async fn claim<P>(
    tx: &mut Tx,
    operation: &'static str,
    request: &Request,
    read: impl FnOnce(&Connection) -> BoxFuture<'_, Result<P>>,
) -> Result<(Claim, P)> {
    let Some(key) = &request.key else {
        return Ok((Claim::Granted, read(tx.conn()).await?));
    };
    let caller = request.caller();
    let home = request.home()?;
    // On a row that always exists, so that a cluster takes the lock on the shard of the key.
    let lock = owners::table
        .filter(owners::owner_id.eq(home.id()))
        .limit(1)
        .select(pg_try_advisory_xact_lock(lock_of(
            home.id(),
            &caller,
            operation,
            key,
        )));
    // A statement of its own, which begins behind the other in one round trip: its snapshot has to include what the lock's
    // last holder committed. It searches all live days.
    let look_up = Stored::query().filter(
        keys::home_id
            .eq(home.id())
            .and(keys::caller.eq(&caller))
            .and(keys::operation.eq(operation))
            .and(keys::key.eq(key)),
    );
    let conn: &Connection = tx.conn();
    let (mut locking, mut looking) = (conn, conn);
    let (granted, stored, read): (QueryResult<bool>, QueryResult<Stored>, Result<P>) = join3(
        lock.first(&mut locking),
        look_up.first(&mut looking),
        read(conn),
    )
    .await;
    match (granted.optional()?, home) {
        (Some(true), _) => {}
        (Some(false), _) => return Err(DbError::InProgress),
        (None, Home::Owner(owner)) => return Err(DbError::UnknownOwners(vec![owner])),
        (None, Home::OfObject(_)) => return Ok((Claim::NoHome, read?)),
    }
    tx.holds_key = true;
    match stored.optional()? {
        Some(stored) if stored.request_hash != request.hash => Err(DbError::KeyReused),
        Some(stored) => Ok((Claim::Stored(stored), read?)),
        None => Ok((Claim::Granted, read?)),
    }
}

/// Reserves the key of a person who sends a new one.
fn reserve(tx: &mut Tx, request: &Request) -> Result<()> {
    let (Some(_), Principal::Person(person)) = (&request.key, &request.principal) else {
        return Ok(());
    };
    let reserved = tx.key_quota().reserve(person.id.0);
    let exceeded = |retry_after_seconds| DbError::KeysExceeded {
        retry_after_seconds,
    };
    tx.reserved_key = Some(reserved.map_err(exceeded)?);
    Ok(())
}

/// Appends an audit entry for commands of staff and services.
async fn audit(
    tx: &mut Tx,
    request: &Request,
    operation: &'static str,
    claimed: &Key,
    answer: &serde_json::Value,
    is_refused: bool,
) -> Result<()> {
    let about = claimed.about.as_ref();
    if is_refused {
        audit::append_refused(tx, request, operation, about, answer).await?;
    } else if let Some(change) = &claimed.change {
        let posted = claimed.transaction_id;
        audit::append_applied(tx, request, operation, about, change, posted).await?;
    }
    Ok(())
}

/// Stores the answer with its key.
fn store(
    tx: &mut Tx,
    request: &Request,
    operation: &'static str,
    claimed: &Key,
    answer: serde_json::Value,
    is_refused: bool,
) -> Result<()> {
    let Some(key) = &request.key else {
        return Ok(());
    };
    let now = tx.now();
    let insert = diesel::insert_into(keys::table).values((
        keys::home_id.eq(request.home()?.id()),
        keys::day.eq(now.date_naive()),
        keys::caller.eq(request.caller()),
        keys::operation.eq(operation),
        keys::key.eq(key.clone()),
        keys::request_hash.eq(request.hash.to_vec()),
        keys::is_refused.eq(is_refused),
        keys::answer.eq(answer),
        keys::transaction_id.eq(claimed.transaction_id.map(|id| id.0)),
        keys::created_at.eq(now),
    ));
    tx.write_last("idempotency_keys", 1, insert);
    Ok(())
}

fn lock_of(home: Uuid, caller: &str, operation: &str, key: &str) -> i64 {
    let digest = Sha256::new()
        .chain_update(home)
        .chain_update(caller)
        .chain_update([0])
        .chain_update(operation)
        .chain_update([0])
        .chain_update(key)
        .finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}
