//! Commands on conversions and rates, with their events.

use diesel::sql_types::BigInt;
use domain::access::Principal;
use domain::money::CurrencyCode;
use domain::reason::Reason;
use domain::wallets::conversion::{
    self as rules, Conversion, ConversionRefusal, Converted, Expected, Rate, RateKey, RateStatus,
};
use domain::wallets::withdrawal::PEOPLE;
use domain::wallets::{
    Leg, Metadata, Posting, PostingRefusal, Reference, Side, TransferReason, VelocityOperation,
    WalletKind, WalletOwner,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::rows::{ConversionRow, RateRow};
use super::{exposure, rates};
use crate::command::actor;
use crate::outbox::SubjectEvents;
use crate::platform::audit::{About, Change};
use crate::platform::users;
use crate::prelude::*;
use crate::schema::{conversions, rate_snapshots};
use crate::wallets::{configuration, issuer, posting, velocity};

commands! {
    ConversionRefusal;
    CONVERSION_EXECUTE = "wallets.conversion_execute", ConversionExecute, Required:
        CurrencyUnknown, CurrencyDisabled, PairInvalid, AmountInvalid, KycRequired, Frozen, PairClosed, RateStale,
        RateChanged, AmountTooSmall, DuplicateExternalId, WalletFrozen, VelocityLimit, InsufficientFunds, FxExhausted,
        BalanceOverflow;
    RATE_RECORD = "wallets.rate_record", RateRecord, Optional:
        CurrencyUnknown, PairInvalid, RateInvalid, RateTimeInvalid;
    RATE_ACCEPT = "wallets.rate_accept", RateAccept, Optional:
        ReasonInvalid, RateNotFound, OwnAccount, RateNotWaiting;
}

/// An event of a conversion or a rate. `docs/EVENTS.md` documents them.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
enum ConversionEvent {
    ConversionExecuted {
        conversion_id: Uuid,
        user_id: Uuid,
        from: String,
        to: String,
        given: Decimal,
        received: Decimal,
        fee: Decimal,
        rate: Decimal,
        transaction_id: Uuid,
    },
    RateRefused {
        rate_id: Uuid,
        from: String,
        to: String,
        rate: Decimal,
        last_rate: Option<Decimal>,
    },
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// Waits for a lock, which is held until the end of the transaction.
    fn pg_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Untyped;
}

/// A conversion as it is requested.
#[derive(Clone, Debug)]
pub struct ConversionDraft {
    /// Person to convert for; none for the caller.
    pub user: Option<UserId>,
    /// Amount and currency to give.
    pub amount: (Decimal, CurrencyCode),
    /// Currency to receive.
    pub to: CurrencyCode,
    /// What the caller expects.
    pub expected: Expected,
    /// Key given by the caller.
    pub external_id: Option<String>,
    /// Notes.
    pub metadata: Metadata,
}

/// Result of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionDone {
    /// The person, and the conversion.
    pub conversion: [Uuid; 2],
    /// The posting.
    pub transaction: Uuid,
}

