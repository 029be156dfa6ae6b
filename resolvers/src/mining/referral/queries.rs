//! Root fields of Query about referrals.

use db::mining::referral::queries::{self as reads, Filter};

use super::objects::{LIST, Referral, ReferralConnection, ReferralStatus};
use crate::inputs::Parsed;
use crate::mining::miner::objects::MinerBy;
use crate::mining::miner::queries::find_any;
use crate::paging::nothing;
use crate::prelude::*;

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

list_field! {
    /// Query fields about referrals.
    ReferralQuery;

    /// Referrals, newest first.
    referrals(filter: Option<Parsed<ReferralFilter>>) -> ReferralConnection = |ctx, args| {
        ctx.check_staff(Action::ReferralsList)?;
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let page = args.page(LIST)?;
        let mut checked = Filter {
            status: filter.status.map(|status| status.0),
            ..Filter::default()
        };
        let (slice, total) = nothing();
        let nobody = Ok(ReferralConnection::new(LIST, slice, total));
        if let Some(by) = filter.referrer {
            let Some(seen) = find_any(ctx, by).await? else { return nobody };
            checked.referrer = Some(seen.miner.id.user);
        }
        if let Some(by) = filter.referred {
            let Some(seen) = find_any(ctx, by).await? else { return nobody };
            // Referrals are keyed by the referrer, of whom a miner has at most one.
            let Some(referrer) = seen.miner.referred_by else { return nobody };
            if checked.referrer.is_some_and(|other| other != referrer) {
                return nobody;
            }
            checked.referrer = Some(referrer);
            checked.referred = Some(seen.miner.id.user);
        }
        read_list!(
            ReferralConnection, LIST, ctx, checked;
            |conn| reads::list(conn, &checked, &page), reads::count(conn, &checked),
            |referrals| referrals.map(Referral::placed)
        )
    }
}
