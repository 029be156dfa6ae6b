//! Commands on holds, with their events: place, extend, release, expire.

use domain::money::CurrencyCode;
use domain::wallets::hold::{
    self as rules, Ended, Hold, HoldRefusal, HoldReleaseReason, HoldStatus,
};
use domain::wallets::{
    Leg, Metadata, Origin, Posted, Posting, PostingCause, PostingRefusal, Reference,
    ServiceReference, Side, TransferReason, VelocityOperation, WalletKind, WalletOwner,
};
use futures_util::FutureExt;
use futures_util::future::try_join;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::locks;
use super::rows::HoldRow;
use crate::operation_trace;
use crate::outbox::SubjectEvents;
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::schema::holds;
use crate::wallets::{configuration, issuer, posting, velocity};

commands! {
    HoldRefusal;
    HOLD_PLACE = "wallets.hold_place", HoldPlace, Required:
        ReasonInvalid, CurrencyUnknown, CurrencyDisabled, AmountInvalid, ExpiryInvalid, DuplicateExternalId, WalletFrozen,
        VelocityLimit, InsufficientFunds;
    HOLD_EXTEND = "wallets.hold_extend", HoldExtend, Optional:
        NotFound, AlreadyReleased, AlreadySettled, Expired, ExpiryInvalid;
    HOLD_RELEASE = "wallets.hold_release", HoldRelease, Required:
        NotFound, AlreadyReleased, AlreadySettled;
}

/// Holds released by one transaction of the job.
const BATCH: i64 = 100;

/// The job as the cause of events.
const EXPIRY: &str = "job hold_expiry";

/// An event of a hold. Each has the fields of [`HoldEvents::of`] too. `docs/EVENTS.md` documents them.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
#[expect(
    clippy::enum_variant_names,
    reason = "the variants are the events' names"
)]
pub(in crate::wallets) enum HoldEvent {
    HoldPlaced {
        expires_at: Option<Timestamp>,
    },
    HoldExtended {
        expires_at: Option<Timestamp>,
    },
    HoldReleased {},
    HoldExpired {},
    HoldSettled {
        settlement_id: Uuid,
        outcome: &'static str,
        settled_amount: Decimal,
    },
}

/// Events of one hold in one command.
pub(in crate::wallets) type HoldEvents = SubjectEvents<HoldEvent>;

impl HoldEvents {
    /// An empty list for a hold.
    pub fn of(hold: &Hold, transaction_id: Option<TransactionId>) -> Self {
        let mut events = Self::new("hold", hold.id.uuid, hold.version);
        events.audience = hold.owner.user();
        events.transaction_id = transaction_id;
        let fields = json!({
            "holdId": hold.id.uuid, "ownerKind": hold.owner.kind.name(), "ownerId": hold.owner.id,
            "amount": hold.amount.to_decimal(), "currency": hold.amount.currency.code.as_str(),
            "issuer": hold.issuer, "referenceType": reference_type(hold), "referenceId": hold.reference_id,
            "transactionId": transaction_id.map(|id| id.0),
        });
        if let serde_json::Value::Object(fields) = fields {
            events.common = fields;
        }
        events
    }
}

/// A hold as a service requests it.
#[derive(Clone, Debug)]
pub struct HoldDraft {
    /// Owner of the wallet.
    pub owner: WalletOwner,
    /// Amount and currency.
    pub amount: (Decimal, CurrencyCode),
    /// Name of the service as the request has it.
    pub issuer: Option<String>,
    /// Type and id of the service's object.
    pub reference: (String, String),
    /// Reason in the issuer's words.
    pub reason: String,
    /// Time from which it can only be released; none for the usual one.
    pub expires_at: Option<Timestamp>,
    /// Key given by the issuer.
    pub external_id: Option<String>,
    /// Notes.
    pub metadata: Metadata,
}

/// Result of the commands that post for one hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldPosted {
    /// Owner of the wallet, and the hold.
    pub hold: [Uuid; 2],
    /// The posting.
    pub transaction: Uuid,
}