/// Converts an amount between two of a person's wallets at the rate in use.
pub async fn conversion_execute(
    tx: &mut Tx,
    request: &Request,
    draft: &ConversionDraft,
) -> Result<Answer<ConversionDone>> {
    let user = user_of(request, draft.user)?;
    let owner = WalletOwner::from(user);
    let request = &request.with_subject(owner);
    once(tx, request, &CONVERSION_EXECUTE, async |tx, key| {
        let configuration = configuration::in_force(tx.conn()).await?;
        tx.know_currencies([draft.amount.1, draft.to]).await?;
        let issuer = match request.principal {
            Principal::Service(_) => issuer::name_of(&configuration, request)?,
            _ => PEOPLE.to_owned(),
        };
        let (given, target) =
            rules::convert(&configuration, tx.currencies(), draft.amount, draft.to)?;
        if !rules::is_reachable(draft.expected, target) {
            return Err(DbError::LeastInvalid.into());
        }
        let verified = users::by_id(tx.conn(), &[user]).await?;
        if !verified.iter().any(|user| user.kyc_completed_at.is_some()) {
            return Err(ConversionRefusal::KycRequired.into());
        }
        let pair = (given.currency.code, target.code);
        let (currencies, now) = (tx.currencies().clone(), tx.now());
        let in_use = rates::in_use(tx.conn(), &currencies, &configuration, pair, now).await?;
        let rate = in_use.rate.filter(|_| in_use.is_usable);
        let converted =
            rules::quoted(&configuration, given, target, rate.as_ref(), draft.expected)?;
        let rate = rate.ok_or(ConversionRefusal::RateStale)?;
        let transaction_id = TransactionId(tx.new_id());
        let conversion = Conversion {
            id: [user.0, tx.new_id()].into(),
            issuer,
            external_id: draft.external_id.clone(),
            metadata: draft.metadata.clone(),
            converted,
            rate: rate.key,
            created_at: now,
            transaction_id,
        };
        let posting = posting_of(request, owner, &conversion);
        let posted = posting::post(tx, std::slice::from_ref(&posting)).await?;
        let posted = posted.into_iter().next();
        let posted = posted.ok_or_else(|| DbError::inconsistent("posting", "results", "none"))?;
        // Under the wallets' locks.
        if let Some(duplicate_id) = duplicate(tx, &conversion).await? {
            return Err(Stop::Refused(ConversionRefusal::DuplicateExternalId {
                owner_id: user.0,
                duplicate_id,
            }));
        }
        if let Err(PostingRefusal::WalletFrozen { .. }) = posted {
            return Err(Stop::Refused(ConversionRefusal::WalletFrozen));
        }
        let operation = VelocityOperation::Conversion;
        for amount in [converted.given, converted.received] {
            let exceeded = velocity::check(tx, &configuration, operation, owner, amount).await?;
            if let Some(exceeded) = exceeded {
                return Err(ConversionRefusal::from((exceeded, amount)).into());
            }
        }
        if let Err(PostingRefusal::InsufficientFunds { available, .. }) = posted {
            return Err(Stop::Refused(ConversionRefusal::InsufficientFunds {
                available: available.to_decimal(given.currency.scale),
                currency: given.currency.code,
            }));
        }
        let position = exposure::position(tx.conn(), target.number).await?;
        rules::within_exposure(&configuration, converted.gross, position)?;
        match posted {
            Ok(_) => {}
            Err(PostingRefusal::Overflow) => return Err(ConversionRefusal::BalanceOverflow.into()),
            Err(refusal) => return Err(DbError::from(refusal).into()),
        }
        store(tx, request, &conversion, rate.value)?;
        for amount in [converted.given, converted.received] {
            velocity::add(tx, operation, owner, amount);
        }
        key.transaction_id = Some(transaction_id);
        Ok(ConversionDone {
            conversion: conversion.id.into(),
            transaction: transaction_id.0,
        })
    })
    .await
}

