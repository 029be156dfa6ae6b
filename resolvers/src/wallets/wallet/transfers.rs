//! Types of transfers and ledger entries.

use async_graphql::Enum;
use db::wallets::wallet::entries::EntryFilter;
use db::wallets::wallet::transfers::{self as stored, EntryKey, TransferKey, TransferPosition};
use domain::wallets::WalletOwner;

use super::objects::{Money, TransferReason, Wallet, WalletBucket, WalletKind};
use super::transactions::Transaction;
use crate::eager::ReadyOption;
use crate::inputs::{AmountRangeInput, DateTimeRangeInput};
use crate::node::KeyPart;
use crate::paging::Total;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::inputs::{AnyOwner, LedgerReferenceBy};
use crate::wallets::loaders::WalletLoader;
use crate::wallets::may_see;

impl NodeKey for TransferKey {
    fn part(&self) -> KeyPart {
        let (owner, id) = (self.owner.0.simple(), self.transaction.0.simple());
        KeyPart::Text(format!("{owner}:{id}:{}", self.leg))
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let key = Self {
            owner: OwnerId(Uuid::try_parse(parts.next()?).ok()?),
            transaction: TransactionId(Uuid::try_parse(parts.next()?).ok()?),
            leg: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(key)
    }
}

impl NodeKey for EntryKey {
    fn part(&self) -> KeyPart {
        let side = if self.is_credit { "C" } else { "D" };
        KeyPart::Text(format!("{}:{side}", self.transfer.part()))
    }

    fn read(text: &str) -> Option<Self> {
        let (transfer, side) = text.rsplit_once(':')?;
        let is_credit = match side {
            "C" => true,
            "D" => false,
            _ => return None,
        };
        let transfer = TransferKey::read(transfer)?;
        Some(Self {
            transfer,
            is_credit,
        })
    }
}

object! {
    /// Movement of an amount between two accounts of one currency.
    #[graphql(complex)]
    Transfer(transfer: Arc<stored::Transfer>) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&transfer.key),
        /// Cause of the transfer.
        reason: TransferReason = transfer.reason.into(),
    }
    with {
        stored: Arc<stored::Transfer> = transfer,
    }
    loaded |transfer, name, selected| match name {
        "credit" => selected.of(&transfer.side(true)),
        "debit" => selected.of(&transfer.side(false)),
        _ => None,
    }
}

impl Transfer {
    fn side(&self, is_credit: bool) -> LedgerEntry {
        LedgerEntry::of(stored::LedgerEntry {
            transfer: Arc::clone(&self.stored),
            is_credit,
        })
    }
}

#[ComplexObject]
impl Transfer {
    /// Side that received the amount.
    async fn credit(&self) -> LedgerEntry {
        self.side(true)
    }

    /// Side that gave the amount.
    async fn debit(&self) -> LedgerEntry {
        self.side(false)
    }

    /// Business event of the transfer. Null only on error.
    async fn transaction(&self, ctx: &Context<'_>) -> Loaded<Transaction> {
        Transaction::load(ctx, self.stored.key.transaction)
            .await
            .transpose()
    }
}

/// Loads a transfer, if the caller may see one of its sides.
async fn load_visible(
    ctx: &Context<'_>,
    key: TransferKey,
) -> Result<Option<Arc<stored::Transfer>>> {
    let transfer = ctx.loader::<WalletLoader>().load_one(key).await?;
    let is_visible = |transfer: &Arc<stored::Transfer>| {
        let sides = [&transfer.debit, &transfer.credit];
        let may = |owner| may_see(ctx.principal(), Action::WalletRead, owner);
        sides.into_iter().any(|side| may(side.wallet.owner))
    };
    Ok(transfer.filter(is_visible))
}

node!(Transfer: TransferKey, |ctx, key| {
    Ok(load_visible(ctx, key).await?.map(Self::of))
});

connection!(TransferConnection, TransferEdge, Transfer, "transfers", by TransferPosition);

/// Sides of a transfer.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerSide {
    /// The wallet received the amount.
    Credit,
    /// The wallet gave the amount.
    Debit,
}

object! {
    /// Side of a transfer: one line of a wallet's statement.
    #[graphql(complex)]
    LedgerEntry(entry: stored::LedgerEntry) {
        let side = *entry.side();
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&entry.key()),
        /// Amount, above 0; `side` gives the direction.
        amount: Money = Money::of(entry.transfer.amount),
        /// Balance of the bucket after the transfer; null for accounts without a running balance.
        balance_after: ReadyOption<Money> = ReadyOption(side.after.map(|(_, balance)| Money::of(balance))),
        /// Part of the wallet.
        bucket: WalletBucket = side.bucket.into(),
        /// Position in the wallet, from 1 without gaps; null where `balanceAfter` is.
        sequence: Option<BigInt> = side.after.map(|(sequence, _)| BigInt(sequence)),
        /// Direction of the amount.
        side: LedgerSide = if entry.is_credit {LedgerSide::Credit} else {LedgerSide::Debit},
        /// The wallet; null for callers without access to it.
        wallet: Edge<Wallet> = Edge::to(side.wallet),
    }
    with {
        stored: Arc<stored::Transfer> = entry.transfer,
    }
    loaded |entry, name, selected| match name {
        "transfer" => selected.of(&Transfer::of(Arc::clone(&entry.stored))),
        _ => None,
    }
}