/// Reserves an amount in an owner's wallet.
pub async fn hold_place(
    tx: &mut Tx,
    request: &Request,
    draft: &HoldDraft,
) -> Result<Answer<HoldPosted>> {
    let request = &request.with_subject(draft.owner);
    once_reading(
        tx,
        request,
        &HOLD_PLACE,
        |conn| configuration::pipelined(conn).boxed(),
        async |tx, key, configuration| {
            let named = draft.issuer.as_ref();
            let issuer = issuer::owner_of_reference(&configuration, request, named)?;
            let (amount, expires_at, now) = (draft.amount, draft.expires_at, tx.now());
            tx.know_currencies([amount.1]).await?;
            let new = rules::place(
                &configuration,
                tx.currencies(),
                &draft.reason,
                amount,
                expires_at,
                now,
            )?;
            let (of_type, id) = draft.reference.clone();
            let reference = ServiceReference {
                issuer: issuer.clone(),
                of_type,
                id,
            };
            let mut hold = Hold {
                id: [draft.owner.id, tx.new_id()].into(),
                owner: draft.owner,
                amount: new.amount,
                issuer,
                reference_kind: reference.kind(),
                reference_id: reference.id,
                reason: new.reason.as_str().to_owned(),
                external_id: draft.external_id.clone(),
                metadata: draft.metadata.clone(),
                status: HoldStatus::Held,
                release_reason: None,
                settlement: None,
                created_at: now,
                expires_at: Some(new.expires_at),
                ended_at: None,
                version: 0,
            };
            operation_trace::identify("goodgo.hold_id", hold.id.uuid);
            let operation = VelocityOperation::Hold;
            let rules = velocity::Rules::of(&configuration, operation, hold.amount, now);
            let cause = request.posting_cause();
            let posting = posting_of(tx, &hold, TransferReason::HoldPlaced, cause);
            let transaction_id = posting.transaction_id;
            let (new, judged) = (hold.clone(), rules.clone());
            // Under the wallet's lock.
            let (posted, (duplicate, sums)) =
                posting::post_reading(tx, std::slice::from_ref(&posting), |conn| {
                    async move {
                        let duplicate = locks::by_external_id(conn, &new);
                        try_join(duplicate, judged.sums(conn, new.owner)).await
                    }
                    .boxed()
                })
                .await?;
            let posted = only(posted)?;
            if let Some(duplicate) = duplicate {
                return Err(Stop::Refused(HoldRefusal::DuplicateExternalId {
                    owner_id: draft.owner.id,
                    duplicate_id: duplicate,
                }));
            }
            if let Err(PostingRefusal::WalletFrozen { .. }) = posted {
                return Err(Stop::Refused(HoldRefusal::WalletFrozen));
            }
            if let Some(exceeded) = rules.exceeded(&sums) {
                return Err(HoldRefusal::from((exceeded, hold.amount)).into());
            }
            if let Err(PostingRefusal::InsufficientFunds { available, .. }) = posted {
                return Err(Stop::Refused(HoldRefusal::InsufficientFunds {
                    available: available.to_decimal(hold.amount.currency.scale),
                    currency: hold.amount.currency.code,
                }));
            }
            posted.map_err(DbError::from)?;
            velocity::add(tx, operation, draft.owner, hold.amount);
            let mut events = HoldEvents::of(&hold, Some(transaction_id));
            events.push(HoldEvent::HoldPlaced {
                expires_at: hold.expires_at,
            });
            hold.version = events.enqueue(tx, &request.request_id)?;
            store(tx, &hold);
            key.transaction_id = Some(transaction_id);
            Ok(HoldPosted {
                hold: hold.id.into(),
                transaction: transaction_id.0,
            })
        },
    )
    .await
}

