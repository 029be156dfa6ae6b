//! Types of business events.

use async_graphql::parser::types::Field;
use async_graphql::{
    ContextSelectionSet, OneofObject, OutputType, Positioned, ServerResult, Value,
};
use db::command::Refused;
use db::wallets::LedgerEntry as StoredEntry;
use db::wallets::wallet::transactions::{Transaction as Stored, TransactionKey};
use db::wallets::wallet::transfers::Transfer;
use domain::wallets::ServiceReference as Reference;

use super::objects::TransferReason;
use super::transfers::LedgerEntry;
use crate::delegation::output_like;
use crate::node::uuid_keys;
use crate::platform::users::{Actor, Service, User};
use crate::prelude::*;
use crate::user_errors::FactValue;
use crate::wallets::inputs::own_issuer;
use crate::wallets::loaders::{ReversalOf, WalletLoader};
use crate::wallets::may_see;
use crate::wallets::references::{LedgerReference, load_reference};

uuid_keys!(TransactionId);

object! {
    /// Business event of the ledger: transfers that were posted together and never change.
    #[graphql(complex)]
    Transaction(key: TransactionKey, first: Arc<Transfer>, entries: Vec<LedgerEntry>) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&key.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = key.id.0,
        /// Cause of the first transfer.
        cause: TransferReason = first.reason.into(),
        /// Entries of the wallets with a running balance that the caller may see, the first 100.
        entries: ReadyList<LedgerEntry> = ReadyList(entries),
        /// Time of the event.
        posted_at: DateTime = first.posted_at.into(),
        /// Id of the request that caused the event; null for jobs.
        request_id: Option<String> = first.request_id.clone(),
    }
    with {
        key: TransactionId = key.id,
        first: Arc<Transfer> = first,
    }
}

#[ComplexObject]
impl Transaction {
    /// Caller of the command; null for jobs and callers without access.
    async fn caller(&self, ctx: &Context<'_>) -> Loaded<Actor> {
        let may = ctx.may(Action::TransactionCallerRead, Relation::Others);
        let (issuer, subject) = self.first.caller.clone().filter(|_| may)?;
        if self.first.is_by_service {
            return Some(Ok(Actor::Service(Service { issuer, subject })));
        }
        let id = UserId(Uuid::try_parse(&subject).ok()?);
        let user = User::load(ctx, id).await.transpose()?;
        Some(user.map(Actor::User))
    }

    /// Object or reference the event is about; null for events without one and callers without access to it.
    async fn reference(&self, ctx: &Context<'_>) -> Loaded<LedgerReference> {
        let first = &self.first;
        let (kind, id) = (&first.reference_kind, &first.reference_id);
        let found = load_reference(ctx, first.key.owner, kind, id).await;
        found.transpose()
    }

    /// Transaction that reversed this one; null without one.
    async fn reversal(&self, ctx: &Context<'_>) -> Loaded<Self> {
        load_reversal(ctx, self.key).await.transpose()
    }
}

async fn load_reversal(ctx: &Context<'_>, id: TransactionId) -> Result<Option<Transaction>> {
    match ctx
        .loader::<WalletLoader>()
        .load_one(ReversalOf(id))
        .await?
    {
        Some(reversal) => Transaction::load(ctx, reversal).await,
        None => Ok(None),
    }
}

impl Transaction {
    /// A transaction with the entries that the caller may see.
    fn visible(ctx: &Context<'_>, stored: Stored) -> Self {
        let principal = ctx.principal();
        let is_visible =
            |entry: &StoredEntry| may_see(principal, Action::WalletRead, entry.owner());
        let entries = stored.entries.into_iter().filter(is_visible);
        let entries = entries.map(LedgerEntry::of).collect();
        Self::of(stored.key, stored.first, entries)
    }

    /// Loads the transaction of a command that the caller sent.
    pub(crate) async fn load_commanded(
        ctx: &Context<'_>,
        id: Uuid,
        owners: impl IntoIterator<Item = Uuid>,
    ) -> Loaded<Self> {
        let key = TransactionKey::new(TransactionId(id), owners.into_iter().map(OwnerId));
        let stored = ctx.loader::<WalletLoader>().load_one(key).await;
        let stored = stored.map_err(ApiError::from).transpose()?;
        Some(stored.map(|stored| Self::visible(ctx, stored)))
    }

    /// Loads the transaction of a command that the caller sent, if the command posted.
    pub(crate) async fn load_some_commanded(
        ctx: &Context<'_>,
        id: Option<Uuid>,
        owners: impl IntoIterator<Item = Uuid>,
    ) -> Loaded<Self> {
        Self::load_commanded(ctx, id?, owners).await
    }
}

/// Whether the caller may see a transaction without entries of theirs: staff, and the service whose reference it is about.
async fn is_visible(ctx: &Context<'_>, transaction: &Transaction) -> Result<bool> {
    if !transaction.entries.0.is_empty() {
        return Ok(true);
    }
    if !ctx.may(Action::TransactionRead, Relation::Others) {
        return Ok(false);
    }
    if ctx.principal().person().is_some() {
        return Ok(true);
    }
    let first = &transaction.first;
    let about = Reference::of(&first.reference_kind, &first.reference_id);
    let own = own_issuer(ctx).await?;
    Ok(about.is_some_and(|about| own == Some(about.issuer)))
}

node!(Transaction: TransactionId, |ctx, id| {
    let key = TransactionKey::whole(id);
    let stored = ctx.loader::<WalletLoader>().load_one(key).await?;
    let Some(seen) = stored.map(|stored| Self::visible(ctx, stored)) else {
        return Ok(None);
    };
    Ok(is_visible(ctx, &seen).await?.then_some(seen))
});

/// Key of a transaction.
#[derive(OneofObject)]
pub enum TransactionBy {
    /// Global id of the transaction.
    Id(Id<Transaction>),
    /// Key in the platform's other services.
    Uuid(Uuid),
}

impl TransactionBy {
    /// The id.
    pub(super) fn id(self) -> TransactionId {
        match self {
            Self::Id(id) => id.key,
            Self::Uuid(uuid) => TransactionId(uuid),
        }
    }
}

/// Global id of the transaction that a refusal names.
pub struct TransactionRef(GlobalId);

impl FactValue for TransactionRef {
    fn of(refused: &Refused, name: &str) -> Option<Self> {
        let id = TransactionId(Uuid::of(refused, name)?);
        Some(Self(GlobalId::of::<Transaction>(&id)))
    }
}

impl OutputType for TransactionRef {
    output_like!(GlobalId);

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        self.0.resolve(context, field).await
    }
}
