//! Types of business events.

use async_graphql::parser::types::Field;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use db::command::Refused;
use db::wallets::wallet::transactions::{MOST_OWNERS, Transaction as Stored, TransactionKey};
use domain::wallets::ServiceReference as Reference;

use crate::delegation::output_like;
use crate::eager::ReadyOption;
use crate::node::KeyPart;
use crate::prelude::*;
use crate::user_errors::FactValue;
use crate::wallets::inputs::own_issuer;
use crate::wallets::loaders::{ReversalOf, WalletLoader};
use crate::wallets::may_see;
use crate::wallets::references::ServiceReference;
use crate::wallets::wallet::objects::{LedgerEntry, TransferReason};

impl NodeKey for TransactionKey {
    fn part(&self) -> KeyPart {
        let owners = self.owners.iter().map(|owner| owner.0.simple().to_string());
        let owners: Vec<_> = owners.collect();
        KeyPart::Text(format!("{}:{}", self.id.0.simple(), owners.join(",")))
    }

    fn read(text: &str) -> Option<Self> {
        let (id, owners) = text.split_once(':')?;
        let owners = owners
            .split(',')
            .map(|owner| Uuid::try_parse(owner).map(OwnerId));
        let owners: Vec<_> = owners.collect::<Result<_, _>>().ok()?;
        let key = Self::new(TransactionId(Uuid::try_parse(id).ok()?), owners.clone());
        (owners.len() <= MOST_OWNERS && key.owners == owners).then_some(key)
    }
}

object! {
    /// Business event of the ledger: transfers that were posted together and never change.
    #[graphql(complex)]
    Transaction(key: TransactionKey, first: db::wallets::LedgerEntry, entries: Vec<LedgerEntry>) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&key),
        /// Key of the object in the platform's other services.
        uuid: Uuid = key.id.0,
        /// Cause of the first transfer.
        cause: TransferReason = first.reason.into(),
        /// Entries of the wallets that the caller may see, the first 100.
        entries: ReadyList<LedgerEntry> = ReadyList(entries),
        /// Time of the event.
        posted_at: DateTime = first.posted_at.into(),
        /// Reference of a service that the event is about; null for other events.
        reference: ReadyOption<ServiceReference> =
            ReadyOption(Reference::of(&first.reference_kind, &first.reference_id).map(ServiceReference::of)),
    }
    with {
        key: TransactionKey = key,
    }
}

#[ComplexObject]
impl Transaction {
    /// Transaction that reversed this one; null without one.
    async fn reversal(&self, ctx: &Context<'_>) -> Loaded<Self> {
        load_reversal(ctx, &self.key).await.transpose()
    }
}

async fn load_reversal(ctx: &Context<'_>, key: &TransactionKey) -> Result<Option<Transaction>> {
    let of = ReversalOf(key.clone());
    match ctx.loader::<WalletLoader>().load_one(of).await? {
        Some(reversal) => Transaction::load(ctx, reversal).await,
        None => Ok(None),
    }
}

impl Transaction {
    /// A transaction with the entries that the caller may see.
    fn visible(ctx: &Context<'_>, stored: Stored) -> Option<Self> {
        let first = stored.entries.first()?.clone();
        let principal = ctx.principal();
        let is_visible =
            |entry: &db::wallets::LedgerEntry| may_see(principal, Action::WalletRead, entry.owner);
        let entries = stored.entries.into_iter().filter(is_visible);
        let entries = entries.map(LedgerEntry::of).collect();
        Some(Self::of(stored.key, first, entries))
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
        stored.map(|stored| Self::visible(ctx, stored)).transpose()
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

/// Whether a transaction is about a reference of the calling service, which may read it without the entries.
async fn is_receipt(ctx: &Context<'_>, transaction: &Transaction) -> Result<bool> {
    let Some(reference) = &transaction.reference.0 else {
        return Ok(false);
    };
    let is_own = own_issuer(ctx).await? == Some(reference.issuer.clone());
    Ok(is_own && ctx.may(Action::TransactionRead, Relation::Others))
}

node!(Transaction: TransactionKey, |ctx, key| {
    let stored = ctx.loader::<WalletLoader>().load_one(key).await?;
    let Some(seen) = stored.and_then(|stored| Self::visible(ctx, stored)) else {
        return Ok(None);
    };
    let may_see = !seen.entries.0.is_empty() || is_receipt(ctx, &seen).await?;
    Ok(may_see.then_some(seen))
});

/// Global id of the transaction that a refusal names.
pub struct TransactionRef(GlobalId);

impl FactValue for TransactionRef {
    fn of(refused: &Refused, name: &str) -> Option<Self> {
        let id = TransactionId(Uuid::of(refused, name)?);
        let owners = ["owner_id", "payee_id"].map(|owner| Uuid::of(refused, owner));
        let owners = owners.into_iter().flatten().map(OwnerId);
        let key = TransactionKey::new(id, owners);
        Some(Self(GlobalId::of::<Transaction>(&key)))
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
