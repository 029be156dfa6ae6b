//! Types of wallets.

use async_graphql::parser::types::Field;
use async_graphql::{
    ContextSelectionSet, OneofObject, OutputType, Positioned, ServerResult, Value,
};
use db::command::Refused;
use db::wallets::wallet::balances::{Balance, NoBalance};
use db::wallets::wallet::entries::{self, EntryFilter};
use domain::money as kernel;
use domain::named::Named;
use domain::wallets::{self as rules, WalletKey, WalletOwner as Owner, wallet as aggregate};
use rust_decimal::Decimal as Exact;

use super::statement;
use super::transfers::{LedgerEntry, LedgerEntryConnection, LedgerEntryFilter};
use crate::delegation::output_like;
use crate::eager::{EagerField, Selected};
use crate::inputs::{DateTimeRangeInput, Parsed};
use crate::links::SignedUrl;
use crate::node::{AnyId, KeyPart};
use crate::paging::Total;
use crate::platform::users::User;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::user_errors::FactValue;
use crate::wallets::inputs::{AnyOwner, WalletOwnerKind};
use crate::wallets::loaders::{BalanceAt, EntriesOf, SumOf, WalletLoader};
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

object! {
    /// Owner of wallets. Equal keys of two kinds are two owners.
    #[graphql(complex)]
    WalletOwner(owner: Owner) {
        /// Kind of the owner.
        kind: WalletOwnerKind = owner.kind.into(),
        /// The person; null unless `kind` is USER.
        user: Edge<User> = Edge(owner.user()),
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

/// Kinds of accounts of the ledger.
pub type WalletKind = EnumOf<rules::WalletKind>;

/// Amount of a wallet. That of an account without a running balance is the sum of its transfers, read when it is selected.
pub struct Available(Result<Money, WalletKey>);

impl OutputType for Available {
    output_like!(Money);

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        match &self.0 {
            Ok(money) => money.resolve(context, field).await,
            Err(key) => {
                let ctx = context.with_field(field);
                let sum = ctx.loader::<WalletLoader>().load_one(SumOf(*key)).await;
                let missing = || DbError::Unavailable("the account is missing".to_owned()).into();
                let sum = sum.map_err(ApiError::from);
                let sum = sum.and_then(|sum| sum.map(Money::of).ok_or_else(missing));
                sum.resolve(context, field).await
            }
        }
    }
}

impl EagerField for Available {
    fn value(&self, selected: &Selected<'_>) -> Option<Value> {
        self.0.as_ref().ok()?.value(selected)
    }
}

object! {
    /// Account of one owner in one currency.
    #[graphql(complex)]
    Wallet(wallet: &rules::Wallet) {
        let key = wallet.key();
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&key),
        /// Owner of the wallet.
        owner: WalletOwner = WalletOwner::of(wallet.owner),
        /// Code of the currency.
        currency: CurrencyCode = CurrencyCode(key.currency),
        /// Kind of the account.
        kind: WalletKind = wallet.kind.into(),
        /// Amount that can be spent.
        available: Available = Available(if key.kind.has_balance() {Ok(Money::of(wallet.available))} else {Err(key)}),
        /// Amount reserved by holds.
        held: Money = Money::of(wallet.held),
        /// Time of the last posting; null before the first and for accounts without a running balance.
        last_posted_at: Option<DateTime> = wallet.last_posted_at.map(DateTime),
        /// Number of changes of the wallet, the `sequence` of its live updates.
        version: BigInt = BigInt(wallet.version),
    }
    with {
        key: WalletKey = key,
        scale: u8 = wallet.currency.scale,
        sequence: i64 = wallet.sequence,
    }
}

/// Key of an owner's ordinary wallet.
pub(crate) fn main(owner: Owner, currency: kernel::CurrencyCode) -> WalletKey {
    WalletKey {
        owner,
        kind: rules::WalletKind::Main,
        currency,
        for_id: Uuid::nil(),
    }
}

impl Wallet {
    /// The wallet, if the caller may see it.
    pub(crate) fn visible(ctx: &Context<'_>, wallet: &rules::Wallet) -> Option<Self> {
        Self::for_principal(ctx.principal(), wallet)
    }

    /// The wallet, if this principal may see it.
    pub(crate) fn for_principal(principal: &Principal, wallet: &rules::Wallet) -> Option<Self> {
        may_see(principal, Action::WalletRead, wallet.owner).then(|| Self::of(wallet))
    }

    /// Loads an owner's ordinary wallet, if the owner can have one and the caller may see it; with zeros before its first
    /// posting. Of a rewards campaign or a clearing account its only account.
    pub(crate) async fn of_owner(
        ctx: &Context<'_>,
        owner: Owner,
        currency: kernel::CurrencyCode,
    ) -> Result<Option<Self>> {
        let key = main(owner, currency);
        if owner.kind.has_main_wallet() {
            return Self::load(ctx, key).await;
        }
        let of_kind = |kind| Self::load(ctx, WalletKey { kind, ..key });
        let (treasury, clearing) = futures_util::try_join!(
            of_kind(rules::WalletKind::CampaignTreasury),
            of_kind(rules::WalletKind::Clearing)
        )?;
        Ok(treasury.or(clearing))
    }

