//! Idempotency: a command's first answer, stored with its effect and given again.
//!
//! A command begins with `claim` and ends with `Key::settle`; in between it locks, asks `domain`, and stores.

use std::collections::BTreeMap;

use diesel::sql_types::BigInt;
use diesel::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::access::Principal;
use domain::ids::TransactionId;
use domain::wallets::Origin;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::schema::idempotency_keys as keys;
use crate::{DbError, Tx, audit};

diesel::define_sql_function! {
    /// Takes a lock until the end of the transaction, or answers false at once.
    fn pg_try_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Bool;
}

/// Who asks for a command, and under which key.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who.
    pub principal: Principal,
    /// In which capacity: what staff do about their own miner or wallet, they do as users.
    pub origin: Origin,
    /// The key; a command without one is carried out each time it is sent.
    pub key: Option<String>,
    /// SHA-256 of the command's input.
    pub hash: [u8; 32],
    /// The request it came with.
    pub request_id: String,
}

impl Request {
    /// The hash of a command's input, given as its canonical text.
    #[must_use]
    pub fn hash_of(input: &str) -> [u8; 32] {
        Sha256::digest(input.as_bytes()).into()
    }

    /// Issuer and subject: keys belong to their caller.
    fn caller(&self) -> String {
        let (issuer, subject) = audit::actor(&self.principal);
        format!("{issuer}|{subject}")
    }
}

/// A refusal as it is stored and shown: what a person can mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// For programs.
    pub code: String,
    /// For people, in English.
    pub message: String,
    /// Path of the input's field it is about, if it is about one.
    pub field: Option<Vec<String>>,
    /// Facts for a message in another language.
    pub facts: BTreeMap<String, String>,
}

/// A rule's refusal, for storing and showing. Implemented beside each context's commands.
pub(crate) trait Refusal: std::fmt::Display {
    /// For programs.
    fn code(&self) -> &'static str;

    /// The input's field it is about.
    fn field(&self) -> Option<&'static str> {
        None
    }

    /// The path of that field, where it lies deeper in the input.
    fn path(&self) -> Option<Vec<String>> {
        self.field().map(|field| vec![field.to_owned()])
    }

    /// Facts for a message in another language.
    fn facts(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The refusal as it is stored.
    fn refused(&self) -> Refused {
        Refused {
            code: self.code().to_owned(),
            message: self.to_string(),
            field: self.path(),
            facts: self
                .facts()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }
}

/// A command's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was done, or why not.
    pub outcome: Result<T, Refused>,
    /// Whether it is the stored answer of an earlier request.
    pub is_replay: bool,
}

/// What claiming a key gives.
pub(crate) enum Claimed<T> {
    /// The command was answered before.
    Replay(Answer<T>),
    /// Go on.
    Fresh(Key),
}

/// A claimed key: what is decided goes in with it.
pub(crate) struct Key {
    operation: &'static str,
    transaction_id: Option<TransactionId>,
    about: Option<audit::About>,
    change: Option<audit::Change>,
}

/// Claims the request's key for an operation. Never waits.
///
/// Faults: [`DbError::InProgress`] when the same command is running, [`DbError::KeyReused`] when the key was used for
/// another request.
pub(crate) async fn claim<T: DeserializeOwned>(
    tx: &mut Tx,
    operation: &'static str,
    request: &Request,
) -> Result<Claimed<T>, DbError> {
    let fresh = Claimed::Fresh(Key {
        operation,
        transaction_id: None,
        about: None,
        change: None,
    });
    let Some(key) = &request.key else {
        return Ok(fresh);
    };
    let caller = request.caller();
    let granted: bool = diesel::select(pg_try_advisory_xact_lock(lock_of(&caller, operation, key)))
        .get_result(tx.conn())
        .await?;
    if !granted {
        return Err(DbError::InProgress);
    }
    tx.note_key();
    // In a statement of its own: it must see what the lock's last holder committed. All live days are searched.
    let stored: Option<(Vec<u8>, bool, serde_json::Value)> = keys::table
        .filter(
            keys::caller
                .eq(&caller)
                .and(keys::operation.eq(operation))
                .and(keys::key.eq(key)),
        )
        .select((keys::request_hash, keys::is_refused, keys::answer))
        .first(tx.conn())
        .await
        .optional()?;
    let Some((hash, is_refused, answer)) = stored else {
        return Ok(fresh);
    };
    if hash != request.hash {
        return Err(DbError::KeyReused);
    }
    let unreadable =
        |error| DbError::inconsistent("idempotency_keys", "answer", format!("{key}: {error}"));
    Ok(Claimed::Replay(Answer {
        outcome: if is_refused {
            Err(serde_json::from_value(answer).map_err(unreadable)?)
        } else {
            Ok(serde_json::from_value(answer).map_err(unreadable)?)
        },
        is_replay: true,
    }))
}

impl Key {
    /// Notes the ledger's transaction of the command.
    pub(crate) fn moved(&mut self, transaction_id: TransactionId) {
        self.transaction_id = Some(transaction_id);
    }

    /// The ledger's transaction of the command, once it moved something.
    pub(crate) fn transaction(&self) -> Option<TransactionId> {
        self.transaction_id
    }

    /// Notes what the command is about: the audit log says so, whatever becomes of it.
    pub(crate) fn about(&mut self, about: audit::About) {
        self.about = Some(about);
    }

    /// Notes what the command changed: the audit log keeps it.
    pub(crate) fn changed(&mut self, change: audit::Change) {
        self.change = Some(change);
    }

    /// Stores the outcome with its key and, for what staff and services changed or are refused, an audit entry.
    pub(crate) async fn settle<T, R>(
        self,
        tx: &mut Tx,
        request: &Request,
        outcome: Result<T, R>,
    ) -> Result<Answer<T>, DbError>
    where
        T: Serialize,
        R: Refusal,
    {
        let outcome = outcome.map_err(|refusal| refusal.refused());
        let about = self.about.as_ref();
        match (&outcome, &self.change) {
            (Err(refused), _) => {
                audit::append_refused(tx, request, self.operation, about, &refused.code).await?;
            }
            (Ok(_), Some(change)) => {
                let moved = self.transaction_id;
                audit::append_applied(tx, request, self.operation, about, change, moved).await?;
            }
            (Ok(_), None) => {}
        }
        if let Some(key) = &request.key {
            let answer = match &outcome {
                Ok(done) => serde_json::to_value(done),
                Err(refused) => serde_json::to_value(refused),
            }
            .map_err(|error| DbError::inconsistent("idempotency_keys", "answer", error))?;
            let now = tx.now();
            diesel::insert_into(keys::table)
                .values((
                    keys::day.eq(now.date_naive()),
                    keys::caller.eq(request.caller()),
                    keys::operation.eq(self.operation),
                    keys::key.eq(key),
                    keys::request_hash.eq(&request.hash[..]),
                    keys::is_refused.eq(outcome.is_err()),
                    keys::answer.eq(answer),
                    keys::transaction_id.eq(self.transaction_id.map(|id| id.0)),
                    keys::created_at.eq(now),
                ))
                .execute(tx.conn())
                .await?;
        }
        Ok(Answer {
            outcome,
            is_replay: false,
        })
    }
}

fn lock_of(caller: &str, operation: &str, key: &str) -> i64 {
    let digest = Sha256::new()
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
