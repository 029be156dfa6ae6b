//! Types of reconciliation.

use db::wallets::hold::queries as holds;
use db::wallets::reconciliation::checker::{Facts, Mismatch};
use db::wallets::reconciliation::{ReconciliationRun as Stored, queries as reads};
use db::wallets::wallet::queries::{Issuance, issuance};
use domain::money as kernel;
use domain::wallets::reconciliation as rules;
use rust_decimal::Decimal as Exact;

use crate::abstracts::DynOutput;
use crate::node::uuid_keys;
use crate::paging::Total;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::conversion::objects::Conversion;
use crate::wallets::deposit::objects::Deposit;
use crate::wallets::hold::objects::{Hold, HoldConnection};
use crate::wallets::loaders::{WalletLoader, WalletRowOf};
use crate::wallets::settlement::objects::Settlement;
use crate::wallets::wallet::objects::{Money, Wallet};
use crate::wallets::withdrawal::objects::Withdrawal;

uuid_keys!(ReconciliationRunId);

/// States of a run of the checker.
pub type ReconciliationStatus = EnumOf<rules::ReconciliationStatus>;

/// Invariants of the ledger.
pub type ReconciliationCheck = EnumOf<rules::ReconciliationCheck>;

object! {
    /// Disagreement that the checker found.
    #[graphql(complex)]
    ReconciliationMismatch(mismatch: Mismatch, currency: Option<kernel::Currency>) {
        let in_units = |number: Option<i64>| number.map(|number| Decimal(match currency {
            Some(currency) => kernel::Minor(number).to_decimal(currency.scale),
            None => Exact::from(number),
        }));
        /// Value that was found; null for a missing row and for checks that compare no values.
        actual: Option<Decimal> = in_units(mismatch.facts.actual),
        /// The violated invariant.
        check: ReconciliationCheck = mismatch.check.into(),
        /// Currency; null for values that are not amounts.
        currency: Option<CurrencyCode> = currency.map(|currency| CurrencyCode(currency.code)),
        /// Value that was expected; null for a row that should not exist and for checks that compare no values.
        expected: Option<Decimal> = in_units(mismatch.facts.expected),
        /// Description for people, with amounts in the currency's smallest unit.
        message: String = format!("{}: {}", mismatch.rule, mismatch.detail),
    }
    with {
        facts: Facts = mismatch.facts,
    }
}

#[ComplexObject]
impl ReconciliationMismatch {
    /// Object concerned; null when it is not a single one.
    async fn subject(&self, ctx: &Context<'_>) -> Loaded<Node> {
        subject(ctx, &self.facts).await.transpose()
    }
}

/// Loads the object that a rule names.
async fn subject(ctx: &Context<'_>, facts: &Facts) -> Result<Option<Node>> {
    let (Some(object), Some(owner), Some(id)) = (&facts.object, facts.owner_id, &facts.id) else {
        return Ok(None);
    };
    if object == "wallet" {
        let Ok(id) = id.parse() else {
            return Ok(None);
        };
        let row = WalletRowOf(owner, id);
        let wallet = ctx.loader::<WalletLoader>().load_one(row).await?;
        let wallet = wallet.and_then(|wallet| Wallet::visible(ctx, &wallet));
        return Ok(wallet.map(node_of));
    }
    let Ok(uuid) = Uuid::try_parse(id) else {
        return Ok(None);
    };
    let key = [owner, uuid];
    Ok(match object.as_str() {
        "conversion" => Conversion::load(ctx, key.into()).await?.map(node_of),
        "deposit" => Deposit::load(ctx, key.into()).await?.map(node_of),
        "settlement" => Settlement::load(ctx, key.into()).await?.map(node_of),
        "withdrawal" => Withdrawal::load(ctx, key.into()).await?.map(node_of),
        _ => None,
    })
}

fn node_of<T: NodeType>(object: T) -> Node {
    Node::new(Box::new(object) as Box<dyn DynOutput>)
}

