//! Funding the treasury of a rewards campaign. A funding above `dualControlLimit`, or by another service than the treasury's
//! present one, waits for a second person.

use chrono::{DateTime, Utc};
use diesel::IntoSql;
use diesel::query_dsl::methods;
use diesel::sql_types::Bool;
use diesel::upsert::excluded;
use domain::money::{CurrencyCode, Minor, Money};
use domain::reason::Reason;
use domain::wallets::wallet::{self as rules, WalletRefusal};
use domain::wallets::{
    Leg, Posted, Posting, Reference, Side, TransferReason, WalletConfiguration, WalletKind,
    WalletOwner,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::issuance::issuance_of;
use super::{campaign_owner, overflow};
use crate::outbox::SubjectEvents;
use crate::platform::approval::{self, Alone, NewApproval, Proposal, may_act_alone};
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::schema::{campaign_treasuries, reversals, treasury_fundings};
use crate::text::code;
use crate::wallets::{configuration, posting};

commands! {
    WalletRefusal;
    TREASURY_FUND = "wallets.treasury_fund", TreasuryFund, Required:
        ReasonInvalid, CurrencyUnknown, CurrencyDisabled, AmountInvalid, IssuerUnknown, DuplicateExternalId,
        IssuanceCeiling, BalanceOverflow;
}

/// Kind of a treasury in the audit log.
const ENTITY: &str = "campaign_treasury";

/// An event of a funding. `docs/EVENTS.md` documents it.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
enum FundingEvent {
    TreasuryFunded {
        funding_id: Uuid,
        campaign_id: Uuid,
        issuer: String,
        amount: Decimal,
        currency: String,
        external_id: Option<String>,
        transaction_id: Uuid,
    },
}

/// A funding as it is requested.
#[derive(Clone, Debug)]
pub struct FundingDraft {
    /// The rewards campaign.
    pub campaign: Uuid,
    /// Amount and currency.
    pub amount: (Decimal, CurrencyCode),
    /// Name of the service that may mint rewards from it.
    pub issuer: String,
    /// Key given by the caller.
    pub external_id: Option<String>,
    /// Reason.
    pub reason: String,
}

/// Result of [`treasury_fund`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreasuryFunded {
    /// The rewards campaign.
    pub campaign: Uuid,
    /// Approval that the funding waits for.
    pub approval_id: Option<Uuid>,
    /// The posting; none while the funding waits.
    pub transaction: Option<Uuid>,
}

/// A funding that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FundingProposal {
    /// The rewards campaign.
    pub campaign_id: Uuid,
    /// Amount.
    pub amount: Decimal,
    /// Currency.
    #[serde(with = "code")]
    pub currency: CurrencyCode,
    /// Name of the service that may mint rewards from it.
    pub issuer: String,
    /// Name of the service that could mint from it at the request; none before the first funding.
    pub present_issuer: Option<String>,
    /// Key given by the caller.
    pub external_id: Option<String>,
    /// Reason.
    pub reason: String,
}

/// A checked funding.
struct Funding {
    id: Uuid,
    campaign: Uuid,
    amount: Money,
    issuer: String,
    external_id: Option<String>,
    reason: Reason,
    transaction_id: TransactionId,
}

/// Whether a second person approved a funding, which may then name another service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Authority {
    One,
    Two,
}

/// Moves money from the platform's treasury to that of a rewards campaign, whose service it names. It waits for a second
/// person beyond what the caller may do alone, and when it names another service than the treasury's present one.
pub async fn treasury_fund(
    tx: &mut Tx,
    request: &Request,
    draft: &FundingDraft,
) -> Result<Answer<TreasuryFunded>> {
    once(tx, request, &TREASURY_FUND, async |tx, key| {
        let by = request.person()?.id;
        let reason = Reason::parse(&draft.reason);
        key.about = Some(About::new(ENTITY, Some(draft.campaign), reason));
        let configuration = configuration::in_force(tx.conn()).await?;
        let funding = check(tx, &configuration, draft).await?;
        let alone = Alone {
            by,
            owner: campaign_owner(funding.campaign).into(),
            currency: funding.amount.currency.code,
            amount: funding.amount.amount,
        };
        let mut done = TreasuryFunded {
            campaign: funding.campaign,
            approval_id: None,
            transaction: None,
        };
        let present = present_issuer(tx, &funding).await?;
        let is_renaming = present.as_ref().is_some_and(|name| *name != funding.issuer);
        if !is_renaming && may_act_alone(tx, &alone).await? {
            let change = apply(tx, key, request, &configuration, &funding, Authority::One);
            key.change = Some(change.await?);
            done.transaction = Some(funding.transaction_id.0);
            return Ok(done);
        }
        let posted = posting::judge(tx, &funding.posting(request)).await?;
        judge(tx, &configuration, &funding).await?;
        posted.map_err(overflow)?;
        let proposal = funding.proposal(present);
        let new = NewApproval {
            subjects: Vec::new(),
            reason: &funding.reason,
            proposal: &proposal,
            change: Change {
                before: json!({"issuer": proposal.present_issuer}),
                after: json!({
                    "amount": proposal.amount, "currency": proposal.currency.as_str(), "issuer": proposal.issuer,
                }),
            },
        };
        done.approval_id = Some(approval::request(tx, key, request, new).await?);
        Ok(done)
    })
    .await
}

