//! Promotions: campaigns of merchants, their vouchers, and redemptions.

pub(crate) mod campaign;
pub(crate) mod configuration;
pub(crate) mod live;
pub(crate) mod loaders;
mod periods;
pub(crate) mod redemption;
pub(crate) mod statistics;
pub(crate) mod subscriptions;
pub mod voucher;

use domain::access::Action;

use crate::node::RegisteredNode;
use crate::platform::audit::Entity;
use crate::user_errors::RegisteredUserError;
use crate::wallets::references::RegisteredReference;

/// Objects with an id.
pub(crate) const NODES: &[RegisteredNode] = &[
    RegisteredNode::new::<campaign::objects::Campaign>(),
    RegisteredNode::new::<configuration::objects::PromotionConfiguration>(),
    RegisteredNode::new::<redemption::objects::Redemption>(),
    RegisteredNode::new::<voucher::objects::Voucher>(),
];

pub(crate) const USER_ERRORS: &[RegisteredUserError] = &[
    RegisteredUserError::new::<campaign::refusals::CampaignUserError>(),
    RegisteredUserError::new::<redemption::refusals::RedemptionUserError>(),
    RegisteredUserError::new::<voucher::refusals::VoucherUserError>(),
];

pub(crate) const REFERENCES: &[RegisteredReference] = &[
    RegisteredReference::of::<campaign::objects::Campaign>("campaign"),
    redemption::objects::REFERENCE,
    voucher::objects::REFERENCE,
];

pub(crate) const ENTITIES: &[Entity] = &[campaign::objects::ENTITY, voucher::objects::ENTITY];

pub(crate) const REQUIRES: &[(&str, Action)] = &[
    ("Query.campaign", Action::OffersRead),
    ("Query.campaigns", Action::OffersRead),
    ("Campaign.escrow", Action::CampaignRead),
    ("Campaign.escrowTotal", Action::CampaignRead),
    ("Campaign.proceeds", Action::CampaignRead),
    ("Campaign.redemptions", Action::CampaignRead),
    ("Campaign.statistics", Action::CampaignRead),
    ("Campaign.vouchers", Action::CampaignRead),
    ("Query.promotionStatistics", Action::PromotionStatisticsRead),
    ("Query.redemption", Action::RedemptionRead),
    ("Query.redemptions", Action::RedemptionsList),
    ("Query.voucher", Action::VoucherRead),
    ("Query.voucherValidation", Action::VoucherValidate),
    ("Query.vouchers", Action::VouchersList),
    ("Subscription.campaignUpdated", Action::OffersRead),
    ("Subscription.vouchersUpdated", Action::VoucherFollow),
    ("Viewer.campaigns", Action::CampaignsOwnList),
    ("Voucher.code", Action::VoucherCodeRead),
    ("Voucher.qrCodeUrl", Action::VoucherCodeRead),
];
