//! Commands on campaigns that wait for a second person.

use db::promotions::campaign::commands::{CAMPAIGN_FORCE_CANCEL, RevocationProposal};

use super::objects::Campaign;
use crate::platform::approval::proposals;
use crate::prelude::*;

object! {
    /// Proposed `campaignForceCancel` with `revokeIssued`.
    CampaignForceCancelProposal(proposal: RevocationProposal) {
        /// Campaign.
        campaign: Edge<Campaign> = Edge::to(proposal.campaign.into()),
    }
}

proposals! {
    RevocationProposal => CampaignForceCancelProposal = CAMPAIGN_FORCE_CANCEL;
}