#[ComplexObject]
impl LedgerEntry {
    /// The transfer, with its cause and time.
    async fn transfer(&self) -> Transfer {
        Transfer::of(Arc::clone(&self.stored))
    }
}

node!(LedgerEntry: EntryKey, |ctx, key| {
    let transfer = load_visible(ctx, key.transfer).await?;
    Ok(transfer.map(|transfer| {
        Self::of(stored::LedgerEntry {
            transfer,
            is_credit: key.is_credit,
        })
    }))
});

connection!(LedgerEntryConnection, LedgerEntryEdge, LedgerEntry, "ledger entries", by i64);

/// Conditions on ledger entries.
#[derive(InputObject, Default)]
pub struct LedgerEntryFilter {
    /// Amount of the transfer.
    pub amount: Option<AmountRangeInput>,
    /// Part of the wallet.
    pub bucket: Option<WalletBucket>,
    /// Time of the transfer.
    pub posted_at: Option<DateTimeRangeInput>,
    /// Cause of the transfer.
    pub reason: Option<TransferReason>,
    /// Object or reference the transfer is about.
    pub reference: Option<LedgerReferenceBy>,
    /// Direction of the amount.
    pub side: Option<LedgerSide>,
}

impl LedgerEntryFilter {
    /// The filter of the database, for a wallet whose currency has this scale.
    pub(super) async fn of_wallet(self, ctx: &Context<'_>, scale: u8) -> Result<EntryFilter> {
        let (from, until) = ends(self.posted_at)?;
        let (at_least, at_most) = match self.amount {
            Some(range) => range.ends(scale)?,
            None => (None, None),
        };
        Ok(EntryFilter {
            bucket: self.bucket.map(|bucket| bucket.0),
            is_credit: self.side.map(|side| side == LedgerSide::Credit),
            reason: self.reason.map(|reason| reason.0),
            reference: reference(ctx, self.reference).await?,
            from,
            until,
            at_least,
            at_most,
        })
    }
}

/// Conditions on transfers.
#[derive(InputObject, Default)]
pub struct TransferFilter {
    /// Amount, with `currency`.
    pub amount: Option<AmountRangeInput>,
    /// Code of the currency.
    pub currency: Option<CurrencyCode>,
    /// Kind of either side's account.
    pub kind: Option<WalletKind>,
    /// Owner of either side; for the platform's own accounts give `kind`.
    pub owner: Option<AnyOwner>,
    /// Time of the transfer.
    pub posted_at: Option<DateTimeRangeInput>,
    /// Cause of the transfer.
    pub reason: Option<TransferReason>,
    /// Object or reference the transfer is about.
    pub reference: Option<LedgerReferenceBy>,
}

impl TransferFilter {
    /// The filter of the database.
    pub(super) async fn of_list(self, ctx: &Context<'_>) -> Result<stored::TransferFilter> {
        let owner = self.owner.map(|owner| owner.0);
        if owner.is_some_and(|owner| owner == WalletOwner::SYSTEM) {
            let problem = "the platform's own accounts have no home: filter by `kind`";
            return Err(ApiError::bad_input(problem));
        }
        let (from, until) = ends(self.posted_at)?;
        let currencies = ctx.db().currencies();
        let currency = self.currency.map(|code| currencies.get(&code.0).copied());
        let (at_least, at_most) = match (self.amount, currency.flatten()) {
            (Some(range), Some(currency)) => range.ends(currency.scale)?,
            (Some(_), None) if currency.is_none() => {
                let problem = "a range of amounts needs `currency`";
                return Err(ApiError::bad_input(problem));
            }
            _ => (None, None),
        };
        Ok(stored::TransferFilter {
            owner,
            kind: self.kind.map(|kind| kind.0),
            // 0 is the number of no currency.
            currency: currency.map(|known| known.map_or(0, |currency| currency.number)),
            reason: self.reason.map(|reason| reason.0),
            reference: reference(ctx, self.reference).await?,
            from,
            until,
            at_least,
            at_most,
        })
    }
}

/// A page of the transfers that meet the conditions.
pub(super) async fn list(
    ctx: &Context<'_>,
    list: &'static str,
    filter: stored::TransferFilter,
    args: PageArgs,
) -> Result<TransferConnection> {
    let page = args.page(list)?;
    let (db, of_total) = (ctx.db().clone(), filter.clone());
    let total = Total::query(move |db| {
        let (of, filter) = (db.clone(), of_total.clone());
        async move {
            db.read_replicated(async move |conn| stored::count(&of, conn, &filter).await)
                .await
        }
    });
    let read = ctx
        .db()
        .read_replicated(async move |conn| stored::list(&db, conn, &filter, &page).await);
    let transfers = read.await?.map(|transfer| {
        let key = transfer.key;
        let position = (transfer.posted_at, key.transaction.0, key.leg);
        (position, Transfer::of(transfer.into()))
    });
    Ok(TransferConnection::new(list, transfers, total))
}

fn ends(range: Option<DateTimeRangeInput>) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
    range.map_or(Ok((None, None)), DateTimeRangeInput::ends)
}

async fn reference(
    ctx: &Context<'_>,
    by: Option<LedgerReferenceBy>,
) -> Result<Option<(String, String)>> {
    match by {
        Some(by) => by.stored(ctx).await.map(Some),
        None => Ok(None),
    }
}
