//! Root fields of Query about campaigns.

use db::promotions::campaign::queries::{self as reads, CampaignKey, CampaignOrderField, Visible};
use domain::wallets::OwnerKind;

use super::objects::{Campaign, CampaignBy, CampaignConnection, CampaignFilter, CampaignOrder};
use crate::inputs::{OrderDirection, Parsed};
use crate::prelude::*;

/// One campaign.
#[derive(Default)]
pub struct CampaignQuery;

#[Object]
impl CampaignQuery {
    /// Campaign with this key; null when there is none, or it is a draft or cancelled and the caller is neither its merchant
    /// nor staff.
    async fn campaign(&self, ctx: &Context<'_>, by: Parsed<CampaignBy>) -> Loaded<Campaign> {
        find(ctx, by).await.transpose()
    }
}

async fn find(ctx: &Context<'_>, by: Parsed<CampaignBy>) -> Result<Option<Campaign>> {
    match by.get()?.find(ctx).await? {
        Some(id) => Campaign::load(ctx, id).await,
        None => Ok(None),
    }
}

/// Campaigns that the caller may list.
fn visible(ctx: &Context<'_>) -> Visible {
    if ctx.may(Action::CampaignRead, Relation::Others) {
        return Visible::All;
    }
    let person = ctx.principal().person();
    let merchant = person.and_then(|person| person.wallet_owner(OwnerKind::Merchant));
    Visible::Open(merchant.map(|merchant| MerchantId(merchant.id)))
}

list_field! {
    /// Lists of campaigns.
    CampaignsQuery;

    /// Campaigns: public offers whose vouchers can be acquired, also all of the caller's merchant, or all for staff.
    campaigns(filter: Option<Parsed<CampaignFilter>>, order_by: Option<Parsed<CampaignOrder>>) -> CampaignConnection = |ctx, args| {
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let filter = filter.among(visible(ctx))?;
        let order_by = order_by.map(Parsed::get).transpose()?;
        let (field, descending) = order_by.map_or((CampaignOrderField::CreatedAt, true), |order| {
            (order.field.0, order.direction == OrderDirection::Desc)
        });
        let list = match (field, descending) {
            (CampaignOrderField::CreatedAt, false) => "campaigns+c",
            (CampaignOrderField::CreatedAt, true) => "campaigns-c",
            (CampaignOrderField::EndsAt, false) => "campaigns+e",
            (CampaignOrderField::EndsAt, true) => "campaigns-e",
            (CampaignOrderField::Name, false) => "campaigns+n",
            (CampaignOrderField::Name, true) => "campaigns-n",
        };
        let page = args.page::<CampaignKey>(list)?;
        for key in [&page.after, &page.before].into_iter().flatten() {
            let is_name = matches!(key, CampaignKey::Name(..));
            if is_name != (field == CampaignOrderField::Name) {
                return Err(ApiError::bad_input("this is a cursor of another order"));
            }
        }
        let db = ctx.db().clone();
        read_list!(
            CampaignConnection, list, ctx, filter;
            |conn| reads::list(&db, conn, &filter, field, descending, &page), reads::count(conn, &filter),
            |campaigns| campaigns.map(|seen| (CampaignKey::of(field, &seen.campaign), Campaign::of(seen)))
        )
    }
}
