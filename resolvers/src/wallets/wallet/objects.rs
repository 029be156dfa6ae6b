//! Types of wallets and ledger entries.

use async_graphql::{ComplexObject, Context, Enum, InputObject, OneofObject, SimpleObject};
use db::wallets::LedgerEntry as StoredEntry;
use db::wallets::wallet::queries as reads;
use domain::access::{Action, Principal};
use domain::money as kernel;
use domain::wallets::{self as rules, WalletOwner as Owner};
use uuid::Uuid;

use crate::eager::eager;
use crate::errors::ApiError;
use crate::node::{GlobalId, Id, KeyPart, NodeKey, NodeType};
use crate::paging::{PageArgs, Total, connection};
use crate::request::OperationContext;
use crate::scalars::{BigInt, CurrencyCode, DateTime, Decimal};
use crate::wallets::loaders::{EntriesOf, WalletLoader};

/// Amount in one currency.
#[derive(SimpleObject, Clone, Copy)]
pub struct Money {
    /// Amount with as many decimals as the currency's scale.
    pub amount: Decimal,
    /// Code of the currency.
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

/// Currency of the ledger.
#[derive(SimpleObject)]
pub struct Currency {
    /// Code of the currency.
    pub code: CurrencyCode,
    /// Decimals of the smallest unit, 0 to 6; finer amounts are refused.
    pub scale: i32,
    /// Decimals shown to people, 0 to `scale`.
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
    /// Person: subject of the token.
    User,
    /// Merchant: `merchant_id` of the token, else its subject.
    Merchant,
    /// Advertiser: `advertiser_id` of the token, else its subject.
    Advertiser,
    /// The platform.
    System,
}

/// Owner of wallets. Equal keys of two kinds are two owners.
#[derive(SimpleObject)]
pub struct WalletOwner {
    /// Kind of the owner.
    pub kind: WalletOwnerKind,
    /// Key of the owner within the kind.
    pub uuid: Uuid,
}

/// Balance of an owner in one currency, for the owner, staff and services with `wallet:read`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Wallet {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Owner of the wallet.
    pub owner: WalletOwner,
    /// Code of the currency.
    pub currency: CurrencyCode,
    /// Amount that can be spent.
    pub available: Money,
    /// Amount reserved by holds.
    pub held: Money,
    /// Whether nothing can leave the wallet.
    pub is_frozen: bool,
    /// Time of the last posting; null before the first.
    pub last_posted_at: Option<DateTime>,
    #[graphql(skip)]
    key: (Owner, kernel::CurrencyCode),
    #[graphql(skip)]
    sequence: i64,
}

impl Wallet {
    /// The wallet, if the caller may see it.
    pub(crate) fn of(ctx: &Context<'_>, wallet: &rules::Wallet) -> Option<Self> {
        Self::for_principal(ctx.principal(), wallet)
    }