    async fn entries_page(
        &self,
        ctx: &Context<'_>,
        filter: Option<Parsed<LedgerEntryFilter>>,
        args: PageArgs,
    ) -> Result<LedgerEntryConnection> {
        const LIST: &str = "entries";
        let key = self.key;
        let filter = match filter {
            Some(filter) => filter.get()?.of_wallet(ctx, self.scale).await?,
            None => EntryFilter::default(),
        };
        let page = args.page(LIST)?;
        let total = if filter == EntryFilter::default() {
            Total::known(self.sequence)
        } else {
            let filter = filter.clone();
            Total::query(move |db| {
                let (db, filter) = (db.at_primary(), filter.clone());
                async move {
                    let of = db.clone();
                    db.read(async move |conn| entries::count(&of, conn, key, &filter).await)
                        .await
                }
            })
        };
        let of = EntriesOf(key, (filter, page));
        let slice = ctx.loader::<WalletLoader>().load_one(of).await?;
        let slice = slice.unwrap_or_default().map(|entry| {
            let position = entry.side().after.map_or(0, |(sequence, _)| sequence);
            (position, LedgerEntry::of(entry))
        });
        Ok(LedgerEntryConnection::new(LIST, slice, total))
    }

    async fn past_balance(&self, ctx: &Context<'_>, at: Parsed<DateTime>) -> Result<WalletBalance> {
        let at = BalanceAt((self.key, at.get()?.0));
        let balance = ctx.loader::<WalletLoader>().load_one(at).await?;
        match balance.unwrap_or(Err(NoBalance::NotFinal)) {
            Ok(balance) => Ok(WalletBalance::of(balance)),
            Err(NoBalance::Future) => Err(ApiError::bad_input("`at` is in the past")),
            Err(NoBalance::EndsOfDays) => Err(ApiError::bad_input(
                "this account has balances at the ends of UTC days: give a midnight",
            )),
            Err(NoBalance::NotFinal) => {
                let problem = "a posting can still change this balance: retry in a second";
                let error = ApiError::new(Code::Unavailable, problem);
                Err(error.because("BALANCE_NOT_FINAL").retry_after(1))
            }
        }
    }
}

impl NodeKey for WalletKey {
    fn part(&self) -> KeyPart {
        let Owner { kind, id } = self.owner;
        let mut text = format!("{}:{}:{}", kind.name(), id.simple(), self.currency);
        if self.kind != rules::WalletKind::Main {
            let (kind, for_id) = (self.kind.name(), self.for_id.simple());
            text = format!("{text}:{kind}:{for_id}");
        }
        KeyPart::Text(text)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let kind = rules::OwnerKind::of_name(parts.next()?)?;
        let id = Uuid::try_parse(parts.next()?).ok()?;
        let mut key = main(
            Owner { kind, id },
            kernel::CurrencyCode::parse(parts.next()?)?,
        );
        if let Some(kind) = parts.next() {
            key.kind = rules::WalletKind::of_name(kind)?;
            key.for_id = Uuid::try_parse(parts.next()?).ok()?;
        }
        parts.next().is_none().then_some(key)
    }
}

/// The wallet of an id in the path of a link.
#[must_use]
pub fn wallet_key(id: &str) -> Option<WalletKey> {
    AnyId::of(id)
        .filter(|id| id.kind == Wallet::KIND)
        .and_then(|id| WalletKey::read(&id.key))
}

node!(Wallet: WalletKey, |ctx, key| {
    let wallet = ctx.loader::<WalletLoader>().load_one(key).await?;
    Ok(wallet.and_then(|wallet| Self::visible(ctx, &wallet)))
});

object! {
    /// Balance of a wallet at a time.
    WalletBalance(balance: Balance) {
        /// Amount that could be spent.
        available: Money = Money::of(balance.available),
        /// Amount reserved by holds.
        held: Money = Money::of(balance.held),
    }
}

#[ComplexObject]
impl Wallet {
    /// Balance at a past time, which never changes. Null only on error.
    async fn balance_at(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Time of the balance, in the past. UNAVAILABLE with reason BALANCE_NOT_FINAL while a posting can still change it: retry in a second. For accounts without a running balance a midnight in UTC."
        )]
        at: Parsed<DateTime>,
    ) -> Loaded<WalletBalance> {
        Some(self.past_balance(ctx, at).await)
    }

    /// Link to the postings of a period as CSV, oldest first. Null only on error.
    async fn statement_url(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Time of the postings.")] period: Parsed<DateTimeRangeInput>,
    ) -> Loaded<SignedUrl> {
        Some(statement::link_to(ctx, self.key, &self.id, period).await)
    }

    /// Postings of the wallet, newest first; none for accounts without a running balance, see `transfers`.
    async fn entries(
        &self,
        ctx: &Context<'_>,
        filter: Option<Parsed<LedgerEntryFilter>>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<LedgerEntryConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(self.entries_page(ctx, filter, args).await)
    }
}

/// Parts of a wallet.
pub type WalletBucket = EnumOf<rules::Bucket>;

/// Causes of a transfer.
pub type TransferReason = EnumOf<rules::TransferReason>;

/// Key of a wallet.
#[derive(OneofObject)]
pub enum WalletBy {
    /// Global id of the wallet.
    Id(Id<Wallet>),
    /// Currency of the caller's own wallet as a user.
    Currency(CurrencyCode),
    /// Owner and currency.
    Owner(WalletKeyInput),
}

/// Owner and currency of a wallet.
#[derive(InputObject)]
pub struct WalletKeyInput {
    /// Code of the currency.
    pub currency: CurrencyCode,
    /// Owner of the wallet.
    pub owner: AnyOwner,
}
