//! Releasing a clearing account: by its service, or by finance and a second person once it is overdue.

use domain::access::Principal;
use domain::money::{CurrencyCode, Minor, Money};
use domain::reason::Reason;
use domain::wallets::settlement::{self as rules, SettlementRefusal};
use domain::wallets::{
    Leg, Posted, Posting, PostingRefusal, Reference, ServiceReference, Side, TransferReason,
    WalletConfiguration, WalletKind, WalletOwner,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::rows::{self, ReleaseRow, store_clearing};
use crate::outbox::SubjectEvents;
use crate::platform::approval::{self, NewApproval, Proposal};
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::schema::clearing_releases;
use crate::text::code;
use crate::wallets::wallet::commands::OwnerKey;
use crate::wallets::{configuration, issuer, posting};

commands! {
    SettlementRefusal;
    CLEARING_RELEASE = "wallets.clearing_release", ClearingRelease, Required:
        ReasonInvalid, ReleaseAmountInvalid, ClearingNotFound, OwnAccount, ClearingNotOverdue, DuplicateExternalId,
        ReleaseShort, BalanceOverflow;
}

/// Kind of a clearing account in the audit log.
const ENTITY: &str = "clearing_account";

/// An event of a release. `docs/EVENTS.md` documents it.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
enum ReleaseEvent {
    ClearingReleased {
        release_id: Uuid,
        issuer: String,
        reference_type: String,
        reference_id: String,
        amount: Decimal,
        currency: String,
        owner_kind: Option<String>,
        owner_id: Option<Uuid>,
        transaction_id: Uuid,
    },
}

/// A release as it is requested.
#[derive(Clone, Debug)]
pub struct ReleaseDraft {
    /// Name of the service as the request has it.
    pub issuer: Option<String>,
    /// Type and id of the service's object.
    pub reference: (String, String),
    /// Amount and currency.
    pub amount: (Decimal, CurrencyCode),
    /// Owner to pay; none for the platform's revenue.
    pub payee: Option<WalletOwner>,
    /// Key given by the caller.
    pub external_id: Option<String>,
    /// Reason.
    pub reason: String,
}

/// Result of [`clearing_release`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearingReleased {
    /// Owner of the clearing account.
    pub clearing: Uuid,
    /// Its currency.
    #[serde(with = "code")]
    pub currency: CurrencyCode,
    /// Approval that the release waits for.
    pub approval_id: Option<Uuid>,
    /// The posting; none while the release waits.
    pub transaction: Option<Uuid>,
    /// Owners whose wallets the posting moved.
    pub owners: Vec<Uuid>,
}

/// A release that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseProposal {
    /// Owner of the clearing account.
    pub clearing_id: Uuid,
    /// Name of the service.
    pub issuer: String,
    /// Kind of object in the service's own words.
    pub reference_type: String,
    /// Key of the object at the service.
    pub reference_id: String,
    /// Amount.
    pub amount: Decimal,
    /// Currency.
    #[serde(with = "code")]
    pub currency: CurrencyCode,
    /// Owner to pay; none for the platform's revenue.
    pub owner: Option<OwnerKey>,
    /// Key given by the caller.
    pub external_id: Option<String>,
    /// Reason.
    pub reason: String,
}

/// A checked release.
struct Release {
    id: Uuid,
    reference: ServiceReference,
    amount: Money,
    payee: Option<WalletOwner>,
    external_id: Option<String>,
    reason: Reason,
    transaction_id: TransactionId,
}

/// Pays from a clearing account to an owner's wallet or to the platform's revenue.
pub async fn clearing_release(
    tx: &mut Tx,
    request: &Request,
    draft: &ReleaseDraft,
) -> Result<Answer<ClearingReleased>> {
    let payee = draft.payee;
    let request = &payee.map_or_else(|| request.clone(), |payee| request.with_subject(payee));
    once(tx, request, &CLEARING_RELEASE, async |tx, key| {
        let configuration = configuration::in_force(tx.conn()).await?;
        let release = check(tx, key, request, &configuration, draft).await?;
        let mut done = ClearingReleased {
            clearing: release.reference.clearing_owner().id,
            currency: release.amount.currency.code,
            approval_id: None,
            transaction: None,
            owners: Vec::new(),
        };
        let Principal::Person(_person) = &request.principal else {
            key.change = Some(apply(tx, key, request, &configuration, &release).await?);
            done.transaction = Some(release.transaction_id.0);
            done.owners = release.owners().collect();
            return Ok(done);
        };
        post(tx, request, &configuration, &release, Mode::Judge).await?;
        let proposal = release.proposal();
        let new = NewApproval {
            subjects: payee.into_iter().collect(),
            reason: &release.reason,
            proposal: &proposal,
            change: Change {
                before: json!({}),
                after: json!({"amount": proposal.amount, "currency": proposal.currency.as_str()}),
            },
        };
        done.approval_id = Some(approval::request(tx, key, request, new).await?);
        Ok(done)
    })
    .await
}

