//! Events of campaigns.

use domain::promotions::campaign::{AcquisitionType, Campaign};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::json;

use crate::outbox::SubjectEvents;
use crate::prelude::*;
use crate::text::named;

/// An event of a campaign. Each has `campaignId` and `merchantId` too. `docs/EVENTS.md` documents them.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
#[expect(
    clippy::enum_variant_names,
    reason = "the variants are the events' names"
)]
pub(super) enum CampaignEvent {
    CampaignCreated {
        name: String,
        face_value: Decimal,
        currency: String,
        total_vouchers: u32,
        #[serde(with = "named")]
        acquisition_type: AcquisitionType,
        escrow: Decimal,
        starts_at: Timestamp,
        ends_at: Timestamp,
        transaction_id: Uuid,
    },
    CampaignUpdated {
        name: String,
        starts_at: Timestamp,
        ends_at: Timestamp,
        max_per_user: u32,
    },
    CampaignActivated {},
    CampaignPaused {},
    CampaignCompleted(CampaignEnded),
    CampaignCancelled(CampaignEnded),
}

/// Payload of the events of an end.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CampaignEnded {
    pub unissued_vouchers: u32,
    pub released: Decimal,
    pub currency: String,
    pub transaction_id: Option<Uuid>,
}

/// Events of one campaign in one command.
pub(super) type CampaignEvents = SubjectEvents<CampaignEvent>;

impl CampaignEvents {
    /// An empty list for a campaign.
    pub fn of(campaign: &Campaign) -> Self {
        let mut events = Self::new("campaign", campaign.id.uuid, campaign.version);
        let ids = [
            ("campaignId", campaign.id.uuid),
            ("merchantId", campaign.id.merchant.0),
        ];
        for (field, id) in ids {
            events.common.insert(field.to_owned(), json!(id));
        }
        events
    }
}
