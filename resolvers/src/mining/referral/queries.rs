//! Root fields of Query about referrals.

use async_graphql::{Context, InputObject, Object};
use db::mining::referral::queries::{self as reads, Filter, Place};
use domain::access::Action;

use super::objects::{LIST, Referral, ReferralConnection, ReferralStatus};
use crate::errors::{ApiError, Loaded};
use crate::inputs::Parsed;
use crate::mining::miner::objects::MinerBy;
use crate::mining::miner::queries::find_any;
use crate::paging::{PageArgs, Total, nothing};
use crate::request::OperationContext;

/// Conditions on referrals.
#[derive(InputObject, Default)]
pub struct ReferralFilter {
    /// Miner who applied the code.
    pub referred: Option<MinerBy>,
    /// Miner who owns the code.
    pub referrer: Option<MinerBy>,
    /// State of the referral.
    pub status: Option<ReferralStatus>,
}

/// Query fields about referrals.
#[derive(Default)]
pub struct ReferralQuery;

#[Object]
impl ReferralQuery {
    /// Referrals, newest first.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn referrals(
        &self,
        ctx: &Context<'_>,
        filter: Option<Parsed<ReferralFilter>>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
        offset: Option<i32>,
    ) -> Loaded<ReferralConnection> {
        let args = PageArgs::new(first, last, after, before).offset(offset);
        Some(list(ctx, filter, args).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: Option<Parsed<ReferralFilter>>,
    args: PageArgs,
) -> Result<ReferralConnection, ApiError> {
    ctx.check_staff(Action::ReferralsList)?;
    let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
    let page = args.page::<Place>(LIST)?;
    let mut checked = Filter {
        status: filter.status.map(|status| status.0),
        ..Filter::default()
    };
    for (by, side) in [
        (filter.referrer, &mut checked.referrer),
        (filter.referred, &mut checked.referred),
    ] {
        let Some(by) = by else { continue };
        let Some(seen) = find_any(ctx, by).await? else {
            let (slice, total) = nothing();
            return Ok(ReferralConnection::new(LIST, slice, total));
        };
        *side = Some(seen.miner.id);
    }
    let slice = ctx
        .db()
        .read(async move |conn| reads::list(conn, &checked, &page).await)
        .await?;
    let total = Total::query(move |db| async move {
        db.read(async move |conn| reads::count(conn, &checked).await)
            .await
    });
    Ok(ReferralConnection::new(
        LIST,
        slice.map(Referral::placed),
        total,
    ))
}
