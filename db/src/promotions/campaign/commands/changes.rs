//! Changing, activating and pausing a campaign.

use domain::promotions::campaign::{self as rules, Campaign, CampaignChange, CampaignRefusal};

use super::{CampaignDone, own};
use crate::prelude::*;
use crate::promotions::campaign::events::{CampaignEvent, CampaignEvents};
use crate::promotions::campaign::rows::Folded;
use crate::schema::campaigns;

commands! {
    CampaignRefusal;
    CAMPAIGN_UPDATE = "promotions.campaign_update", CampaignUpdate, Optional:
        NotFound, NothingToChange, StatusInvalid, NameInvalid, DescriptionInvalid, StartFixed, EndNotAfterStart, EndPast,
        EndEarlier, LimitNegative, LimitMissing, LimitLower;
    CAMPAIGN_ACTIVATE = "promotions.campaign_activate", CampaignActivate, Optional: NotFound, StatusInvalid;
    CAMPAIGN_PAUSE = "promotions.campaign_pause", CampaignPause, Optional: NotFound, StatusInvalid;
}

/// Changes a campaign of the caller's merchant.
pub async fn campaign_update(
    tx: &mut Tx,
    request: &Request,
    id: CampaignId,
    change: &CampaignChange,
) -> Result<Answer<CampaignDone>> {
    once(tx, request, &CAMPAIGN_UPDATE, async |tx, _| {
        let campaign = own(tx, request, id).await?;
        let changed = rules::update(&campaign, change, tx.now())?;
        let is_same = Campaign {
            updated_at: campaign.updated_at,
            ..changed.clone()
        } == campaign;
        if !is_same {
            let event = CampaignEvent::CampaignUpdated {
                name: changed.name.clone(),
                starts_at: changed.starts_at,
                ends_at: changed.ends_at,
                max_per_user: changed.max_per_user,
            };
            store(tx, request, &changed, event)?;
        }
        Ok(CampaignDone::of(&campaign, None))
    })
    .await
}

/// Activates a draft or paused campaign of the caller's merchant.
pub async fn campaign_activate(
    tx: &mut Tx,
    request: &Request,
    id: CampaignId,
) -> Result<Answer<CampaignDone>> {
    once(tx, request, &CAMPAIGN_ACTIVATE, async |tx, _| {
        let campaign = own(tx, request, id).await?;
        let active = rules::activate(&campaign, tx.now())?;
        store(tx, request, &active, CampaignEvent::CampaignActivated {})?;
        Ok(CampaignDone::of(&campaign, None))
    })
    .await
}

/// Pauses an active campaign of the caller's merchant.
pub async fn campaign_pause(
    tx: &mut Tx,
    request: &Request,
    id: CampaignId,
) -> Result<Answer<CampaignDone>> {
    once(tx, request, &CAMPAIGN_PAUSE, async |tx, _| {
        let campaign = own(tx, request, id).await?;
        let paused = rules::pause(&campaign, tx.now())?;
        store(tx, request, &paused, CampaignEvent::CampaignPaused {})?;
        Ok(CampaignDone::of(&campaign, None))
    })
    .await
}

/// Stores what changes of a locked campaign, with its event.
fn store(tx: &mut Tx, request: &Request, campaign: &Campaign, event: CampaignEvent) -> Result<()> {
    let mut events = CampaignEvents::of(campaign);
    events.push(event);
    let version = events.enqueue(tx, &request.request_id)?;
    let Folded { name, text } = Folded::of(campaign);
    let max_per_user: i32 = fit("campaigns", "max_per_user", campaign.max_per_user)?;
    let row = campaigns::table.find((campaign.id.merchant.0, campaign.id.uuid));
    let update = diesel::update(row).set((
        campaigns::name.eq(campaign.name.clone()),
        campaigns::name_folded.eq(name),
        campaigns::description.eq(campaign.description.clone()),
        campaigns::text_folded.eq(text),
        campaigns::starts_at.eq(campaign.starts_at),
        campaigns::ends_at.eq(campaign.ends_at),
        campaigns::max_per_user.eq(max_per_user),
        campaigns::status.eq(campaign.stored_status.name()),
        campaigns::updated_at.eq(campaign.updated_at),
        campaigns::version.eq(version),
    ));
    tx.write_last("campaigns", 1, update);
    Ok(())
}