    /// The wallet, if this principal may see it.
    pub(crate) fn for_principal(principal: &Principal, wallet: &rules::Wallet) -> Option<Self> {
        let relation = principal.relation_to(wallet.owner);
        let key = (wallet.owner, wallet.currency.code);
        principal.may(Action::WalletRead, relation).then(|| Self {
            id: GlobalId::of::<Self>(&WalletKey(key.0, key.1)),
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

    /// Loads an owner's ordinary wallet, if the owner can have one and the caller may see it; with zeros before its first
    /// posting.
    pub(crate) async fn of_owner(
        ctx: &Context<'_>,
        owner: Owner,
        currency: kernel::CurrencyCode,
    ) -> Result<Option<Self>, ApiError> {
        if !owner.kind.has_main_wallet() {
            return Ok(None);
        }
        let wallet = ctx
            .loader::<WalletLoader>()
            .load_one((owner, currency))
            .await?;
        Ok(wallet.and_then(|wallet| Self::of(ctx, &wallet)))
    }

    async fn entries_page(
        &self,
        ctx: &Context<'_>,
        args: PageArgs,
    ) -> Result<LedgerEntryConnection, ApiError> {
        const LIST: &str = "entries";
        let page = args.page(LIST)?;
        let entries = EntriesOf(self.key, page);
        let slice = ctx.loader::<WalletLoader>().load_one(entries).await?;
        let slice = slice
            .unwrap_or_default()
            .map(|entry| (entry.sequence, LedgerEntry::from(entry)));
        Ok(LedgerEntryConnection::new(
            LIST,
            slice,
            Total::known(self.sequence),
        ))
    }
}

/// Owner and currency of a wallet, as the key of its id.
#[derive(Clone, Copy)]
pub struct WalletKey(pub Owner, pub kernel::CurrencyCode);

impl NodeKey for WalletKey {
    fn part(&self) -> KeyPart {
        let (Owner { kind, id }, currency) = (self.0, self.1);
        let kind = reads::owner_kind_text(kind);
        KeyPart::Text(format!("{kind}:{}:{currency}", id.simple()))
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let kind = reads::owner_kind(parts.next()?)?;
        let id = Uuid::try_parse(parts.next()?).ok()?;
        let currency = kernel::CurrencyCode::parse(parts.next()?)?;
        let key = Self(Owner { kind, id }, currency);
        parts.next().is_none().then_some(key)
    }
}

impl NodeType for Wallet {
    const KIND: &'static str = "Wallet";
    type Key = WalletKey;

    async fn load(ctx: &Context<'_>, key: WalletKey) -> Result<Option<Self>, ApiError> {
        Self::of_owner(ctx, key.0, key.1).await
    }
}

#[ComplexObject]
impl Wallet {
    /// Postings of the wallet, newest first.
    async fn entries(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Option<Result<LedgerEntryConnection, ApiError>> {
        let args = PageArgs::new(first, last, after, before);
        Some(self.entries_page(ctx, args).await)
    }
}

/// Parts of a wallet.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::Bucket")]
pub enum WalletBucket {
    /// Can be spent.
    Available,
    /// Reserved by holds.
    Held,
}

/// Directions of an entry.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryType {
    /// Takes the amount from the wallet.
    Debit,
    /// Adds the amount to the wallet.
    Credit,
}

/// Causes of a transfer.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::TransferReason")]
pub enum TransferReason {
    /// Reward of a session.
    MiningReward,
    /// First day of a streak tier.
    StreakMilestone,
    /// Price of a recovered streak.
    StreakRecovery,
    /// Adjustment by staff, either sign.
    Adjustment,
    /// Opening balance of demo data.
    OpeningBalance,
}

/// One side of a transfer in a wallet.
#[derive(SimpleObject)]
pub struct LedgerEntry {
    /// Position in the wallet, from 1 without gaps.
    pub sequence: BigInt,
    /// Direction of the amount.
    pub entry_type: EntryType,
    /// Part of the wallet.
    pub bucket: WalletBucket,
    /// Amount, above 0; `entryType` gives the direction.
    pub amount: Money,
    /// Balance of the bucket after the transfer.
    pub balance_after: Money,
    /// Cause of the transfer.
    pub reason: TransferReason,
    /// Object that caused the transfer.
    pub reference: LedgerReference,
    /// Key of the business event, which all its transfers share.
    pub transaction_uuid: Uuid,
    /// Time of the posting.
    pub posted_at: DateTime,
}

/// Object that caused a transfer.
#[derive(SimpleObject)]
pub struct LedgerReference {
    /// Kind of the object, such as `mining_session`.
    pub reference_type: String,
    /// Key of the object.
    pub reference_id: String,
}

eager! { Money, amount, currency }
eager! { LedgerReference, reference_type, reference_id }
eager! {
    LedgerEntry, sequence, entry_type, bucket, reason, transaction_uuid, posted_at; amount, balance_after, reference
}

impl From<StoredEntry> for LedgerEntry {
    fn from(entry: StoredEntry) -> Self {
        Self {
            sequence: BigInt(entry.sequence),
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

connection!(LedgerEntryConnection, LedgerEntryEdge, LedgerEntry, "ledger entries", by i64);

/// Key of a wallet.
#[derive(OneofObject)]
pub enum WalletBy {
    /// Global id of the wallet.
    Id(Id<Wallet>),
    /// Currency of the caller's own wallet as a user.
    Currency(CurrencyCode),
    /// Owner and currency.
    Owner(WalletOfOwnerInput),
}

/// Owner and currency of a wallet.
#[derive(InputObject)]
pub struct WalletOfOwnerInput {
    /// Kind of the owner.
    pub kind: WalletOwnerKind,
    /// Key of the owner within the kind.
    pub uuid: Uuid,
    /// Code of the currency.
    pub currency: CurrencyCode,
}
