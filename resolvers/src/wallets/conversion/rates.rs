//! Types of rates.

use db::wallets::conversion::rates as reads;
use domain::money::CurrencyCode as Code;
use domain::wallets::conversion as rules;

use crate::node::KeyPart;
use crate::platform::users::{Actor, Service, User};
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::inputs::number_of;
use crate::wallets::loaders::WalletLoader;

impl NodeKey for rules::RateKey {
    fn part(&self) -> KeyPart {
        KeyPart::Text(match self {
            Self::Recorded(id) => id.simple().to_string(),
            Self::Static { version, from, to } => format!("{version}:{from}:{to}"),
        })
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let first = parts.next()?;
        let key = match parts.next() {
            None => Self::Recorded(Uuid::try_parse(first).ok()?),
            Some(from) => Self::Static {
                version: first.parse().ok()?,
                from: Code::parse(from)?,
                to: Code::parse(parts.next()?)?,
            },
        };
        (parts.next().is_none() && key.part() == KeyPart::Text(text.to_owned())).then_some(key)
    }
}

/// States of a rate.
pub type RateStatus = EnumOf<rules::RateStatus>;

object! {
    /// Rate of a pair at a time.
    #[graphql(complex)]
    RateSnapshot(rate: rules::Rate) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&rate.key),
        /// Key of the object in the platform's other services.
        uuid: Uuid = rate.key.uuid(),
        /// Currency that is given.
        from: CurrencyCode = CurrencyCode(rate.from),
        /// Time the rate was observed at its source.
        observed_at: DateTime = rate.observed_at.into(),
        /// Units of `to` for one unit of `from`, above 0.
        rate: Decimal = Decimal(rate.value),
        /// Time the rate was recorded.
        recorded_at: DateTime = rate.recorded_at.into(),
        /// Whether the rate can be used.
        status: RateStatus = rate.status.into(),
        /// Currency that is received.
        to: CurrencyCode = CurrencyCode(rate.to),
    }
    with {
        recorder: Option<(String, String)> = rate.recorded_by,
        decider: Option<UserId> = rate.decided_by,
    }
}

node!(RateSnapshot: rules::RateKey, |ctx, key| {
    if !ctx.principal().may(Action::RatesRead, Relation::Own) {
        return Ok(None);
    }
    Ok(ctx.loader::<WalletLoader>().load_one(key).await?.map(Self::of))
});

#[ComplexObject]
impl RateSnapshot {
    /// Person who accepted it; null unless it had to be, and for callers without access.
    async fn decided_by(&self, ctx: &Context<'_>) -> Loaded<User> {
        let id = self.decider.filter(|_| may_see_people(ctx))?;
        User::load(ctx, id).await.transpose()
    }

    /// Caller who recorded it; null for a rate of the configuration and callers without access.
    async fn recorded_by(&self, ctx: &Context<'_>) -> Loaded<Actor> {
        let (issuer, subject) = self.recorder.clone().filter(|_| may_see_people(ctx))?;
        let Ok(person) = Uuid::try_parse(&subject) else {
            return Some(Ok(Actor::Service(Service { issuer, subject })));
        };
        let user = User::load(ctx, UserId(person)).await.transpose()?;
        Some(user.map(Actor::User))
    }
}

fn may_see_people(ctx: &Context<'_>) -> bool {
    ctx.principal()
        .may(Action::RateAuthorsRead, Relation::Others)
}

connection!(
    RateSnapshotConnection,
    RateSnapshotEdge,
    RateSnapshot,
    "rates",
    by(Timestamp, Uuid)
);

object! {
    /// Conversion that the configuration opens.
    #[graphql(complex)]
    ConversionPair(pair: domain::wallets::ConversionPair, in_use: reads::InUse) {
        /// Fee in hundredths of a percent of the result, 0 to 10,000.
        fee_bps: i32 = crate::wallets::whole(pair.fee_bps),
        /// Currency that is given.
        from: CurrencyCode = CurrencyCode(pair.from),
        /// Whether the rate is missing, too old, or above the inverse of the opposite one, so that conversions are refused.
        is_stale: bool = !in_use.is_usable,
        /// Rate in use; null before the first.
        rate: Edge<RateSnapshot> = Edge(in_use.rate.map(|rate| rate.key)),
        /// Currency that is received.
        to: CurrencyCode = CurrencyCode(pair.to),
    }
    with {
        pair: reads::Pair = (pair.from, pair.to),
    }
}

#[ComplexObject]
impl ConversionPair {
    /// Rates of the pair, newest first.
    async fn snapshots(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Status to select; all without it.")] status: Option<RateStatus>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<RateSnapshotConnection> {
        if !ctx
            .principal()
            .may(Action::RateHistoryRead, Relation::Others)
        {
            return None;
        }
        let args = PageArgs::new(first, last, after, before);
        Some(snapshots(ctx, self.pair, status, args).await)
    }
}

async fn snapshots(
    ctx: &Context<'_>,
    pair: reads::Pair,
    status: Option<RateStatus>,
    args: PageArgs,
) -> Result<RateSnapshotConnection> {
    let page = args.page("snapshots")?;
    let filter = reads::RateFilter {
        from: number_of(ctx, CurrencyCode(pair.0)),
        to: number_of(ctx, CurrencyCode(pair.1)),
        status: status.map(|status| status.0),
    };
    let db = ctx.db().clone();
    read_list!(
        RateSnapshotConnection, "snapshots", ctx, filter;
        |conn| reads::list(&db, conn, &filter, &page), reads::count(conn, &filter),
        |rates| rates.map(|rate| ((rate.observed_at, rate.key.uuid()), RateSnapshot::of(rate)))
    )
}
