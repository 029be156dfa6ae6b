//! The table of deposits as structs.

use domain::money::{Minor, Money};
use domain::wallets::deposit::Deposit;
use domain::wallets::{Currencies, ProviderPayment, WalletOwner};

use crate::prelude::*;
use crate::schema::deposits;
use crate::wallets::wallet::rows::currency_of;

#[derive(HasQuery, Insertable)]
#[diesel(table_name = deposits, check_for_backend(Pg))]
pub(super) struct DepositRow {
    owner_id: Uuid,
    id: Uuid,
    currency: i16,
    amount: i64,
    provider: String,
    reference: String,
    named_kind: Option<String>,
    named_id: Option<Uuid>,
    credited_kind: Option<String>,
    credited_id: Option<Uuid>,
    received_at: Timestamp,
    credited_at: Option<Timestamp>,
    transaction_id: Uuid,
    version: i64,
}

impl DepositRow {
    pub fn of(deposit: &Deposit) -> Self {
        let kind = |owner: Option<WalletOwner>| owner.map(|owner| owner.kind.name().to_owned());
        let id = |owner: Option<WalletOwner>| owner.map(|owner| owner.id);
        Self {
            owner_id: deposit.id.owner.0,
            id: deposit.id.uuid,
            currency: deposit.amount.currency.number,
            amount: deposit.amount.amount.0,
            provider: deposit.payment.provider.clone(),
            reference: deposit.payment.reference.clone(),
            named_kind: kind(deposit.named),
            named_id: id(deposit.named),
            credited_kind: kind(deposit.owner),
            credited_id: id(deposit.owner),
            received_at: deposit.received_at,
            credited_at: deposit.credited_at,
            transaction_id: deposit.transaction_id.0,
            version: deposit.version,
        }
    }

    pub fn into_deposit(self, currencies: &Currencies) -> Result<Deposit> {
        Ok(Deposit {
            id: [self.owner_id, self.id].into(),
            amount: Money {
                amount: Minor(self.amount),
                currency: currency_of(currencies, self.currency)?,
            },
            payment: ProviderPayment {
                provider: self.provider,
                reference: self.reference,
            },
            named: owner_of("named_kind", self.named_kind, self.named_id)?,
            owner: owner_of("credited_kind", self.credited_kind, self.credited_id)?,
            received_at: self.received_at,
            credited_at: self.credited_at,
            transaction_id: TransactionId(self.transaction_id),
            version: self.version,
        })
    }
}

fn owner_of(
    column: &'static str,
    kind: Option<String>,
    id: Option<Uuid>,
) -> Result<Option<WalletOwner>> {
    let owner = kind.zip(id).map(|(kind, id)| {
        let kind = read_name("deposits", column, &kind)?;
        Ok(WalletOwner { kind, id })
    });
    owner.transpose()
}
