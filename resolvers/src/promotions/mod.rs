//! Promotions: campaigns of merchants, their vouchers, and redemptions.

pub(crate) mod configuration;

use crate::node::RegisteredNode;

/// Objects with an id.
pub(crate) const NODES: &[RegisteredNode] = &[RegisteredNode::new::<
    configuration::objects::PromotionConfiguration,
>()];
