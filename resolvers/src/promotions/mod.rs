//! Promotions: campaigns of merchants, their vouchers, and redemptions.

pub(crate) mod campaign;
pub(crate) mod configuration;
pub(crate) mod loaders;

use domain::access::Action;

use crate::node::RegisteredNode;
use crate::platform::audit::Entity;
use crate::user_errors::RegisteredUserError;
use crate::wallets::references::RegisteredReference;

/// Objects with an id.
pub(crate) const NODES: &[RegisteredNode] = &[
    RegisteredNode::new::<campaign::objects::Campaign>(),
    RegisteredNode::new::<configuration::objects::PromotionConfiguration>(),
];

pub(crate) const USER_ERRORS: &[RegisteredUserError] = &[RegisteredUserError::new::<
    campaign::refusals::CampaignUserError,
>()];

pub(crate) const REFERENCES: &[RegisteredReference] = &[RegisteredReference::of::<
    campaign::objects::Campaign,
>("campaign")];

pub(crate) const ENTITIES: &[Entity] = &[campaign::objects::ENTITY];

pub(crate) const REQUIRES: &[(&str, Action)] = &[
    ("Query.campaign", Action::OffersRead),
    ("Query.campaigns", Action::OffersRead),
    ("Campaign.escrow", Action::CampaignRead),
    ("Campaign.escrowTotal", Action::CampaignRead),
    ("Campaign.proceeds", Action::CampaignRead),
];