impl Proposal for ReleaseProposal {
    type Refusal = SettlementRefusal;
    const COMMAND: &'static crate::command::Command<SettlementRefusal> = &CLEARING_RELEASE;

    async fn carry_out(
        self,
        tx: &mut Tx,
        key: &mut Key,
        request: &Request,
        _: UserId,
    ) -> Result<approval::Effect, Stop<SettlementRefusal>> {
        let draft = ReleaseDraft {
            issuer: Some(self.issuer),
            reference: (self.reference_type, self.reference_id),
            amount: (self.amount, self.currency),
            payee: self.owner.map(Into::into),
            external_id: self.external_id,
            reason: self.reason,
        };
        let configuration = configuration::in_force(tx.conn()).await?;
        let about = key.about.take();
        let release = check(tx, key, request, &configuration, &draft).await?;
        key.about = about;
        Ok(approval::Effect {
            entity: (ENTITY, release.reference.clearing_owner().id),
            change: apply(tx, key, request, &configuration, &release).await?,
        })
    }
}

/// Checks what does not need a lock.
///
/// Refusals, in this order: [`SettlementRefusal::ReasonInvalid`], [`SettlementRefusal::ReleaseAmountInvalid`],
/// [`SettlementRefusal::ClearingNotFound`], [`SettlementRefusal::OwnAccount`].
async fn check(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    configuration: &WalletConfiguration,
    draft: &ReleaseDraft,
) -> Result<Release, Stop<SettlementRefusal>> {
    let issuer = issuer::owner_of_reference(configuration, request, draft.issuer.as_ref())?;
    let (of_type, id) = draft.reference.clone();
    let reference = ServiceReference {
        issuer,
        of_type,
        id,
    };
    let owner = reference.clearing_owner();
    key.about = Some(About::new(
        ENTITY,
        Some(owner.id),
        Reason::parse(&draft.reason),
    ));
    tx.know_currencies([draft.amount.1]).await?;
    let new = rules::release(tx.currencies(), &draft.reason, draft.amount)?;
    let account = rows::open_since(tx, owner.id, new.amount.currency).await?;
    if account.is_none() {
        return Err(SettlementRefusal::ClearingNotFound.into());
    }
    if draft
        .payee
        .is_some_and(|payee| request.principal.is_own(payee))
    {
        return Err(SettlementRefusal::OwnAccount.into());
    }
    Ok(Release {
        id: tx.new_id(),
        reference,
        amount: new.amount,
        payee: draft.payee,
        external_id: draft.external_id.clone(),
        reason: new.reason,
        transaction_id: TransactionId(tx.new_id()),
    })
}

/// Whether a release is posted, or only judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Judge,
    Post,
}

/// Posts a release, then checks under the account's lock what another command may have changed.
///
/// Refusals, in this order: [`SettlementRefusal::ClearingNotOverdue`], [`SettlementRefusal::DuplicateExternalId`],
/// [`SettlementRefusal::ReleaseShort`], [`SettlementRefusal::BalanceOverflow`].
async fn post(
    tx: &mut Tx,
    request: &Request,
    configuration: &WalletConfiguration,
    release: &Release,
    mode: Mode,
) -> Result<Posted, Stop<SettlementRefusal>> {
    let posting = release.posting(request);
    let posted = match mode {
        Mode::Judge => posting::judge(tx, &posting).await?,
        Mode::Post => posting::post_one(tx, &posting).await?,
    };
    let owner = release.reference.clearing_owner().id;
    if let Principal::Person(_) = request.principal {
        let open_since = rows::open_since(tx, owner, release.amount.currency).await?;
        rules::overdue(configuration, open_since.flatten(), tx.now())?;
    }
    if let Some((duplicate_id, payee_id)) = duplicate(tx, owner, release).await? {
        return Err(Stop::Refused(SettlementRefusal::DuplicateExternalId {
            owner_id: owner,
            payee_id,
            duplicate_id,
        }));
    }
    posted.map_err(|refusal| match refusal {
        PostingRefusal::InsufficientFunds { available, .. } => {
            Stop::Refused(SettlementRefusal::ReleaseShort {
                available: available.to_decimal(release.amount.currency.scale),
                currency: release.amount.currency.code,
            })
        }
        PostingRefusal::Overflow => Stop::Refused(SettlementRefusal::BalanceOverflow),
        PostingRefusal::Malformed | PostingRefusal::WalletFrozen { .. } => {
            Stop::Fault(refusal.into())
        }
    })
}