object! {
    /// Run of the ledger's checker.
    ReconciliationRun(run: Stored, currencies: &domain::wallets::Currencies) {
        let mismatch = |mismatch: Mismatch| {
            let number = mismatch.facts.currency;
            let currency = currencies.values().find(|currency| Some(currency.number) == number);
            ReconciliationMismatch::of(mismatch, currency.copied())
        };
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&ReconciliationRunId(run.id)),
        /// End of the run; null while it runs.
        finished_at: Option<DateTime> = run.finished_at.map(DateTime),
        /// Number of mismatches found.
        mismatch_count: i32 = i32::try_from(run.mismatch_count).unwrap_or(i32::MAX),
        /// The first 100 mismatches, at most 20 of a rule.
        mismatches: ReadyList<ReconciliationMismatch> = ReadyList(run.mismatches.into_iter().map(mismatch).collect()),
        /// Start of the run.
        started_at: DateTime = run.started_at.into(),
        /// State of the run.
        status: ReconciliationStatus = run.status.into(),
    }
}

node!(ReconciliationRun: ReconciliationRunId, |ctx, id| {
    if !ctx.may(Action::ReconciliationRead, Relation::Others) {
        return Ok(None);
    }
    let run = ctx.loader::<WalletLoader>().load_one(id).await?;
    Ok(run.map(|run| Self::of(run, ctx.db().currencies())))
});

connection!(
    ReconciliationRunConnection,
    ReconciliationRunEdge,
    ReconciliationRun,
    "runs of the checker",
    by(Timestamp, Uuid)
);

object! {
    /// Amount issued on a day in a currency.
    IssuanceStatus(count: Issuance) {
        /// Daily issuance ceiling; an alarm is raised at 80 %.
        ceiling: Money = Money::of(count.ceiling),
        /// Time of the last count.
        counted_at: DateTime = count.counted_at.into(),
        /// Amount issued on the UTC day of the count.
        issued: Money = Money::of(count.issued),
    }
}

/// Results of the ledger's checker and what waits for attention.
pub struct Reconciliation;

/// Results of the ledger's checker and what waits for attention.
#[Object]
impl Reconciliation {
    /// Issued amounts of today, by currency.
    async fn issuance(&self, ctx: &Context<'_>) -> Loaded<Vec<IssuanceStatus>> {
        let (db, of) = (ctx.db().clone(), ctx.db().clone());
        let counts = db
            .read_replicated(async move |conn| issuance(&of, conn).await)
            .await;
        let counts = counts.map_err(ApiError::from);
        Some(counts.map(|counts| counts.into_iter().map(IssuanceStatus::of).collect()))
    }

    /// Newest run; null before the first.
    async fn latest_run(&self, ctx: &Context<'_>) -> Loaded<ReconciliationRun> {
        let read = ctx.db().read(async |conn| reads::latest(conn).await).await;
        let run = read.map_err(ApiError::from).transpose()?;
        Some(run.map(|run| ReconciliationRun::of(run, ctx.db().currencies())))
    }

    /// Holds past their expiry that are not yet released, oldest first.
    async fn overdue_holds(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<HoldConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(overdue(ctx, args).await)
    }

    /// Runs, newest first.
    async fn runs(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<ReconciliationRunConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(runs(ctx, args).await)
    }
}

async fn overdue(ctx: &Context<'_>, args: PageArgs) -> Result<HoldConnection> {
    const LIST: &str = "overdue_holds";
    let page = args.page(LIST)?;
    let db = ctx.db().clone();
    let now = db.read(async |conn| db::clock::now(conn).await).await?;
    read_list!(
        HoldConnection, LIST, ctx, now;
        |conn| holds::overdue(&db, conn, now, &page), holds::count_overdue(conn, now),
        |holds| holds.map(|hold| {
            let expires_at = hold.expires_at.unwrap_or(hold.created_at);
            ((expires_at, hold.id.uuid), Hold::of(hold))
        })
    )
}

async fn runs(ctx: &Context<'_>, args: PageArgs) -> Result<ReconciliationRunConnection> {
    const LIST: &str = "runs";
    let page = args.page(LIST)?;
    let currencies = ctx.db().currencies();
    let total = Total::query(async |db| {
        db.read_replicated(async |conn| reads::count(conn).await)
            .await
    });
    let read = ctx
        .db()
        .read_replicated(async move |conn| reads::list(conn, &page).await);
    let runs = read.await?.map(|run| {
        let position = (run.started_at, run.id);
        (position, ReconciliationRun::of(run, currencies))
    });
    Ok(ReconciliationRunConnection::new(LIST, runs, total))
}