impl Proposal for FundingProposal {
    type Refusal = WalletRefusal;
    const COMMAND: &'static crate::command::Command<WalletRefusal> = &TREASURY_FUND;

    async fn carry_out(
        self,
        tx: &mut Tx,
        key: &mut Key,
        request: &Request,
        _: UserId,
    ) -> Result<approval::Effect, Stop<WalletRefusal>> {
        let draft = FundingDraft {
            campaign: self.campaign_id,
            amount: (self.amount, self.currency),
            issuer: self.issuer,
            external_id: self.external_id,
            reason: self.reason,
        };
        let configuration = configuration::in_force(tx.conn()).await?;
        let funding = check(tx, &configuration, &draft).await?;
        let change = apply(tx, key, request, &configuration, &funding, Authority::Two);
        Ok(approval::Effect {
            entity: (ENTITY, funding.campaign),
            change: change.await?,
        })
    }
}

/// Checks what does not need a lock.
async fn check(
    tx: &mut Tx,
    configuration: &WalletConfiguration,
    draft: &FundingDraft,
) -> Result<Funding, Stop<WalletRefusal>> {
    let (amount, issuer) = (draft.amount, draft.issuer.clone());
    tx.know_currencies([amount.1]).await?;
    let currencies = tx.currencies();
    let new = rules::fund(configuration, currencies, &draft.reason, amount, &issuer)?;
    Ok(Funding {
        id: tx.new_id(),
        campaign: draft.campaign,
        amount: new.amount,
        issuer,
        external_id: draft.external_id.clone(),
        reason: new.reason,
        transaction_id: TransactionId(tx.new_id()),
    })
}

/// Name of the service that may mint from the treasury now; none before its first funding.
async fn present_issuer(tx: &mut Tx, funding: &Funding) -> Result<Option<String>> {
    let key = (funding.campaign, funding.amount.currency.number);
    let named = campaign_treasuries::table.find(key);
    let named = named.select(campaign_treasuries::issuer);
    Ok(named.first(tx.conn()).await.optional()?)
}

/// Checks under the lock of the campaign's treasury what another command may have changed.
///
/// Refusals, in this order: [`WalletRefusal::DuplicateExternalId`], [`WalletRefusal::IssuanceCeiling`].
async fn judge(
    tx: &mut Tx,
    configuration: &WalletConfiguration,
    funding: &Funding,
) -> Result<(), Stop<WalletRefusal>> {
    if let Some(external_id) = &funding.external_id {
        let found: Option<Uuid> = treasury_fundings::table
            .filter(treasury_fundings::owner_id.eq(funding.campaign))
            .filter(treasury_fundings::external_id.eq(external_id))
            .select(treasury_fundings::transaction_id)
            .first(tx.conn())
            .await
            .optional()?;
        if let Some(duplicate_id) = found {
            return Err(Stop::Refused(WalletRefusal::DuplicateExternalId {
                owner_id: funding.campaign,
                duplicate_id,
            }));
        }
    }
    let issuance = issuance_of(tx, funding.amount.currency).await?;
    Ok(rules::issue(configuration, issuance, funding.amount)?)
}

/// Posts and stores a funding with its event; returns the change for the audit log.
async fn apply(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    configuration: &WalletConfiguration,
    funding: &Funding,
    authority: Authority,
) -> Result<Change, Stop<WalletRefusal>> {
    let posted = posting::post_one(tx, &funding.posting(request)).await?;
    judge(tx, configuration, funding).await?;
    let posted = posted.map_err(overflow)?;
    key.transaction_id = Some(funding.transaction_id);
    store(tx, funding, authority, &posted);
    let mut events = SubjectEvents::new("treasury_funding", funding.id, 0);
    events.transaction_id = Some(funding.transaction_id);
    events.push(FundingEvent::TreasuryFunded {
        funding_id: funding.id,
        campaign_id: funding.campaign,
        issuer: funding.issuer.clone(),
        amount: funding.amount.to_decimal(),
        currency: funding.amount.currency.code.to_string(),
        external_id: funding.external_id.clone(),
        transaction_id: funding.transaction_id.0,
    });
    events.enqueue(tx, &request.request_id)?;
    let after = posted.balances().map(|(_, balance)| balance).last();
    let after = after.ok_or_else(|| DbError::inconsistent("wallets", "available", "none"))?;
    let before = after.minus(funding.amount.amount).map_err(DbError::from)?;
    let shown = |balance: Minor| -> Value {
        let Money { currency, .. } = funding.amount;
        json!({
            "balance": balance.to_decimal(currency.scale), "currency": currency.code.as_str(),
            "issuer": funding.issuer,
        })
    };
    Ok(Change {
        before: shown(before),
        after: shown(after),
    })
}

