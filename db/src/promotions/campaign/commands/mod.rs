//! Commands on campaigns.

mod changes;
mod create;
mod ends;
mod revocation;

use domain::ids::{CampaignId, MerchantId, TransactionId};
use domain::promotions::campaign::{Campaign, CampaignRefusal};
use domain::wallets::{OwnerKind, Side, WalletKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use changes::COMMANDS as CHANGES;
pub use changes::{
    CAMPAIGN_ACTIVATE, CAMPAIGN_PAUSE, CAMPAIGN_UPDATE, campaign_activate, campaign_pause,
    campaign_update,
};
pub(crate) use create::COMMANDS as CREATION;
pub use create::{CAMPAIGN_CREATE, campaign_create};
pub(crate) use ends::COMMANDS as ENDS;
pub use ends::{
    CAMPAIGN_CANCEL, CAMPAIGN_COMPLETE, CAMPAIGN_FORCE_COMPLETE, campaign_cancel,
    campaign_complete, campaign_force_complete, end_over,
};
pub(crate) use revocation::COMMANDS as REVOCATION;
pub use revocation::{CAMPAIGN_FORCE_CANCEL, RevocationProposal, campaign_force_cancel};

use super::locks;
use crate::command::{Request, Stop};
use crate::{DbError, Result, Tx};

/// Result of the commands on campaigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignDone {
    /// Key of the campaign.
    pub campaign: [Uuid; 2],
    /// The posting; none when nothing was posted.
    pub transaction: Option<Uuid>,
    /// Approval that the command waits for.
    pub approval_id: Option<Uuid>,
}

impl CampaignDone {
    fn of(campaign: &Campaign, transaction: Option<TransactionId>) -> Self {
        Self {
            campaign: campaign.id.into(),
            transaction: transaction.map(|id| id.0),
            approval_id: None,
        }
    }
}

/// The merchant for which the caller acts.
fn merchant_of(request: &Request) -> Result<MerchantId> {
    let merchant = request.person()?.wallet_owner(OwnerKind::Merchant);
    let merchant = merchant.map(|merchant| MerchantId(merchant.id));
    merchant.ok_or_else(|| DbError::inconsistent("policy", "merchant", "none"))
}

/// Locks a campaign of the caller's merchant; those of others read as missing.
async fn own(
    tx: &mut Tx,
    request: &Request,
    id: CampaignId,
) -> Result<Campaign, Stop<CampaignRefusal>> {
    if id.merchant != merchant_of(request)? {
        return Err(CampaignRefusal::NotFound.into());
    }
    let campaign = locks::lock(tx, id).await?;
    Ok(campaign.ok_or(CampaignRefusal::NotFound)?)
}

/// Wallet of the merchant in the currency of a campaign's vouchers.
fn wallet_of(campaign: &Campaign) -> Side {
    let currency = campaign.face_value.currency.code;
    Side::available(campaign.merchant(), WalletKind::Main, currency)
}

/// Escrow of a campaign.
fn escrow_of(campaign: &Campaign) -> Side {
    let currency = campaign.face_value.currency.code;
    let escrow = Side::available(campaign.merchant(), WalletKind::Escrow, currency);
    escrow.of_campaign(campaign.id.uuid)
}