/// Posts and stores a release with its event; returns the change for the audit log.
async fn apply(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    configuration: &WalletConfiguration,
    release: &Release,
) -> Result<Change, Stop<SettlementRefusal>> {
    let posted = post(tx, request, configuration, release, Mode::Post).await?;
    key.transaction_id = Some(release.transaction_id);
    let clearing = release.clearing().wallet;
    let balance = posted.balances().find(|(wallet, _)| *wallet == clearing);
    let (_, after) =
        balance.ok_or_else(|| DbError::inconsistent("wallets", "available", "none"))?;
    let before = after.plus(release.amount.amount).map_err(DbError::from)?;
    store_clearing(tx, &release.reference, release.amount.currency, after);
    let owner = clearing.owner.id;
    let insert = diesel::insert_into(clearing_releases::table)
        .values(ReleaseRow {
            owner_id: owner,
            id: release.id,
            currency: release.amount.currency.number,
            amount: release.amount.amount.0,
            payee_kind: release.payee.map(|payee| payee.kind.name()),
            payee_id: release.payee.map(|payee| payee.id),
            external_id: release.external_id.clone(),
            reason: release.reason.as_str().to_owned(),
            transaction_id: release.transaction_id.0,
            created_at: posted.posted_at,
        })
        .on_conflict((clearing_releases::owner_id, clearing_releases::external_id))
        .do_nothing();
    // A command with the same external id may have released another currency meanwhile.
    tx.write_last_racing("clearing_releases", 1, insert);
    let mut events = SubjectEvents::new("clearing_release", release.id, 0);
    events.audience = release.payee.and_then(|payee| payee.user());
    events.transaction_id = Some(release.transaction_id);
    events.push(ReleaseEvent::ClearingReleased {
        release_id: release.id,
        issuer: release.reference.issuer.clone(),
        reference_type: release.reference.of_type.clone(),
        reference_id: release.reference.id.clone(),
        amount: release.amount.to_decimal(),
        currency: release.amount.currency.code.to_string(),
        owner_kind: release.payee.map(|payee| payee.kind.name().to_owned()),
        owner_id: release.payee.map(|payee| payee.id),
        transaction_id: release.transaction_id.0,
    });
    events.enqueue(tx, &request.request_id)?;
    let shown = |balance: Minor| {
        let scale = release.amount.currency.scale;
        json!({"balance": balance.to_decimal(scale), "currency": release.amount.currency.code.as_str()})
    };
    Ok(Change {
        before: shown(before),
        after: shown(after),
    })
}

impl Release {
    fn clearing(&self) -> Side {
        let owner = self.reference.clearing_owner();
        Side::available(owner, WalletKind::Clearing, self.amount.currency.code)
    }

    /// Owners whose wallets it moves.
    fn owners(&self) -> impl Iterator<Item = Uuid> {
        let payee = self.payee.map(|payee| payee.id);
        std::iter::once(self.reference.clearing_owner().id).chain(payee)
    }

    fn posting(&self, request: &Request) -> Posting {
        let currency = self.amount.currency.code;
        let credit = match self.payee {
            Some(payee) => Side::available(payee, WalletKind::Main, currency),
            None => Side::available(WalletOwner::SYSTEM, WalletKind::Revenue, currency),
        };
        Posting {
            transaction_id: self.transaction_id,
            reference: Reference {
                kind: self.reference.kind().into(),
                id: self.reference.id.clone(),
            },
            cause: request.posting_cause(),
            legs: vec![Leg {
                debit: self.clearing(),
                credit,
                amount: self.amount.amount,
                reason: TransferReason::ClearingReleased,
            }],
        }
    }

    fn proposal(&self) -> ReleaseProposal {
        ReleaseProposal {
            clearing_id: self.reference.clearing_owner().id,
            issuer: self.reference.issuer.clone(),
            reference_type: self.reference.of_type.clone(),
            reference_id: self.reference.id.clone(),
            amount: self.amount.to_decimal(),
            currency: self.amount.currency.code,
            owner: self.payee.map(Into::into),
            external_id: self.external_id.clone(),
            reason: self.reason.as_str().to_owned(),
        }
    }
}

/// Transaction and payee of the release with the same external id.
async fn duplicate(
    tx: &mut Tx,
    owner: Uuid,
    release: &Release,
) -> Result<Option<(Uuid, Option<Uuid>)>> {
    let Some(external_id) = &release.external_id else {
        return Ok(None);
    };
    let found = clearing_releases::table
        .filter(clearing_releases::owner_id.eq(owner))
        .filter(clearing_releases::external_id.eq(external_id))
        .select((
            clearing_releases::transaction_id,
            clearing_releases::payee_id,
        ))
        .first(tx.conn())
        .await;
    Ok(found.optional()?)
}
