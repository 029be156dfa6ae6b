//! Root fields of Query about vouchers.

use db::promotions::voucher::commands::{Concern, concern};
use db::promotions::voucher::queries::{self as reads, VoucherFilter as Filter, VoucherSeen};
use domain::promotions::voucher::{VoucherRefusal, check_usable};

use super::guesses::Guesses;
use super::objects::{Voucher, VoucherBy, VoucherConnection, VoucherFilter, VoucherValidation};
use super::ticket::VoucherTicketBy;
use crate::inputs::Parsed;
use crate::prelude::*;

/// One voucher, and whether it can be redeemed.
#[derive(Default)]
pub struct VoucherQuery;

#[Object]
impl VoucherQuery {
    /// Voucher with this key; null when there is none or the caller is neither its holder nor its merchant. Unknown codes
    /// are limited per caller and address.
    async fn voucher(&self, ctx: &Context<'_>, by: Parsed<VoucherBy>) -> Loaded<Voucher> {
        find(ctx, by).await.transpose()
    }

    /// Whether a voucher can be redeemed. A code that is not the caller's concern answers as an unknown one; unknown codes
    /// are limited per caller and address.
    async fn voucher_validation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Voucher to validate.")] by: Parsed<VoucherTicketBy>,
        #[graphql(desc = "Holder of the voucher: required for services, null for others.")]
        user_id: Option<Parsed<OwnerKey>>,
    ) -> Loaded<VoucherValidation> {
        Some(validate(ctx, by, user_id).await)
    }
}

async fn find(ctx: &Context<'_>, by: Parsed<VoucherBy>) -> Result<Option<Voucher>> {
    ctx.check_signed_in(Action::VoucherRead)?;
    let by = by.get()?;
    let is_guess = matches!(by, VoucherBy::Code(_));
    let guess = if is_guess {
        Some(Guesses::begin(ctx, None).await?)
    } else {
        None
    };
    let found = match by.find(ctx).await? {
        Some(id) => Voucher::load(ctx, id).await?,
        None => None,
    };
    // A code finds a voucher for its holder alone.
    let found = found.filter(|found| !is_guess || found.is_held_by(ctx));
    if let (Some(guess), Some(_)) = (guess, &found) {
        guess.is_known();
    }
    Ok(found)
}

async fn validate(
    ctx: &Context<'_>,
    by: Parsed<VoucherTicketBy>,
    user_id: Option<Parsed<OwnerKey>>,
) -> Result<VoucherValidation> {
    let principal = ctx.principal();
    principal.check(Action::VoucherValidate, Relation::Own)?;
    let by = by.get()?;
    let user = user_id.map(Parsed::get).transpose()?;
    let user = user.map(|user| UserId(user.0));
    match (principal, user) {
        (Principal::Service(_), None) => return Err(DbError::UserRequired.into()),
        (Principal::Person(_), Some(_)) => {
            return Err(ApiError::bad_input(
                "`userId` is for services: leave it out",
            ));
        }
        _ => {}
    }
    let guess = if by.is_guess() {
        Some(Guesses::begin(ctx, user).await?)
    } else {
        None
    };
    let (ticket, db) = (by.ticket(), ctx.db().clone());
    let concern_of = Concern {
        principal: principal.clone(),
        user,
    };
    // From the primary: a command would decide on what is stored there.
    let read = async move |conn: &mut db::Connection| {
        let seen = reads::by_ticket(&db, conn, &ticket).await?;
        let seen = seen.filter(|seen| concern(&concern_of, &ticket, &seen.voucher).is_some());
        let holder = seen.as_ref().and_then(|seen| seen.voucher.owner());
        let is_frozen = match holder {
            Some(holder) => reads::is_frozen(conn, holder).await?,
            None => false,
        };
        Ok::<_, DbError>((seen, is_frozen))
    };
    let (seen, is_frozen): (Option<VoucherSeen>, bool) = ctx.db().read(read).await?;
    let Some(seen) = seen else {
        return Ok(VoucherValidation::of(
            Some(VoucherRefusal::VoucherNotFound),
            None,
        ));
    };
    let refusal = check_usable(&seen.voucher, is_frozen, seen.at).err();
    let is_known = refusal != Some(VoucherRefusal::VoucherNotFound);
    if let Some(guess) = guess.filter(|_| is_known) {
        guess.is_known();
    }
    Ok(VoucherValidation::of(
        refusal,
        Some(seen).filter(|_| is_known),
    ))
}

list_field! {
    /// Lists of vouchers.
    VouchersQuery;

    /// Vouchers, newest first.
    vouchers(filter: Option<Parsed<VoucherFilter>>) -> VoucherConnection = |ctx, args| {
        ctx.principal().check(Action::VouchersList, Relation::Others)?;
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        page(ctx, filter.read(ctx).await?, args).await
    }
}

/// A page of the vouchers that meet the conditions. The caller may see them.
pub(in crate::promotions) async fn page(
    ctx: &Context<'_>,
    filter: Filter,
    args: PageArgs,
) -> Result<VoucherConnection> {
    let page = args.page("vouchers")?;
    let db = ctx.db().clone();
    read_list!(
        VoucherConnection, "vouchers", ctx, filter;
        |conn| reads::list(&db, conn, &filter, &page), reads::count(conn, &filter),
        |vouchers| vouchers.map(|seen| ((seen.voucher.created_at, seen.voucher.id.uuid), Voucher::of(seen)))
    )
}
