//! The ledger's types.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, OneofObject, SimpleObject};
use db::wallets::LedgerEntry as StoredEntry;
use domain::access::{Action, Principal};
use domain::money as kernel;
use domain::wallets::{self as rules, WalletOwner as Owner};
use uuid::Uuid;

use super::loaders::EntriesOf;
use crate::errors::ApiError;
use crate::node::GlobalId;
use crate::paging::{PageArgs, Total, connection};
use crate::plain::plain;
use crate::request::Asked;
use crate::scalars::{CurrencyCode, DateTime, Decimal};

/// An exact amount of a currency.
#[derive(SimpleObject, Clone, Copy)]
pub struct Money {
    /// How much, exactly.
    pub amount: Decimal,
    /// Of what.
    pub currency: CurrencyCode,
}

impl From<kernel::Money> for Money {
    fn from(money: kernel::Money) -> Self {
        Self {
            amount: Decimal(money.to_decimal()),
            currency: CurrencyCode(money.currency.code),
        }
    }
}

/// What the ledger counts.
#[derive(SimpleObject)]
pub struct Currency {
    /// Its code.
    pub code: CurrencyCode,
    /// Decimals of its smallest unit: finer amounts are refused.
    pub scale: i32,
    /// Decimals to show to people.
    pub display_decimals: i32,
}

impl From<kernel::Currency> for Currency {
    fn from(currency: kernel::Currency) -> Self {
        Self {
            code: CurrencyCode(currency.code),
            scale: currency.scale.into(),
            display_decimals: currency.display_decimals.into(),
        }
    }
}

/// Kinds of owners of wallets.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::OwnerKind")]
pub enum WalletOwnerKind {
    /// A person.
    User,
    /// A merchant.
    Merchant,
    /// An advertiser.
    Advertiser,
    /// The platform.
    System,
}

/// Who owns a wallet. Equal keys of two kinds are two owners.
#[derive(SimpleObject)]
pub struct WalletOwner {
    /// What kind of owner.
    pub kind: WalletOwnerKind,
    /// Their key within the kind.
    pub uuid: Uuid,
}

/// What an owner has of a currency. For its owner, staff, and services with `wallet:read`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Wallet {
    /// Global id.
    pub id: GlobalId,
    /// Whose.
    pub owner: WalletOwner,
    /// Of what.
    pub currency: CurrencyCode,
    /// What can be spent.
    pub available: Money,
    /// What holds reserve.
    pub held: Money,
    /// Whether nothing may leave it.
    pub is_frozen: bool,
    /// When it last moved; null before the first time.
    pub last_posted_at: Option<DateTime>,
    #[graphql(skip)]
    key: (Owner, kernel::CurrencyCode),
    #[graphql(skip)]
    sequence: i64,
}

impl Wallet {
    /// The wallet, if the caller may see it. There is no other way to make one.
    pub(crate) fn of(ctx: &Context<'_>, wallet: &rules::Wallet) -> Option<Self> {
        Self::for_principal(ctx.principal(), wallet)
    }

    /// The wallet, if this principal may see it.
    pub(crate) fn for_principal(principal: &Principal, wallet: &rules::Wallet) -> Option<Self> {
        let own = principal.owns(wallet.owner);
        let key = (wallet.owner, wallet.currency.code);
        principal.may(Action::WalletRead, own.into()).then(|| Self {
            id: GlobalId::Wallet(key.0, key.1),
            owner: WalletOwner {
                kind: wallet.owner.kind.into(),
                uuid: wallet.owner.id,
            },
            currency: CurrencyCode(key.1),
            available: wallet.available.into(),
            held: wallet.held.into(),
            is_frozen: wallet.is_frozen,
            last_posted_at: wallet.last_posted_at.map(DateTime),
            key,
            sequence: wallet.sequence,
        })
    }

    /// Loads a wallet, if the caller may see it. Who has nothing of a currency has a wallet of zeros.
    pub(crate) async fn load(
        ctx: &Context<'_>,
        owner: Owner,
        currency: kernel::CurrencyCode,
    ) -> Result<Option<Self>, ApiError> {
        let wallet = ctx.operation().wallets.load_one((owner, currency)).await?;
        Ok(wallet.and_then(|wallet| Self::of(ctx, &wallet)))
    }

