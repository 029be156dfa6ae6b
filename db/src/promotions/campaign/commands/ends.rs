//! Ending a campaign, which releases the escrow of its unissued vouchers.

use domain::promotions::campaign::{self as rules, Campaign, CampaignRefusal, CampaignStatus};
use domain::reason::Reason;
use domain::wallets::{Leg, Origin, Posting, PostingCause, Reference, TransferReason};
use serde_json::{Value, json};

use super::{CampaignDone, escrow_of, own, wallet_of};
use crate::Db;
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::promotions::campaign::events::{CampaignEnded, CampaignEvent, CampaignEvents};
use crate::promotions::campaign::{locks, queries};
use crate::schema::campaigns;
use crate::wallets::posting;

commands! {
    CampaignRefusal;
    CAMPAIGN_COMPLETE = "promotions.campaign_complete", CampaignComplete, Required: NotFound, StatusInvalid;
    CAMPAIGN_CANCEL = "promotions.campaign_cancel", CampaignCancel, Required: NotFound, StatusInvalid;
    CAMPAIGN_FORCE_COMPLETE = "promotions.campaign_force_complete", CampaignForceComplete, Required:
        ReasonInvalid, NotFound, OwnAccount, StatusInvalid;
}

/// Campaigns that [`end_over`] reads at a time.
const AT_ONCE: i64 = 100;

/// Completes a campaign of the caller's merchant.
pub async fn campaign_complete(
    tx: &mut Tx,
    request: &Request,
    id: CampaignId,
) -> Result<Answer<CampaignDone>> {
    once(tx, request, &CAMPAIGN_COMPLETE, async |tx, key| {
        end_own(tx, key, request, id, CampaignStatus::Completed).await
    })
    .await
}

/// Cancels a campaign of the caller's merchant.
pub async fn campaign_cancel(
    tx: &mut Tx,
    request: &Request,
    id: CampaignId,
) -> Result<Answer<CampaignDone>> {
    once(tx, request, &CAMPAIGN_CANCEL, async |tx, key| {
        end_own(tx, key, request, id, CampaignStatus::Cancelled).await
    })
    .await
}

/// Completes any merchant's campaign.
pub async fn campaign_force_complete(
    tx: &mut Tx,
    request: &Request,
    id: CampaignId,
    reason: &str,
) -> Result<Answer<CampaignDone>> {
    once(tx, request, &CAMPAIGN_FORCE_COMPLETE, async |tx, key| {
        end_any(tx, key, request, id, CampaignStatus::Completed, reason).await
    })
    .await
}

async fn end_own(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    id: CampaignId,
    ended: CampaignStatus,
) -> Result<CampaignDone, Stop<CampaignRefusal>> {
    let campaign = own(tx, request, id).await?;
    let ended = rules::end(&campaign, ended, tx.now())?;
    let transaction = store(tx, &ended, request.posting_cause(), &request.request_id).await?;
    key.transaction_id = transaction;
    Ok(CampaignDone::of(&ended, transaction))
}

pub(super) async fn end_any(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    id: CampaignId,
    ended: CampaignStatus,
    reason: &str,
) -> Result<CampaignDone, Stop<CampaignRefusal>> {
    let person = request.person()?;
    let reason = Reason::parse(reason);
    key.about = Some(About::new("campaign", Some(id.uuid), reason.clone()));
    reason.ok_or(CampaignRefusal::ReasonInvalid)?;
    let campaign = locks::lock(tx, id).await?;
    let campaign = campaign.ok_or(CampaignRefusal::NotFound)?;
    let ended = rules::end_of_any(&campaign, person, ended, tx.now())?;
    let transaction = store(tx, &ended, request.posting_cause(), &request.request_id).await?;
    key.transaction_id = transaction;
    key.change = Some(Change {
        before: shown(&campaign),
        after: shown(&ended),
    });
    Ok(CampaignDone::of(&ended, transaction))
}

