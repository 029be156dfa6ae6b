//! Edges of promotions, loaded for all parents of a level at once.

use db::promotions::campaign::queries::{self as campaigns, CampaignSeen};
use domain::ids::CampaignId;

use crate::loading::{by_key, loader};

loader! {
    /// Loads edges of promotions.
    PromotionLoader
}

by_key!(PromotionLoader, CampaignId => CampaignSeen,
    |conn, ids, db| campaigns::by_id(&db, conn, &ids),
    |seen| (seen.campaign.id, seen));