/// Records a rate of a pair, which is in use from then on unless it jumped or drifted; returns its id.
pub async fn rate_record(
    tx: &mut Tx,
    request: &Request,
    pair: (CurrencyCode, CurrencyCode),
    value: Decimal,
    observed_at: Option<Timestamp>,
) -> Result<Answer<Uuid>> {
    once(tx, request, &RATE_RECORD, async |tx, key| {
        let id = tx.new_id();
        key.about = Some(About::new("rate", Some(id), None));
        let configuration = configuration::in_force(tx.conn()).await?;
        tx.know_currencies([pair.0, pair.1]).await?;
        let numbers = rates::numbers(tx.currencies(), pair);
        let now = tx.now();
        let (mut newest, mut in_use, mut anchor) = (None, None, None);
        if let Some(numbers) = numbers {
            lock(tx, numbers).await?;
            newest = rates::newest_time(tx.conn(), numbers).await?;
            in_use = last_used(tx, pair).await?.map(|rate| rate.value);
            let currencies = tx.currencies().clone();
            anchor = rates::anchor(tx.conn(), &currencies, numbers, now).await?;
        }
        let known: Vec<_> = in_use
            .into_iter()
            .chain(anchor.map(|rate| rate.value))
            .collect();
        let observed_at = observed_at.unwrap_or(now);
        let status = rules::new_rate(
            &configuration,
            tx.currencies(),
            pair,
            value,
            (observed_at, now),
            (newest, &known),
        )?;
        let rate = Rate {
            key: RateKey::Recorded(id),
            from: pair.0,
            to: pair.1,
            value,
            observed_at,
            recorded_at: now,
            recorded_by: Some(actor(&request.principal)),
            status,
            decided_by: None,
        };
        let numbers = numbers.ok_or(ConversionRefusal::CurrencyUnknown)?;
        let insert = diesel::insert_into(rate_snapshots::table);
        tx.write_last(
            "rate_snapshots",
            1,
            insert.values(RateRow::of(id, &rate, numbers)),
        );
        if status == RateStatus::Waiting {
            let mut events = SubjectEvents::new("rate", id, 0);
            events.push(ConversionEvent::RateRefused {
                rate_id: id,
                from: pair.0.to_string(),
                to: pair.1.to_string(),
                rate: value,
                last_rate: in_use,
            });
            events.enqueue(tx, &request.request_id)?;
        }
        key.change = Some(Change {
            before: Value::Null,
            after: shown(&rate),
        });
        Ok(id)
    })
    .await
}

/// Accepts a rate that jumped; returns its id.
pub async fn rate_accept(
    tx: &mut Tx,
    request: &Request,
    id: RateKey,
    reason: &str,
) -> Result<Answer<Uuid>> {
    once(tx, request, &RATE_ACCEPT, async |tx, key| {
        let reason = Reason::parse(reason);
        key.about = Some(About::new("rate", Some(id.uuid()), reason.clone()));
        reason.ok_or(ConversionRefusal::ReasonInvalid)?;
        let row: Option<RateRow> = RateRow::query()
            .find(id.uuid())
            .for_no_key_update()
            .first(tx.conn())
            .await
            .optional()?;
        let row = row.ok_or(ConversionRefusal::RateNotFound)?;
        let currencies = tx.currencies().clone();
        let rate = row.into_rate(&currencies)?;
        if rate.recorded_by.as_ref() == Some(&actor(&request.principal)) {
            return Err(ConversionRefusal::OwnAccount.into());
        }
        let in_use = last_used(tx, (rate.from, rate.to)).await?;
        let is_late = in_use.is_some_and(|in_use| in_use.observed_at > rate.observed_at);
        if rate.status != RateStatus::Waiting || is_late {
            return Err(ConversionRefusal::RateNotWaiting.into());
        }
        let by = request.person()?.id;
        let accepted = Rate {
            status: RateStatus::Accepted,
            decided_by: Some(by),
            ..rate.clone()
        };
        let row = rate_snapshots::table
            .find(id.uuid())
            .filter(rate_snapshots::status.eq(RateStatus::Waiting.name()));
        let change = (
            rate_snapshots::status.eq(accepted.status.name()),
            rate_snapshots::decided_by.eq(by.0),
        );
        tx.write_last("rate_snapshots", 1, diesel::update(row).set(change));
        key.change = Some(Change {
            before: shown(&rate),
            after: shown(&accepted),
        });
        Ok(id.uuid())
    })
    .await
}