/// Stores the ends of campaigns whose time is over. Commands and reads count them as ended already. One that fails does not
/// keep the others: the first fault is returned at the end.
pub async fn end_over(db: &Db) -> Result<()> {
    let mut failed = None;
    let mut after: Option<(Timestamp, Uuid)> = None;
    loop {
        let over = db.read(async move |conn| queries::over(conn, after, AT_ONCE).await);
        let over = over.await?;
        let Some((last, ends_at)) = over.last() else {
            return failed.map_or(Ok(()), Err);
        };
        after = Some((*ends_at, last.uuid));
        for (id, _) in over {
            let end = async move |tx: &mut Tx| end_one(tx, id).await;
            if let Err(fault) = db.write("promotions.campaign_completion", end).await {
                tracing::error!(campaign = %id.uuid, error = %fault, "A campaign's end is not stored");
                failed.get_or_insert(fault);
            }
        }
    }
}

async fn end_one(tx: &mut Tx, id: CampaignId) -> Result<()> {
    let Some(campaign) = locks::lock(tx, id).await? else {
        return Ok(());
    };
    // Another command may have ended it, or moved its end.
    let Some(ended) = rules::end_in_time(&campaign, tx.now()) else {
        return Ok(());
    };
    store(
        tx,
        &ended,
        PostingCause::without_caller(Origin::Job),
        "job campaign_completion",
    )
    .await?;
    Ok(())
}

/// Stores the end of a locked campaign, and posts the escrow of its unissued vouchers back to the merchant.
pub(super) async fn store(
    tx: &mut Tx,
    ended: &Campaign,
    cause: PostingCause,
    request_id: &str,
) -> Result<Option<TransactionId>> {
    let currency = ended.face_value.currency;
    let unissued = ended.unissued();
    let released = ended.escrow_of(unissued)?;
    let transaction_id = (unissued > 0).then(|| TransactionId(tx.new_id()));
    let mut events = CampaignEvents::of(ended);
    events.transaction_id = transaction_id;
    let facts = CampaignEnded {
        unissued_vouchers: unissued,
        released: released.to_decimal(currency.scale),
        currency: currency.code.to_string(),
        transaction_id: transaction_id.map(|id| id.0),
    };
    events.push(match ended.stored_status {
        CampaignStatus::Cancelled => CampaignEvent::CampaignCancelled(facts),
        _ => CampaignEvent::CampaignCompleted(facts),
    });
    let version = events.enqueue(tx, request_id)?;
    let to_revoke = ended
        .revocation
        .as_ref()
        .map(|revocation| revocation.vouchers);
    let to_revoke: Option<i32> = to_revoke
        .map(|vouchers| fit("campaigns", "vouchers_to_revoke", vouchers))
        .transpose()?;
    let row = campaigns::table.find((ended.id.merchant.0, ended.id.uuid));
    let update = diesel::update(row).set((
        campaigns::status.eq(ended.stored_status.name()),
        campaigns::updated_at.eq(ended.updated_at),
        campaigns::version.eq(version),
        campaigns::revoked_at.eq(ended.revocation.as_ref().map(|revocation| revocation.at)),
        campaigns::revocation_reason.eq(ended.revocation.as_ref().map(|one| one.reason.clone())),
        campaigns::vouchers_to_revoke.eq(to_revoke),
    ));
    tx.write_last("campaigns", 1, update);
    let Some(transaction_id) = transaction_id else {
        return Ok(None);
    };
    let posting = Posting {
        transaction_id,
        reference: Reference::to("campaign", ended.id.uuid),
        cause,
        legs: vec![Leg {
            debit: escrow_of(ended),
            credit: wallet_of(ended),
            amount: released,
            reason: TransferReason::EscrowRelease,
        }],
    };
    let posted = posting::post(tx, std::slice::from_ref(&posting)).await?;
    posted.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(Some(transaction_id))
}

/// A campaign in the audit log, under the names of the API.
pub(super) fn shown(campaign: &Campaign) -> Value {
    json!({
        "name": campaign.name, "merchantId": campaign.merchant().0, "status": campaign.stored_status.name(),
        "totalVouchers": campaign.total_vouchers, "issuedVouchers": campaign.issued_vouchers,
        "revokedVouchers": campaign.revocation.as_ref().map(|revocation| revocation.vouchers),
    })
}
