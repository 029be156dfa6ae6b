//! Paying a reward from a campaign's treasury, once per campaign, claimant and claim.

use domain::money::{CurrencyCode, Minor, Money};
use domain::wallets::wallet::{self as rules, WalletRefusal};
use domain::wallets::{Leg, Posting, Reference, Side, TransferReason, WalletKind};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{campaign_owner, short_or_overflow};
use crate::outbox::SubjectEvents;
use crate::prelude::*;
use crate::schema::{campaign_treasuries, rewards};
use crate::wallets::{configuration, issuer, posting};

commands! {
    WalletRefusal;
    REWARD_MINT = "wallets.reward_mint", RewardMint, Required:
        CurrencyUnknown, CurrencyDisabled, AmountInvalid, RewardAlreadyMinted, TreasuryShort, BalanceOverflow;
}

/// An event of a reward. `docs/EVENTS.md` documents it.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
enum RewardEvent {
    RewardMinted {
        reward_id: Uuid,
        campaign_id: Uuid,
        user_id: Uuid,
        claim_reference: String,
        issuer: String,
        amount: Decimal,
        currency: String,
        transaction_id: Uuid,
    },
}

/// A reward as a service requests it.
#[derive(Clone, Debug)]
pub struct RewardDraft {
    /// The rewards campaign.
    pub campaign: Uuid,
    /// The claimant.
    pub user: UserId,
    /// Key of the claim.
    pub claim: String,
    /// Amount and currency.
    pub amount: (Decimal, CurrencyCode),
}

/// Result of [`reward_mint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardMinted {
    /// The campaign and the claimant: the owners whose wallets the posting moved.
    pub owners: [Uuid; 2],
    /// The posting: of a repeated reward the first one.
    pub transaction: Uuid,
}

#[derive(HasQuery)]
#[diesel(table_name = rewards, check_for_backend(Pg))]
struct RewardRow {
    issuer: String,
    currency: i16,
    amount: i64,
    transaction_id: Uuid,
}

/// Pays a reward. One that was paid before is not paid again: the first posting is returned.
pub async fn reward_mint(
    tx: &mut Tx,
    request: &Request,
    draft: &RewardDraft,
) -> Result<Answer<RewardMinted>> {
    let campaign = campaign_owner(draft.campaign);
    let request = &request.with_subject(campaign);
    once(tx, request, &REWARD_MINT, async |tx, key| {
        let configuration = configuration::in_force(tx.conn()).await?;
        let issuer = issuer::name_of(&configuration, request)?;
        tx.know_currencies([draft.amount.1]).await?;
        let amount = rules::reward(&configuration, tx.currencies(), draft.amount)?;
        if let Some(first) = minted(tx, draft).await? {
            return repeated(tx, draft, &issuer, amount, &first).await;
        }
        let (id, transaction_id) = (tx.new_id(), TransactionId(tx.new_id()));
        let code = amount.currency.code;
        let posting = Posting {
            transaction_id,
            reference: Reference::to("reward", id),
            cause: request.posting_cause(),
            legs: vec![Leg {
                debit: Side::available(campaign, WalletKind::CampaignTreasury, code),
                credit: Side::available(draft.user, WalletKind::Main, code),
                amount: amount.amount,
                reason: TransferReason::Reward,
            }],
        };
        let before = tx.last_writes.len();
        let posted = posting::post_one(tx, &posting).await?;
        // Under the lock of the campaign's treasury.
        if let Some(first) = minted(tx, draft).await? {
            tx.last_writes.truncate(before);
            return repeated(tx, draft, &issuer, amount, &first).await;
        }
        if minter(tx, draft, amount).await? != Some(issuer.clone()) {
            return Err(Stop::Refused(short(Minor::ZERO, amount)));
        }
        let posted = posted.map_err(|refusal| {
            let currency = amount.currency;
            short_or_overflow(refusal, currency, |available| {
                WalletRefusal::TreasuryShort {
                    available,
                    currency: currency.code,
                }
            })
        })?;
        let insert = diesel::insert_into(rewards::table).values((
            rewards::owner_id.eq(draft.campaign),
            rewards::user_id.eq(draft.user.0),
            rewards::claim_reference.eq(draft.claim.clone()),
            rewards::id.eq(id),
            rewards::issuer.eq(issuer.clone()),
            rewards::currency.eq(amount.currency.number),
            rewards::amount.eq(amount.amount.0),
            rewards::transaction_id.eq(transaction_id.0),
            rewards::created_at.eq(posted.posted_at),
        ));
        // A command with the same claim may have been paid in another currency meanwhile.
        tx.write_last_racing("rewards", 1, insert.on_conflict_do_nothing());
        let mut events = SubjectEvents::new("reward", id, 0);
        events.audience = Some(draft.user);
        events.transaction_id = Some(transaction_id);
        events.push(RewardEvent::RewardMinted {
            reward_id: id,
            campaign_id: draft.campaign,
            user_id: draft.user.0,
            claim_reference: draft.claim.clone(),
            issuer,
            amount: amount.to_decimal(),
            currency: code.to_string(),
            transaction_id: transaction_id.0,
        });
        events.enqueue(tx, &request.request_id)?;
        key.transaction_id = Some(transaction_id);
        Ok(RewardMinted {
            owners: [draft.campaign, draft.user.0],
            transaction: transaction_id.0,
        })
    })
    .await
}

/// The reward of the same campaign, claimant and claim.
async fn minted(tx: &mut Tx, draft: &RewardDraft) -> Result<Option<RewardRow>> {
    let key = (draft.campaign, draft.user.0, draft.claim.clone());
    let query = RewardRow::query().find(key);
    Ok(query.first(tx.conn()).await.optional()?)
}

/// Name of the service that may mint from the campaign's treasury.
async fn minter(tx: &mut Tx, draft: &RewardDraft, amount: Money) -> Result<Option<String>> {
    let named = campaign_treasuries::table
        .find((draft.campaign, amount.currency.number))
        .select(campaign_treasuries::issuer)
        .first(tx.conn())
        .await;
    Ok(named.optional()?)
}

/// Answers a reward that was paid before. Another service is told of it only if the treasury is its own.
async fn repeated(
    tx: &mut Tx,
    draft: &RewardDraft,
    issuer: &str,
    amount: Money,
    first: &RewardRow,
) -> Result<RewardMinted, Stop<WalletRefusal>> {
    let is_own = first.issuer == issuer;
    if !is_own && minter(tx, draft, amount).await?.as_deref() != Some(issuer) {
        return Err(Stop::Refused(short(Minor::ZERO, amount)));
    }
    let is_equal = (first.currency, first.amount) == (amount.currency.number, amount.amount.0);
    if !is_own || !is_equal {
        return Err(Stop::Refused(WalletRefusal::RewardAlreadyMinted));
    }
    Ok(RewardMinted {
        owners: [draft.campaign, draft.user.0],
        transaction: first.transaction_id,
    })
}

fn short(available: Minor, amount: Money) -> WalletRefusal {
    WalletRefusal::TreasuryShort {
        available: available.to_decimal(amount.currency.scale),
        currency: amount.currency.code,
    }
}
