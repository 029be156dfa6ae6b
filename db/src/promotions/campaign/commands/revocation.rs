//! Cancelling any merchant's campaign, with the revocation of its issued vouchers.

use diesel::dsl::exists;
use domain::money::Minor;
use domain::promotions::campaign::{
    self as rules, Campaign, CampaignRefusal, CampaignRevocation, CampaignStatus,
};
use domain::reason::Reason;
use domain::wallets::WalletOwner;
use serde::{Deserialize, Serialize};

use super::CampaignDone;
use super::ends::{end_any, shown, store};
use crate::platform::approval::{self, Alone, NewApproval, Proposal, may_act_alone};
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::promotions::campaign::locks;
use crate::promotions::voucher::revocation::{Revocable, revocable};
use crate::schema::campaign_users;

commands! {
    CampaignRefusal;
    CAMPAIGN_FORCE_CANCEL = "promotions.campaign_force_cancel", CampaignForceCancel, Required:
        ReasonInvalid, NotFound, OwnAccount, StatusInvalid;
}

/// A revocation that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationProposal {
    /// Merchant and campaign.
    pub campaign: [Uuid; 2],
    /// Reason.
    pub reason: String,
}

/// Cancels any merchant's campaign. With `revoke_issued` its issued vouchers are revoked too, by a job; above what the
/// caller may do alone that waits for a second person.
pub async fn campaign_force_cancel(
    tx: &mut Tx,
    request: &Request,
    id: CampaignId,
    revoke_issued: bool,
    reason: &str,
) -> Result<Answer<CampaignDone>> {
    once(tx, request, &CAMPAIGN_FORCE_CANCEL, async |tx, key| {
        if !revoke_issued {
            return end_any(tx, key, request, id, CampaignStatus::Cancelled, reason).await;
        }
        let reason = Reason::parse(reason);
        key.about = Some(About::new("campaign", Some(id.uuid), reason.clone()));
        let reason = reason.ok_or(CampaignRefusal::ReasonInvalid)?;
        let by = [request.person()?.id];
        let (campaign, ended, moved) = judge(tx, request, id, &reason, &by).await?;
        if may_revoke_alone(tx, request, &campaign, &moved).await? {
            let change = apply(tx, key, request, &campaign, &ended).await?;
            key.change = Some(change);
            return Ok(CampaignDone::of(&ended, key.transaction_id));
        }
        let proposal = RevocationProposal {
            campaign: id.into(),
            reason: reason.as_str().to_owned(),
        };
        let new = NewApproval {
            subjects: vec![campaign.merchant().into()],
            reason: &reason,
            proposal: &proposal,
            change: Change {
                before: shown(&campaign),
                after: shown(&ended),
            },
        };
        let approval_id = approval::request(tx, key, request, new).await?;
        Ok(CampaignDone {
            approval_id: Some(approval_id),
            ..CampaignDone::of(&campaign, None)
        })
    })
    .await
}

impl Proposal for RevocationProposal {
    type Refusal = CampaignRefusal;
    const COMMAND: &'static crate::command::Command<CampaignRefusal> = &CAMPAIGN_FORCE_CANCEL;

    async fn carry_out(
        self,
        tx: &mut Tx,
        key: &mut Key,
        request: &Request,
        requested_by: UserId,
    ) -> Result<approval::Effect, Stop<CampaignRefusal>> {
        let id = CampaignId::from(self.campaign);
        let reason = Reason::parse(&self.reason).ok_or(CampaignRefusal::ReasonInvalid)?;
        let by = [requested_by, request.person()?.id];
        let (campaign, ended, _) = judge(tx, request, id, &reason, &by).await?;
        Ok(approval::Effect {
            entity: ("campaign", id.uuid),
            change: apply(tx, key, request, &campaign, &ended).await?,
        })
    }
}

/// The locked campaign, as it would end by a decision of these people, and what its vouchers have left.
async fn judge(
    tx: &mut Tx,
    request: &Request,
    id: CampaignId,
    reason: &Reason,
    by: &[UserId],
) -> Result<(Campaign, Campaign, Revocable), Stop<CampaignRefusal>> {
    let campaign = locks::lock(tx, id).await?;
    let campaign = campaign.ok_or(CampaignRefusal::NotFound)?;
    let now = tx.now();
    let person = request.person()?;
    let is_holder = has_holder(tx, id, by).await?;
    let ended = rules::cancel_to_revoke(&campaign, person, is_holder, now)?;
    let left = revocable(tx, id).await?;
    let ended = Campaign {
        revocation: Some(CampaignRevocation {
            at: now,
            reason: reason.as_str().to_owned(),
            vouchers: left.vouchers,
        }),
        ..ended
    };
    Ok((campaign, ended, left))
}

/// Whether one of these people has vouchers of the campaign.
async fn has_holder(tx: &mut Tx, id: CampaignId, people: &[UserId]) -> Result<bool> {
    let theirs = campaign_users::table
        .filter(campaign_users::merchant_id.eq(id.merchant.0))
        .filter(campaign_users::campaign_id.eq(id.uuid))
        .filter(campaign_users::user_id.eq_any(people.iter().map(|person| person.0)))
        .filter(campaign_users::acquired.gt(0));
    let found = diesel::select(exists(theirs));
    Ok(found.get_result(tx.conn()).await?)
}

/// Whether the caller may revoke alone: judged on escrow and proceeds of the issued vouchers together, per currency.
async fn may_revoke_alone(
    tx: &mut Tx,
    request: &Request,
    campaign: &Campaign,
    left: &Revocable,
) -> Result<bool> {
    let by = request.person()?.id;
    let face_value = campaign.face_value.currency.code;
    let alone = |currency, amount| Alone {
        by,
        owner: WalletOwner::from(campaign.merchant()).into(),
        currency,
        amount,
    };
    let price = campaign.acquisition.price.map(|price| price.currency.code);
    let mut wanted = match price {
        Some(price) if price != face_value => {
            vec![alone(face_value, left.value), alone(price, left.price)]
        }
        _ => {
            let both: Minor = left.value.plus(left.price)?;
            vec![alone(face_value, both)]
        }
    };
    // In one order, because each locks the person's sums of its currency.
    wanted.sort_by_key(|alone| alone.currency);
    let before = tx.last_writes.len();
    for alone in &wanted {
        if !may_act_alone(tx, alone).await? {
            tx.last_writes.truncate(before);
            return Ok(false);
        }
    }
    Ok(true)
}

async fn apply(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    campaign: &Campaign,
    ended: &Campaign,
) -> Result<Change> {
    let transaction = store(tx, ended, request.posting_cause(), &request.request_id).await?;
    key.transaction_id = transaction;
    Ok(Change {
        before: shown(campaign),
        after: shown(ended),
    })
}
