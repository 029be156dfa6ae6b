//! The table of withdrawals as structs.

use domain::money::{Minor, Money};
use domain::wallets::withdrawal::Withdrawal;
use domain::wallets::{Currencies, ProviderPayment, WalletOwner};
use serde_json::Value;

use crate::prelude::*;
use crate::schema::withdrawals;
use crate::wallets::hold::rows::{read, written};
use crate::wallets::wallet::rows::currency_of;

#[derive(HasQuery, Insertable)]
#[diesel(table_name = withdrawals, check_for_backend(Pg))]
pub(super) struct WithdrawalRow {
    owner_id: Uuid,
    id: Uuid,
    owner_kind: String,
    currency: i16,
    amount: i64,
    hold_id: Uuid,
    destination: String,
    issuer: String,
    external_id: Option<String>,
    metadata: Value,
    status: String,
    requested_by: Option<Uuid>,
    requested_at: Timestamp,
    processed_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    failure_reason: Option<String>,
    payout_provider: Option<String>,
    payout_reference: Option<String>,
    version: i64,
}

impl WithdrawalRow {
    pub fn of(withdrawal: &Withdrawal) -> Self {
        let payout = withdrawal.payout.clone();
        Self {
            owner_id: withdrawal.id.owner.0,
            id: withdrawal.id.uuid,
            owner_kind: withdrawal.owner.kind.name().to_owned(),
            currency: withdrawal.amount.currency.number,
            amount: withdrawal.amount.amount.0,
            hold_id: withdrawal.hold.uuid,
            destination: withdrawal.destination.clone(),
            issuer: withdrawal.issuer.clone(),
            external_id: withdrawal.external_id.clone(),
            metadata: written(&withdrawal.metadata),
            status: withdrawal.status.name().to_owned(),
            requested_by: withdrawal.requested_by.map(|person| person.0),
            requested_at: withdrawal.requested_at,
            processed_at: withdrawal.processed_at,
            ended_at: withdrawal.ended_at,
            failure_reason: withdrawal.failure_reason.clone(),
            payout_provider: payout.as_ref().map(|payout| payout.provider.clone()),
            payout_reference: payout.map(|payout| payout.reference),
            version: withdrawal.version,
        }
    }

    pub fn into_withdrawal(self, currencies: &Currencies) -> Result<Withdrawal> {
        let payout = self.payout_provider.zip(self.payout_reference);
        Ok(Withdrawal {
            id: [self.owner_id, self.id].into(),
            owner: WalletOwner {
                kind: read_name("withdrawals", "owner_kind", &self.owner_kind)?,
                id: self.owner_id,
            },
            amount: Money {
                amount: Minor(self.amount),
                currency: currency_of(currencies, self.currency)?,
            },
            hold: [self.owner_id, self.hold_id].into(),
            destination: self.destination,
            issuer: self.issuer,
            external_id: self.external_id,
            metadata: read("withdrawals", self.metadata)?,
            status: read_name("withdrawals", "status", &self.status)?,
            requested_by: self.requested_by.map(UserId),
            requested_at: self.requested_at,
            processed_at: self.processed_at,
            ended_at: self.ended_at,
            failure_reason: self.failure_reason,
            payout: payout.map(|(provider, reference)| ProviderPayment {
                provider,
                reference,
            }),
            version: self.version,
        })
    }
}