/// Excludes other records of the same pair until the end of the transaction.
async fn lock(tx: &mut Tx, (from, to): (i16, i16)) -> Result<()> {
    let key = (i64::from(from) << 16 | i64::from(to)) | 0x7261_7465 << 32;
    diesel::select(pg_advisory_xact_lock(key))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The newest accepted rate that was recorded for a pair.
async fn last_used(tx: &mut Tx, pair: (CurrencyCode, CurrencyCode)) -> Result<Option<Rate>> {
    let mut configuration = configuration::in_force(tx.conn()).await?;
    configuration.rate_source = domain::wallets::RateSource::Recorded;
    let currencies = tx.currencies().clone();
    rates::newest(tx.conn(), &currencies, &configuration, pair).await
}

/// Person whose wallets are converted: a service has to name one, a person converts their own.
fn user_of(request: &Request, named: Option<UserId>) -> Result<UserId> {
    match (&request.principal, named) {
        (Principal::Service(_), named) => named.ok_or(DbError::UserRequired),
        (_, None) => Ok(request.person()?.id),
        (_, Some(user)) if user == request.person()?.id => Ok(user),
        _ => Err(DbError::OwnerForeign),
    }
}

/// The conversion with the same external id.
async fn duplicate(tx: &mut Tx, conversion: &Conversion) -> Result<Option<Uuid>> {
    let Some(external_id) = &conversion.external_id else {
        return Ok(None);
    };
    let found = conversions::table
        .filter(conversions::owner_id.eq(conversion.id.user.0))
        .filter(conversions::issuer.eq(&conversion.issuer))
        .filter(conversions::external_id.eq(external_id))
        .select(conversions::id)
        .first(tx.conn())
        .await;
    Ok(found.optional()?)
}

/// What is given goes to the conversion account of its currency, which pays the result and the fee in the other one.
fn posting_of(request: &Request, owner: WalletOwner, conversion: &Conversion) -> Posting {
    let Converted {
        given,
        received,
        fee,
        ..
    } = conversion.converted;
    let (from, to) = (given.currency.code, received.currency.code);
    let house = |kind, code| Side::available(WalletOwner::SYSTEM, kind, code);
    let mut legs = vec![
        Leg {
            debit: Side::available(owner, WalletKind::Main, from),
            credit: house(WalletKind::Fx, from),
            amount: given.amount,
            reason: TransferReason::Conversion,
        },
        Leg {
            debit: house(WalletKind::Fx, to),
            credit: Side::available(owner, WalletKind::Main, to),
            amount: received.amount,
            reason: TransferReason::Conversion,
        },
    ];
    if fee.amount > domain::money::Minor::ZERO {
        legs.push(Leg {
            debit: house(WalletKind::Fx, to),
            credit: house(WalletKind::Fees, to),
            amount: fee.amount,
            reason: TransferReason::ConversionFee,
        });
    }
    Posting {
        transaction_id: conversion.transaction_id,
        reference: Reference::to("conversion", conversion.id.uuid),
        cause: request.posting_cause(),
        legs,
    }
}

/// Stores a conversion with its event.
fn store(tx: &mut Tx, request: &Request, conversion: &Conversion, rate: Decimal) -> Result<()> {
    let converted = &conversion.converted;
    let mut events = SubjectEvents::new("conversion", conversion.id.uuid, 0);
    events.audience = Some(conversion.user());
    events.transaction_id = Some(conversion.transaction_id);
    events.push(ConversionEvent::ConversionExecuted {
        conversion_id: conversion.id.uuid,
        user_id: conversion.user().0,
        from: converted.given.currency.code.to_string(),
        to: converted.received.currency.code.to_string(),
        given: converted.given.to_decimal(),
        received: converted.received.to_decimal(),
        fee: converted.fee.to_decimal(),
        rate,
        transaction_id: conversion.transaction_id.0,
    });
    events.enqueue(tx, &request.request_id)?;
    // A request with the same external id may have inserted one between other currencies meanwhile.
    let insert = diesel::insert_into(conversions::table)
        .values(ConversionRow::of(conversion)?)
        .on_conflict((
            conversions::owner_id,
            conversions::issuer,
            conversions::external_id,
        ))
        .do_nothing();
    tx.write_last_racing("conversions", 1, insert);
    Ok(())
}

/// A rate in the audit log.
fn shown(rate: &Rate) -> Value {
    json!({
        "from": rate.from.as_str(), "to": rate.to.as_str(), "rate": rate.value, "observedAt": rate.observed_at,
        "status": rate.status.name(),
    })
}