/// Stores a new hold.
fn store(tx: &mut Tx, hold: &Hold) {
    let insert = diesel::insert_into(holds::table)
        .values(HoldRow::of(hold))
        .on_conflict((
            holds::owner_id,
            holds::owner_kind,
            holds::issuer,
            holds::external_id,
        ))
        .do_nothing();
    // A command with the same external id may have placed a hold in another currency meanwhile.
    tx.write_last_racing("holds", 1, insert);
}

/// Moves the expiry of a hold to a later time; returns the hold.
pub async fn hold_extend(
    tx: &mut Tx,
    request: &Request,
    id: HoldId,
    expires_at: Timestamp,
) -> Result<Answer<[Uuid; 2]>> {
    let request = &request.with_subject_of_object(id.owner);
    once_reading(
        tx,
        request,
        &HOLD_EXTEND,
        |conn| locks::find_in_force(conn, vec![id]),
        async |tx, key, (rows, configuration)| {
            key.about = Some(About::new("hold", Some(id.uuid), None));
            operation_trace::identify("goodgo.hold_id", id.uuid);
            let found = locks::read(tx, rows, &[id])?;
            let issuer = issuer::name_of(&configuration, request)?;
            own(&found, &issuer)?;
            let hold = locks::lock(tx, id).await?;
            // The lock may have been long in coming.
            let now = crate::clock::now(tx.conn()).await?;
            let extended = rules::extend(&hold, &configuration, expires_at, now)?;
            let mut events = HoldEvents::of(&extended, None);
            let expires_at = extended.expires_at;
            events.push(HoldEvent::HoldExtended { expires_at });
            let version = events.enqueue(tx, &request.request_id)?;
            let change = (holds::expires_at.eq(expires_at), holds::version.eq(version));
            tx.write_last("holds", 1, diesel::update(locks::held(id)).set(change));
            key.change = Some(Change {
                before: json!({"expiresAt": hold.expires_at}),
                after: json!({"expiresAt": expires_at}),
            });
            Ok(id.into())
        },
    )
    .await
}

/// Returns a hold's amount to the available balance.
pub async fn hold_release(
    tx: &mut Tx,
    request: &Request,
    id: HoldId,
) -> Result<Answer<HoldPosted>> {
    let request = &request.with_subject_of_object(id.owner);
    once_reading(
        tx,
        request,
        &HOLD_RELEASE,
        |conn| locks::find_in_force(conn, vec![id]),
        async |tx, key, (rows, configuration)| {
            operation_trace::identify("goodgo.hold_id", id.uuid);
            let found = locks::read(tx, rows, &[id])?;
            let issuer = issuer::name_of(&configuration, request)?;
            let hold = own(&found, &issuer)?;
            rules::release(hold).map_err(HoldRefusal::from)?;
            let cause = request.posting_cause();
            let posting = posting_of(tx, hold, TransferReason::HoldReleased, cause);
            let transaction_id = posting.transaction_id;
            let (posted, locked) =
                locks::post_and_lock(tx, std::slice::from_ref(&posting), &[id]).await?;
            let hold = only(locked)?;
            rules::release(&hold).map_err(HoldRefusal::from)?;
            let posted = only(posted)?.map_err(DbError::from)?;
            let release = (HoldReleaseReason::Issuer, HoldEvent::HoldReleased {});
            store_release(tx, &request.request_id, &hold, release, &posted)?;
            key.transaction_id = Some(transaction_id);
            Ok(HoldPosted {
                hold: id.into(),
                transaction: transaction_id.0,
            })
        },
    )
    .await
}

