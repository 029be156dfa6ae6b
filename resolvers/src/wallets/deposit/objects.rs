//! Types of deposits.

use async_graphql::OneofObject;
use db::wallets::deposit::commands::{
    DEPOSIT_ASSIGN, DEPOSIT_CREDIT, DepositAssignProposal as StoredAssign,
    DepositCreditProposal as StoredCredit,
};
use db::wallets::deposit::queries as reads;
use domain::wallets::deposit as rules;

use crate::eager::ReadyOption;
use crate::inputs::DateTimeRangeInput;
use crate::platform::approval::RegisteredProposal;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::inputs::OwnerInput;
use crate::wallets::loaders::{DepositOf, WalletLoader};
use crate::wallets::payment::{
    PaymentReference, ProviderName, ProviderPayment, ProviderPaymentInput,
};
use crate::wallets::references::{RegisteredReference, reference, uuid_of};
use crate::wallets::wallet::objects::{Money, WalletOwner};
use crate::wallets::wallet::transactions::Transaction;

owned_keys!(DepositId);

/// States of a deposit.
pub type DepositStatus = EnumOf<rules::DepositStatus>;

object! {
    /// Payment from outside that was credited once.
    Deposit(deposit: rules::Deposit) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&deposit.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = deposit.id.uuid,
        /// Amount credited.
        amount: Money = Money::of(deposit.amount),
        /// Time it reached the owner's wallet; null while unmatched.
        credited_at: Option<DateTime> = deposit.credited_at.map(DateTime),
        /// Owner of the credited wallet; null while unmatched.
        owner: ReadyOption<WalletOwner> = ReadyOption(deposit.owner.map(WalletOwner::of)),
        /// Payment as identified by the payment provider.
        payment: ProviderPayment = ProviderPayment::of(deposit.payment.clone()),
        /// Time it was recorded.
        received_at: DateTime = deposit.received_at.into(),
        /// State of the deposit.
        status: DepositStatus = deposit.status().into(),
        /// Ledger transaction with its postings that recorded it; null for services without the scope `wallet:read`.
        transaction: Edge<Transaction> = Edge::to(deposit.transaction_id),
    }
}

node!(Deposit: DepositId, |ctx, id| {
    if !ctx.principal().may(Action::DepositRead, Relation::Others) {
        return Ok(None);
    }
    Ok(ctx.loader::<WalletLoader>().load_one(id).await?.map(Self::of))
});

/// The object of a transfer, which names no owner: the home can be that of nobody.
pub(crate) const REFERENCE: RegisteredReference = RegisteredReference::custom::<Deposit>(
    "deposit",
    |ctx, _, uuid| {
        async move {
            if !ctx.may(Action::DepositRead, Relation::Others) {
                return Ok(None);
            }
            let loader = ctx.loader::<WalletLoader>();
            let found = loader.load_one(DepositOf(uuid)).await?;
            Ok(match found {
                Some(id) => Deposit::load(ctx, id).await?.map(reference),
                None => None,
            })
        }
        .boxed()
    },
    uuid_of,
);

connection!(
    DepositConnection,
    DepositEdge,
    Deposit,
    "deposits",
    by(Timestamp, Uuid)
);

/// Key of a deposit.
#[derive(OneofObject)]
pub enum DepositBy {
    /// Global id of the deposit.
    Id(Id<Deposit>),
    /// Provider and reference of the payment.
    Payment(ProviderPaymentInput),
    /// Key in the platform's other services; slower than `id`.
    Uuid(Uuid),
}

impl DepositBy {
    /// The id of the deposit, if there is one.
    pub(super) async fn find(self, ctx: &Context<'_>) -> Result<Option<DepositId>> {
        let db = ctx.db().at_primary();
        match self {
            Self::Id(id) => Ok(Some(id.key)),
            Self::Uuid(uuid) => {
                let found = db.read(async move |conn| reads::by_uuid(conn, uuid).await);
                Ok(found.await?)
            }
            Self::Payment(payment) => {
                let payment = payment.payment();
                let found = db.read(async move |conn| reads::by_payment(conn, &payment).await);
                Ok(found.await?)
            }
        }
    }
}

/// Conditions on deposits.
#[derive(InputObject, Default)]
pub struct DepositFilter {
    /// Owner of the credited wallet.
    pub owner: Option<OwnerInput>,
    /// Name of the provider.
    pub provider: Option<ProviderName>,
    /// Time it was recorded.
    pub received_at: Option<DateTimeRangeInput>,
    /// Key of the payment at the provider.
    pub reference: Option<PaymentReference>,
    /// State of the deposit.
    pub status: Option<DepositStatus>,
}

impl TryFrom<DepositFilter> for reads::DepositFilter {
    type Error = ApiError;

    fn try_from(filter: DepositFilter) -> Result<Self> {
        let (received_from, received_until) = match filter.received_at {
            Some(range) => range.ends()?,
            None => (None, None),
        };
        Ok(Self {
            owner: filter.owner.map(|owner| owner.0),
            provider: filter.provider.map(|provider| provider.key()),
            reference: filter.reference.map(|reference| reference.0),
            received_from,
            received_until,
            status: filter.status.map(|status| status.0),
        })
    }
}

object! {
    /// Proposed `depositCredit`.
    DepositCreditProposal(proposal: StoredCredit) {
        /// Amount to credit.
        amount: Money = Money {
            amount: Decimal(proposal.amount.0),
            currency: CurrencyCode(proposal.amount.1),
        },
        /// Owner to credit; null for an unmatched deposit.
        owner: ReadyOption<WalletOwner> =
            ReadyOption(proposal.owner.map(|owner| WalletOwner::of(owner.0))),
        /// Payment as identified by the payment provider.
        payment: ProviderPayment = ProviderPayment::of(proposal.payment()),
    }
}

object! {
    /// Proposed `depositAssign`.
    DepositAssignProposal(proposal: StoredAssign) {
        /// Unmatched deposit.
        deposit: Edge<Deposit> = Edge::to(proposal.deposit.into()),
        /// Owner to credit.
        owner: WalletOwner = WalletOwner::of(proposal.owner.0),
    }
}

impl From<StoredCredit> for DepositCreditProposal {
    fn from(proposal: StoredCredit) -> Self {
        Self::of(proposal)
    }
}

impl From<StoredAssign> for DepositAssignProposal {
    fn from(proposal: StoredAssign) -> Self {
        Self::of(proposal)
    }
}

/// Members of `ApprovalProposal`.
pub(in crate::wallets) const CREDIT_PROPOSAL: RegisteredProposal =
    RegisteredProposal::new::<StoredCredit, DepositCreditProposal>(DEPOSIT_CREDIT.name);
pub(in crate::wallets) const ASSIGN_PROPOSAL: RegisteredProposal =
    RegisteredProposal::new::<StoredAssign, DepositAssignProposal>(DEPOSIT_ASSIGN.name);