fn store(tx: &mut Tx, funding: &Funding, authority: Authority, posted: &Posted) {
    let number = funding.amount.currency.number;
    let insert = diesel::insert_into(treasury_fundings::table)
        .values((
            treasury_fundings::owner_id.eq(funding.campaign),
            treasury_fundings::id.eq(funding.id),
            treasury_fundings::currency.eq(number),
            treasury_fundings::amount.eq(funding.amount.amount.0),
            treasury_fundings::issuer.eq(funding.issuer.clone()),
            treasury_fundings::external_id.eq(funding.external_id.clone()),
            treasury_fundings::reason.eq(funding.reason.as_str().to_owned()),
            treasury_fundings::transaction_id.eq(funding.transaction_id.0),
            treasury_fundings::created_at.eq(posted.posted_at),
        ))
        .on_conflict((treasury_fundings::owner_id, treasury_fundings::external_id))
        .do_nothing();
    // A command with the same external id may have funded another currency meanwhile.
    tx.write_last_racing("treasury_fundings", 1, insert);
    let named = diesel::insert_into(campaign_treasuries::table)
        .values((
            campaign_treasuries::owner_id.eq(funding.campaign),
            campaign_treasuries::currency.eq(number),
            campaign_treasuries::issuer.eq(funding.issuer.clone()),
            campaign_treasuries::named_at.eq(posted.posted_at),
        ))
        .on_conflict((campaign_treasuries::owner_id, campaign_treasuries::currency))
        .do_update()
        .set((
            campaign_treasuries::issuer.eq(excluded(campaign_treasuries::issuer)),
            campaign_treasuries::named_at.eq(excluded(campaign_treasuries::named_at)),
        ));
    let is_same = campaign_treasuries::issuer.eq(excluded(campaign_treasuries::issuer));
    let may_differ = (authority == Authority::Two).into_sql::<Bool>();
    let named = methods::FilterDsl::filter(named, is_same.or(may_differ));
    // Another funding may have named another service meanwhile.
    tx.write_last_racing("campaign_treasuries", 1, named);
}

/// Names the service of the newest funding that is not reversed; the last one keeps its name.
pub(super) async fn name_as_before(
    tx: &mut Tx,
    campaign: Uuid,
    number: i16,
    reversed: TransactionId,
) -> Result<()> {
    let is_reversed = diesel::dsl::exists(
        reversals::table
            .filter(reversals::owner_id.eq(treasury_fundings::owner_id))
            .filter(reversals::transaction_id.eq(treasury_fundings::transaction_id)),
    );
    let newest: Option<(String, DateTime<Utc>)> = treasury_fundings::table
        .filter(treasury_fundings::owner_id.eq(campaign))
        .filter(treasury_fundings::currency.eq(number))
        .filter(treasury_fundings::transaction_id.ne(reversed.0))
        .filter(diesel::dsl::not(is_reversed))
        .order((
            treasury_fundings::created_at.desc(),
            treasury_fundings::id.desc(),
        ))
        .select((treasury_fundings::issuer, treasury_fundings::created_at))
        .first(tx.conn())
        .await
        .optional()?;
    if let Some((issuer, named_at)) = newest {
        let named = diesel::update(campaign_treasuries::table.find((campaign, number))).set((
            campaign_treasuries::issuer.eq(issuer),
            campaign_treasuries::named_at.eq(named_at),
        ));
        tx.write_last("campaign_treasuries", 1, named);
    }
    Ok(())
}

impl Funding {
    fn posting(&self, request: &Request) -> Posting {
        let currency = self.amount.currency.code;
        let campaign = campaign_owner(self.campaign);
        Posting {
            transaction_id: self.transaction_id,
            reference: Reference::to("treasury_funding", self.id),
            cause: request.posting_cause(),
            legs: vec![Leg {
                debit: Side::available(WalletOwner::SYSTEM, WalletKind::Treasury, currency),
                credit: Side::available(campaign, WalletKind::CampaignTreasury, currency),
                amount: self.amount.amount,
                reason: TransferReason::TreasuryFunded,
            }],
        }
    }

    fn proposal(&self, present_issuer: Option<String>) -> FundingProposal {
        FundingProposal {
            campaign_id: self.campaign,
            amount: self.amount.to_decimal(),
            currency: self.amount.currency.code,
            issuer: self.issuer.clone(),
            present_issuer,
            external_id: self.external_id.clone(),
            reason: self.reason.as_str().to_owned(),
        }
    }
}
