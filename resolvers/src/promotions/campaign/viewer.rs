//! Fields of `Viewer` about campaigns.

use db::promotions::campaign::queries::{self as reads, CampaignKey, CampaignOrderField, Visible};
use domain::wallets::OwnerKind;

use super::objects::{Campaign, CampaignConnection, CampaignFilter};
use crate::inputs::Parsed;
use crate::prelude::*;

/// The campaigns of the person's merchant.
pub struct ViewerCampaigns;

#[Object]
impl ViewerCampaigns {
    /// Campaigns of the caller's merchant, newest first; null for everybody but merchants.
    async fn campaigns(
        &self,
        ctx: &Context<'_>,
        filter: Option<Parsed<CampaignFilter>>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<CampaignConnection> {
        let args = PageArgs::new(first, last, after, before);
        let person = ctx.principal().person();
        let merchant = person.and_then(|person| person.wallet_owner(OwnerKind::Merchant))?;
        Some(page(ctx, MerchantId(merchant.id), filter, args).await)
    }
}

async fn page(
    ctx: &Context<'_>,
    merchant: MerchantId,
    filter: Option<Parsed<CampaignFilter>>,
    args: PageArgs,
) -> Result<CampaignConnection> {
    let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
    let mut filter = filter.among(Visible::All)?;
    // Another merchant's are not the caller's: both conditions have to hold.
    let is_other = filter.merchant.is_some_and(|named| named != merchant);
    filter.merchant = Some(merchant);
    let page = args.page::<CampaignKey>("campaigns-c")?;
    if is_other {
        let (slice, total) = crate::paging::nothing();
        return Ok(CampaignConnection::new("campaigns-c", slice, total));
    }
    let field = CampaignOrderField::CreatedAt;
    let db = ctx.db().clone();
    read_list!(
        CampaignConnection, "campaigns-c", ctx, filter;
        |conn| reads::list(&db, conn, &filter, field, true, &page), reads::count(conn, &filter),
        |campaigns| campaigns.map(|seen| (CampaignKey::of(field, &seen.campaign), Campaign::of(seen)))
    )
}