/// Releases holds that have expired, at most a hundred; returns their number.
pub async fn holds_expire(tx: &mut Tx) -> Result<usize> {
    let due = locks::overdue(tx, BATCH).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let postings: Vec<_> = due
        .iter()
        .map(|hold| {
            let cause = PostingCause::without_caller(Origin::Job);
            posting_of(tx, hold, TransferReason::HoldExpired, cause)
        })
        .collect();
    let ids: Vec<_> = due.iter().map(|hold| hold.id).collect();
    let now = tx.now();
    let (posted, locked) = locks::post_and_lock(tx, &postings, &ids).await?;
    let is_due = |hold: &Hold| matches!(rules::settleable(hold, now), Err(Ended::Expired(_)));
    if !locked.iter().all(is_due) {
        // Released, settled or extended meanwhile: the next attempt does not select them.
        return Err(DbError::Contended("holds changed meanwhile".to_owned()));
    }
    let mut released = 0;
    for (id, posted) in ids.iter().zip(posted) {
        let posted = match posted {
            Ok(posted) => posted,
            Err(refusal) => {
                // Damage of one wallet does not keep the others' holds.
                tracing::error!(hold = %id.uuid, %refusal, "an expired hold cannot be released");
                continue;
            }
        };
        let hold = locked.iter().find(|hold| hold.id == *id);
        let hold = hold.ok_or_else(|| DbError::inconsistent("holds", "id", id))?;
        let release = (HoldReleaseReason::Expiry, HoldEvent::HoldExpired {});
        store_release(tx, EXPIRY, hold, release, &posted)?;
        released += 1;
    }
    Ok(released)
}

/// Type of the hold's object, in its issuer's words.
pub(in crate::wallets) fn reference_type(hold: &Hold) -> String {
    let reference = ServiceReference::of(&hold.reference_kind, &hold.reference_id);
    reference.map_or_else(|| hold.reference_kind.clone(), |of| of.of_type)
}

/// The hold, if the service placed it.
fn own<'h>(found: &'h [Hold], issuer: &str) -> Result<&'h Hold, HoldRefusal> {
    let mut own = found.iter().filter(|hold| hold.issuer == issuer);
    own.next().ok_or(HoldRefusal::NotFound)
}

/// Stores the end of a hold with its event.
fn store_release(
    tx: &mut Tx,
    request_id: &str,
    hold: &Hold,
    (release, event): (HoldReleaseReason, HoldEvent),
    posted: &Posted,
) -> Result<()> {
    let mut events = HoldEvents::of(hold, Some(posted.transaction_id));
    events.push(event);
    let change = (
        holds::status.eq(HoldStatus::Released.name()),
        holds::release_reason.eq(release.name()),
        holds::ended_at.eq(posted.posted_at),
        holds::version.eq(events.enqueue(tx, request_id)?),
    );
    let update = diesel::update(locks::held(hold.id)).set(change);
    tx.write_last("holds", 1, update);
    Ok(())
}

/// Posts what moves out of or into a hold; returns the transaction and its result.
pub(in crate::wallets) async fn post_by(
    tx: &mut Tx,
    cause: PostingCause,
    hold: &Hold,
    reason: TransferReason,
) -> Result<(TransactionId, Result<Posted, PostingRefusal>)> {
    let posting = posting_of(tx, hold, reason, cause);
    let posted = posting::post_one(tx, &posting).await?;
    Ok((posting.transaction_id, posted))
}

/// The result for one hold.
fn only<T>(results: Vec<T>) -> Result<T> {
    let only = results.into_iter().next();
    only.ok_or_else(|| DbError::inconsistent("holds", "results", "none"))
}

fn posting_of(tx: &Tx, hold: &Hold, reason: TransferReason, cause: PostingCause) -> Posting {
    let code = hold.amount.currency.code;
    let wallet = Side::available(hold.owner, WalletKind::Main, code);
    let (debit, credit) = match reason {
        TransferReason::HoldPlaced | TransferReason::WithdrawalRequested => (wallet, wallet.held()),
        TransferReason::WithdrawalCompleted => {
            let outside = Side::available(WalletOwner::SYSTEM, WalletKind::External, code);
            (wallet.held(), outside)
        }
        _ => (wallet.held(), wallet),
    };
    Posting {
        transaction_id: TransactionId(tx.new_id()),
        reference: Reference {
            kind: hold.reference_kind.clone().into(),
            id: hold.reference_id.clone(),
        },
        cause,
        legs: vec![Leg {
            debit,
            credit,
            amount: hold.amount.amount,
            reason,
        }],
    }
}
