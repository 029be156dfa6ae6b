//! Root fields of Query about conversions and rates.

use db::wallets::conversion::{queries as reads, rates};
use domain::wallets::WalletConfiguration;
use domain::wallets::conversion::{self as rules, ConversionRefusal, Expected};

use super::objects::{
    Conversion, ConversionBy, ConversionConnection, ConversionFilter, ConversionQuote,
};
use super::rates::ConversionPair;
use crate::inputs::Parsed;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::configuration::objects::MoneyInput;
use crate::wallets::inputs::configuration;

/// Conversions, quotes and rates.
#[derive(Default)]
pub struct ConversionQuery;

#[Object]
impl ConversionQuery {
    /// Conversion with this key; null when there is none or the caller may not see it.
    async fn conversion(&self, ctx: &Context<'_>, by: Parsed<ConversionBy>) -> Loaded<Conversion> {
        find(ctx, by).await.transpose()
    }

    /// What a conversion would give now. A quote is not stored and binds nobody; null when the pair is closed, frozen or
    /// without a fresh rate.
    async fn conversion_quote(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Amount to give, above 0.")] amount: Parsed<MoneyInput>,
        #[graphql(desc = "Currency to receive.")] to: Parsed<CurrencyCode>,
    ) -> Loaded<ConversionQuote> {
        quote(ctx, amount, to).await.transpose()
    }

    /// Open conversions with their rates, by currencies.
    async fn rates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Currency that is given.")] from: Option<CurrencyCode>,
        #[graphql(desc = "Currency that is received.")] to: Option<CurrencyCode>,
    ) -> Loaded<Vec<ConversionPair>> {
        Some(pairs(ctx, from, to).await)
    }
}

async fn find(ctx: &Context<'_>, by: Parsed<ConversionBy>) -> Result<Option<Conversion>> {
    ctx.check_signed_in(Action::ConversionRead)?;
    match by.get()?.find(ctx).await? {
        Some(id) => Conversion::load(ctx, id).await,
        None => Ok(None),
    }
}

async fn quote(
    ctx: &Context<'_>,
    amount: Parsed<MoneyInput>,
    to: Parsed<CurrencyCode>,
) -> Result<Option<ConversionQuote>> {
    ctx.principal()
        .check(Action::ConversionQuote, Relation::Own)?;
    let configuration = configuration(ctx).await?;
    let currencies = ctx.db().currencies();
    let bad = |refusal: &ConversionRefusal| ApiError::bad_input(refusal.to_string());
    let converted = rules::convert(
        &configuration,
        currencies,
        amount.get()?.parts(),
        to.get()?.0,
    );
    let (given, target) = converted.map_err(|refusal| bad(&refusal))?;
    let pair = (given.currency.code, target.code);
    let in_use = in_use(ctx, configuration.clone(), vec![pair]).await?;
    let mut usable = in_use.into_iter().filter(|in_use| in_use.is_usable);
    let rate = usable.find_map(|in_use| in_use.rate);
    let expected = Expected::default();
    match (
        rules::quoted(&configuration, given, target, rate.as_ref(), expected),
        rate,
    ) {
        (Ok(converted), Some(rate)) => Ok(Some(ConversionQuote::of(converted, rate))),
        (
            Err(
                ConversionRefusal::Frozen
                | ConversionRefusal::PairClosed
                | ConversionRefusal::RateStale,
            ),
            _,
        )
        | (Ok(_), None) => Ok(None),
        (Err(refusal), _) => Err(bad(&refusal)),
    }
}

/// The rates of pairs that are in use now, in the order of the pairs.
async fn in_use(
    ctx: &Context<'_>,
    configuration: WalletConfiguration,
    pairs: Vec<rates::Pair>,
) -> Result<Vec<rates::InUse>> {
    let db = ctx.db().clone();
    let read = ctx.db().at_primary();
    let read = read.read(async move |conn| {
        let now = db::clock::now(conn).await?;
        let mut found = Vec::with_capacity(pairs.len());
        for pair in &pairs {
            let in_use = rates::in_use(conn, db.currencies(), &configuration, *pair, now);
            found.push(in_use.await?);
        }
        Ok(found)
    });
    Ok(read.await?)
}

async fn pairs(
    ctx: &Context<'_>,
    from: Option<CurrencyCode>,
    to: Option<CurrencyCode>,
) -> Result<Vec<ConversionPair>> {
    ctx.principal().check(Action::RatesRead, Relation::Own)?;
    let configuration = configuration(ctx).await?;
    let mut open = configuration.conversion_pairs.clone();
    open.retain(|pair| from.is_none_or(|code| code.0 == pair.from));
    open.retain(|pair| to.is_none_or(|code| code.0 == pair.to));
    open.sort_by_key(|pair| (pair.from, pair.to));
    let pairs = open.iter().map(|pair| (pair.from, pair.to)).collect();
    let in_use = in_use(ctx, configuration, pairs).await?;
    let pairs = open.into_iter().zip(in_use);
    Ok(pairs
        .map(|(pair, in_use)| ConversionPair::of(pair, in_use))
        .collect())
}

list_field! {
    /// Lists of conversions.
    ConversionsQuery;

    /// Conversions, newest first: the caller's own, or all for staff and services.
    conversions(filter: Option<Parsed<ConversionFilter>>) -> ConversionConnection = |ctx, args| {
        ctx.principal().check(Action::ConversionRead, Relation::Own)?;
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let filter = filter.restricted(ctx)?;
        let page = args.page("conversions")?;
        let db = ctx.db().clone();
        read_list!(
            ConversionConnection, "conversions", ctx, filter;
            |conn| reads::list(&db, conn, &filter, &page), reads::count(conn, &filter),
            |conversions| conversions.map(|one| ((one.created_at, one.id.uuid), Conversion::of(one)))
        )
    }
}
