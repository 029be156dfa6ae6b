//! Edges of promotions, loaded for all parents of a level at once.

use chrono_tz::Tz;
use db::promotions::campaign::queries::{self as campaigns, CampaignSeen};
use db::promotions::redemption::queries as redemptions;
use db::promotions::statistics::{self, CampaignFigures};
use db::promotions::voucher::queries::{self as vouchers, VoucherSeen};
use db::promotions::voucher::revocation;
use domain::ids::{CampaignId, RedemptionId, UserId, VoucherId};
use domain::promotions::redemption::Redemption;
use uuid::Uuid;

use super::periods::starts;
use crate::loading::{by_key, loader, pages};

loader! {
    /// Loads edges of promotions.
    PromotionLoader
}

by_key!(PromotionLoader, CampaignId => CampaignSeen,
    |conn, ids, db| campaigns::by_id(&db, conn, &ids),
    |seen| (seen.campaign.id, seen));

by_key!(PromotionLoader, VoucherId => VoucherSeen,
    |conn, ids, db| vouchers::by_id(&db, conn, &ids),
    |seen| (seen.voucher.id, seen));

by_key!(PromotionLoader, RedemptionId => Redemption,
    |conn, ids, db| redemptions::by_id(&db, conn, &ids),
    |redemption| (redemption.id, redemption));

/// The id of a voucher, by its uuid alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VoucherOf(pub Uuid);

by_key!(PromotionLoader, VoucherOf => VoucherId,
    |conn, keys| async {
        let uuids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        vouchers::by_uuids(conn, &uuids).await
    },
    |id| (VoucherOf(id.uuid), id));

/// The id of a redemption, by its uuid alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RedemptionOf(pub Uuid);

by_key!(PromotionLoader, RedemptionOf => RedemptionId,
    |conn, keys| async {
        let uuids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        redemptions::by_uuids(conn, &uuids).await
    },
    |id| (RedemptionOf(id.uuid), id));

/// Numbers of a campaign, with its days in a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FiguresOf(pub CampaignId, pub Tz);

pages!(PromotionLoader, FiguresOf(CampaignId, Tz) => CampaignFigures, |conn, ids, zone, db| async {
    let now = db::clock::now(conn).await?;
    statistics::of_campaigns(&db, conn, &ids, starts(now, zone), now).await
});

/// Vouchers of a campaign that are still to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LeftToRevoke(pub CampaignId);

by_key!(PromotionLoader, LeftToRevoke => u32,
    |conn, keys| async {
        let ids: Vec<CampaignId> = keys.iter().map(|key| key.0).collect();
        revocation::left(conn, &ids).await
    },
    |left| (LeftToRevoke(left.0), left.1));

/// Whether a person acquired vouchers of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct HolderOf(pub CampaignId, pub UserId);

by_key!(PromotionLoader, HolderOf => (),
    |conn, keys| async {
        let wanted: Vec<_> = keys.iter().map(|key| (key.0, key.1)).collect();
        vouchers::holders(conn, &wanted).await
    },
    |held| (HolderOf(held.0, held.1), ()));
