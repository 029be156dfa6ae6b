//! Types of wallets and ledger entries.

use async_graphql::{Enum, OneofObject};
use db::Page;
use db::command::Refused;
use db::wallets::LedgerEntry as StoredEntry;
use domain::money as kernel;
use domain::named::Named;
use domain::wallets::{self as rules, WalletOwner as Owner, wallet as aggregate};
use rust_decimal::Decimal as Exact;

use crate::node::KeyPart;
use crate::paging::Total;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::user_errors::FactValue;
use crate::wallets::loaders::{EntriesOf, WalletLoader};
use crate::wallets::may_see;

object! {
    /// Amount in one currency.
    Money(money: kernel::Money) {
        /// Amount with as many decimals as the currency's scale.
        amount: Decimal = Decimal(money.to_decimal()),
        /// Code of the currency.
        currency: CurrencyCode = CurrencyCode(money.currency.code),
    }
}

impl Money {
    /// An amount that was stored as a decimal.
    pub(crate) fn of_decimal(amount: Exact, currency: kernel::CurrencyCode) -> Self {
        Self {
            amount: Decimal(amount),
            currency: CurrencyCode(currency),
        }
    }
}

/// Kinds of assets.
pub type AssetType = EnumOf<rules::AssetType>;

/// An amount that a refusal mentions, in its `currency`.
impl FactValue for Money {
    fn of(refused: &Refused, name: &str) -> Option<Self> {
        Some(Self {
            amount: FactValue::of(refused, name)?,
            currency: FactValue::of(refused, "currency")?,
        })
    }
}

object! {
    /// Currency of the ledger.
    Currency(currency: &rules::CurrencySettings) {
        /// Kind of asset.
        asset_type: AssetType = currency.asset_type.into(),
        /// Code of the currency.
        code: CurrencyCode = CurrencyCode(currency.code),
        /// Decimals shown to people, 0 to `scale`.
        display_decimals: i32 = currency.display_decimals.into(),
        /// Whether holds, deposits, conversions and issuance are accepted; settling, releasing and withdrawing always are.
        is_enabled: bool = currency.is_enabled,
        /// Decimals of the smallest unit, 0 to 6; finer amounts are refused.
        scale: i32 = currency.scale.into(),
    }
}

/// Kinds of owners of wallets.
pub type WalletOwnerKind = EnumOf<rules::OwnerKind>;

object! {
    /// Owner of wallets. Equal keys of two kinds are two owners.
    #[graphql(complex)]
    WalletOwner(owner: Owner) {
        /// Kind of the owner.
        kind: WalletOwnerKind = owner.kind.into(),
        /// Key of the owner within the kind.
        uuid: Uuid = owner.id,
    }
    with {
        key: Owner = owner,
    }
}

/// Causes of a freeze, each lifted by itself.
pub type FreezeCause = EnumOf<aggregate::FreezeCause>;

/// Accounts of the house that `houseTransfer` connects.
pub type HouseAccount = EnumOf<aggregate::HouseAccount>;

#[ComplexObject]
impl WalletOwner {
    /// Causes for which nothing can leave the owner's wallets, present and future, empty if none; null for callers without
    /// access.
    async fn freezes(&self, ctx: &Context<'_>) -> Loaded<Vec<FreezeCause>> {
        let principal = ctx.principal();
        if !principal.may(Action::WalletRead, principal.relation_to(self.key)) {
            return None;
        }
        let freezes = ctx.loader::<WalletLoader>().load_one(self.key).await;
        let freezes = freezes.map_err(ApiError::from).transpose()?;
        Some(freezes.map(|freezes| freezes.into_iter().map(EnumOf).collect()))
    }
}

object! {
    /// Balance of an owner in one currency, for the owner, staff and services with `wallet:read`.
    #[graphql(complex)]
    Wallet(wallet: &rules::Wallet) {
        let key = WalletKey(wallet.owner, wallet.currency.code);
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&key),
        /// Owner of the wallet.
        owner: WalletOwner = WalletOwner::of(wallet.owner),
        /// Code of the currency.
        currency: CurrencyCode = CurrencyCode(key.1),
        /// Amount that can be spent.
        available: Money = Money::of(wallet.available),
        /// Amount reserved by holds.
        held: Money = Money::of(wallet.held),
        /// Whether nothing can leave the wallet.
        is_frozen: bool = wallet.is_frozen,
        /// Time of the last posting; null before the first.
        last_posted_at: Option<DateTime> = wallet.last_posted_at.map(DateTime),
    }
    with {
        key: WalletKey = key,
        sequence: i64 = wallet.sequence,
    }
}

impl Wallet {
    /// The wallet, if the caller may see it.
    pub(crate) fn visible(ctx: &Context<'_>, wallet: &rules::Wallet) -> Option<Self> {
        Self::for_principal(ctx.principal(), wallet)
    }

    /// The wallet, if this principal may see it.
    pub(crate) fn for_principal(principal: &Principal, wallet: &rules::Wallet) -> Option<Self> {
        let may = principal.may(Action::WalletRead, principal.relation_to(wallet.owner));
        may.then(|| Self::of(wallet))
    }