    async fn entries_page(
        &self,
        ctx: &Context<'_>,
        args: PageArgs,
    ) -> Result<LedgerEntryConnection, ApiError> {
        const LIST: &str = "entries";
        let page = args.page(LIST)?;
        let slice = ctx
            .operation()
            .wallets
            .load_one(EntriesOf(self.key, page))
            .await?
            .unwrap_or_default();
        let slice = slice.map(|entry| (entry.sequence, LedgerEntry::from(entry)));
        Ok(LedgerEntryConnection::new(
            LIST,
            slice,
            Total::Known(self.sequence),
        ))
    }
}

#[ComplexObject]
impl Wallet {
    /// What came and went, newest first.
    async fn entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<LedgerEntryConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset: None,
        };
        Some(self.entries_page(ctx, args).await)
    }
}

/// The two parts of a wallet.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::Bucket")]
pub enum WalletBucket {
    /// Can be spent.
    Available,
    /// Is reserved by holds.
    Held,
}

/// Which way an entry went.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryType {
    /// It left the wallet.
    Debit,
    /// It arrived.
    Credit,
}

/// Why points or money moved.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::TransferReason")]
pub enum TransferReason {
    /// A claimed session's reward.
    MiningReward,
    /// The first day of a streak's tier.
    StreakMilestone,
    /// What recovering a streak costs.
    StreakRecovery,
    /// An administrator's correction, up or down.
    Adjustment,
    /// What demo data begins with.
    OpeningBalance,
}

/// One line of a wallet's statement: one side of a transfer.
#[derive(SimpleObject)]
pub struct LedgerEntry {
    /// Position in the wallet, from 1 without a gap.
    pub sequence: i32,
    /// Which way it went.
    pub entry_type: EntryType,
    /// Which part of the wallet.
    pub bucket: WalletBucket,
    /// How much.
    pub amount: Money,
    /// What that part held right after.
    pub balance_after: Money,
    /// Why.
    pub reason: TransferReason,
    /// What it was about.
    pub reference: LedgerReference,
    /// Key of the business event: all transfers of it share one.
    pub transaction_uuid: Uuid,
    /// When.
    pub posted_at: DateTime,
}

/// What a transfer was about.
#[derive(SimpleObject)]
pub struct LedgerReference {
    /// What kind of thing, such as `mining_session`.
    pub reference_type: String,
    /// Which one.
    pub reference_id: String,
}

plain!(Money, amount, currency);
plain!(LedgerReference, reference_type, reference_id);
plain!(
    LedgerEntry, sequence, entry_type, bucket, reason, transaction_uuid, posted_at;
    amount, balance_after, reference
);

impl From<StoredEntry> for LedgerEntry {
    fn from(entry: StoredEntry) -> Self {
        Self {
            sequence: i32::try_from(entry.sequence).unwrap_or(i32::MAX),
            entry_type: if entry.is_credit {
                EntryType::Credit
            } else {
                EntryType::Debit
            },
            bucket: entry.bucket.into(),
            amount: entry.amount.into(),
            balance_after: entry.balance_after.into(),
            reason: entry.reason.into(),
            reference: LedgerReference {
                reference_type: entry.reference_kind,
                reference_id: entry.reference_id,
            },
            transaction_uuid: entry.transaction_id,
            posted_at: entry.posted_at.into(),
        }
    }
}

connection! {
    /// A page of a wallet's statement.
    LedgerEntryConnection,
    /// One line of a page of a statement.
    LedgerEntryEdge,
    LedgerEntry, by i64
}

/// Names a wallet, in one of the ways it is known.
#[derive(OneofObject)]
pub enum WalletBy {
    /// Global id.
    Id(ID),
    /// The caller's own, as a user, of this currency.
    Currency(CurrencyCode),
    /// Somebody's, of a currency.
    Owner(WalletOfOwnerInput),
}

/// Names an owner and a currency.
#[derive(InputObject)]
pub struct WalletOfOwnerInput {
    /// What kind of owner.
    pub kind: WalletOwnerKind,
    /// Their key within the kind.
    pub uuid: Uuid,
    /// Of what.
    pub currency: CurrencyCode,
}