    /// Loads an owner's ordinary wallet, if the owner can have one and the caller may see it; with zeros before its first
    /// posting.
    pub(crate) async fn of_owner(
        ctx: &Context<'_>,
        owner: Owner,
        currency: kernel::CurrencyCode,
    ) -> Result<Option<Self>> {
        if !owner.kind.has_main_wallet() {
            return Ok(None);
        }
        let wallet = ctx
            .loader::<WalletLoader>()
            .load_one((owner, currency))
            .await?;
        Ok(wallet.and_then(|wallet| Self::visible(ctx, &wallet)))
    }

    async fn entries_page(
        &self,
        ctx: &Context<'_>,
        args: PageArgs,
    ) -> Result<LedgerEntryConnection> {
        const LIST: &str = "entries";
        let page = args.page(LIST)?;
        let entries = EntriesOf((self.key.0, self.key.1), page);
        let slice = ctx.loader::<WalletLoader>().load_one(entries).await?;
        let slice = slice
            .unwrap_or_default()
            .map(|entry| (entry.sequence, LedgerEntry::of(entry)));
        let total = Total::known(self.sequence);
        Ok(LedgerEntryConnection::new(LIST, slice, total))
    }
}

/// Owner and currency of a wallet, as the key of its id.
#[derive(Clone, Copy)]
pub struct WalletKey(pub Owner, pub kernel::CurrencyCode);

impl WalletKey {
    fn text(self) -> String {
        let (Owner { kind, id }, currency) = (self.0, self.1);
        format!("{}:{}:{currency}", kind.name(), id.simple())
    }
}

impl NodeKey for WalletKey {
    fn part(&self) -> KeyPart {
        KeyPart::Text(self.text())
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let kind = rules::OwnerKind::of_name(parts.next()?)?;
        let id = Uuid::try_parse(parts.next()?).ok()?;
        let currency = kernel::CurrencyCode::parse(parts.next()?)?;
        let key = Self(Owner { kind, id }, currency);
        parts.next().is_none().then_some(key)
    }
}

node!(Wallet: WalletKey, |ctx, key| {
    Self::of_owner(ctx, key.0, key.1).await
});

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
    ) -> Loaded<LedgerEntryConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(self.entries_page(ctx, args).await)
    }
}

/// Parts of a wallet.
pub type WalletBucket = EnumOf<rules::Bucket>;

/// Directions of an entry.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryType {
    /// Takes the amount from the wallet.
    Debit,
    /// Adds the amount to the wallet.
    Credit,
}

/// Causes of a transfer.
pub type TransferReason = EnumOf<rules::TransferReason>;

object! {
    /// One side of a transfer in a wallet.
    LedgerEntry(entry: StoredEntry) {
        let wallet = WalletKey(entry.owner, entry.amount.currency.code);
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&EntryKey(wallet, entry.sequence)),
        /// Position in the wallet, from 1 without gaps.
        sequence: BigInt = BigInt(entry.sequence),
        /// Direction of the amount.
        entry_type: EntryType = if entry.is_credit {EntryType::Credit} else {EntryType::Debit},
        /// Part of the wallet.
        bucket: WalletBucket = entry.bucket.into(),
        /// Amount, above 0; `entryType` gives the direction.
        amount: Money = Money::of(entry.amount),
        /// Balance of the bucket after the transfer.
        balance_after: Money = Money::of(entry.balance_after),
        /// Cause of the transfer.
        reason: TransferReason = entry.reason.into(),
        /// Object that caused the transfer.
        reference: LedgerReference = LedgerReference::of(entry.reference_kind, entry.reference_id),
        /// Key of the business event, which all its transfers share.
        transaction_uuid: Uuid = entry.transaction_id,
        /// Time of the posting.
        posted_at: DateTime = entry.posted_at.into(),
    }
}

/// Wallet and sequence of an entry, as the key of its id.
#[derive(Clone, Copy)]
pub struct EntryKey(WalletKey, i64);

impl NodeKey for EntryKey {
    fn part(&self) -> KeyPart {
        KeyPart::Text(format!("{}:{}", self.0.text(), self.1))
    }

    fn read(text: &str) -> Option<Self> {
        let (wallet, sequence) = text.rsplit_once(':')?;
        let sequence = sequence.parse().ok().filter(|sequence| *sequence > 0)?;
        Some(Self(WalletKey::read(wallet)?, sequence))
    }
}

node!(LedgerEntry: EntryKey, |ctx, key| {
    let EntryKey(WalletKey(owner, currency), sequence) = key;
    if !may_see(ctx.principal(), Action::WalletRead, owner) {
        return Ok(None);
    }
    let only = Page {
        after: sequence.checked_add(1),
        before: Some(sequence - 1),
        ..Page::first(1)
    };
    let only = EntriesOf((owner, currency), only);
    let slice = ctx.loader::<WalletLoader>().load_one(only).await?;
    let mut entries = slice.unwrap_or_default().items.into_iter();
    Ok(entries.next().map(Self::of))
});

object! {
    /// Object that caused a transfer.
    LedgerReference(kind: String, id: String) {
        /// Kind of the object, such as `mining_session`.
        reference_type: String = kind,
        /// Key of the object.
        reference_id: String = id,
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
