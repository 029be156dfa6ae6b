//! Tables of settlements and clearing accounts as structs.

use domain::money::{Currency, Minor, Money};
use domain::wallets::settlement::{Payout, Settlement};
use domain::wallets::{Currencies, ServiceReference, WalletOwner};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::prelude::*;
use crate::schema::{clearing_accounts, clearing_releases, settlements};
use crate::wallets::wallet::rows::currency_of;

#[derive(HasQuery, Insertable)]
#[diesel(table_name = settlements, check_for_backend(Pg))]
pub(in crate::wallets) struct SettlementRow {
    owner_id: Uuid,
    id: Uuid,
    hold_id: Uuid,
    owner_kind: String,
    currency: i16,
    issuer: String,
    outcome: String,
    amount: i64,
    payouts: Value,
    transaction_id: Uuid,
    created_at: Timestamp,
}

/// A payout as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredPayout {
    kind: String,
    id: Uuid,
    amount: i64,
}

impl SettlementRow {
    pub fn of(settlement: &Settlement) -> Self {
        let payouts = settlement.payouts.iter().map(|payout| {
            serde_json::json!({
                "kind": payout.owner.kind.name(), "id": payout.owner.id, "amount": payout.amount.0,
            })
        });
        Self {
            owner_id: settlement.id.owner.0,
            id: settlement.id.uuid,
            hold_id: settlement.hold.uuid,
            owner_kind: settlement.owner.kind.name().to_owned(),
            currency: settlement.amount.currency.number,
            issuer: settlement.issuer.clone(),
            outcome: settlement.outcome.name().to_owned(),
            amount: settlement.amount.amount.0,
            payouts: payouts.collect(),
            transaction_id: settlement.transaction_id.0,
            created_at: settlement.created_at,
        }
    }

    pub fn into_settlement(self, currencies: &Currencies) -> Result<Settlement> {
        let payouts: Vec<StoredPayout> = serde_json::from_value(self.payouts)
            .map_err(|error| DbError::inconsistent("settlements", "payouts", error))?;
        let payouts = payouts.into_iter().map(|payout| {
            Ok(Payout {
                owner: WalletOwner {
                    kind: read_name("settlements", "payouts", &payout.kind)?,
                    id: payout.id,
                },
                amount: Minor(payout.amount),
            })
        });
        Ok(Settlement {
            id: [self.owner_id, self.id].into(),
            hold: [self.owner_id, self.hold_id].into(),
            owner: WalletOwner {
                kind: read_name("settlements", "owner_kind", &self.owner_kind)?,
                id: self.owner_id,
            },
            issuer: self.issuer,
            outcome: read_name("settlements", "outcome", &self.outcome)?,
            amount: Money {
                amount: Minor(self.amount),
                currency: currency_of(currencies, self.currency)?,
            },
            payouts: payouts.collect::<Result<_>>()?,
            created_at: self.created_at,
            transaction_id: TransactionId(self.transaction_id),
        })
    }
}

/// A clearing account with its balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearingAccount {
    /// Owner of the wallet.
    pub owner: OwnerId,
    /// Reference.
    pub reference: ServiceReference,
    /// Balance.
    pub balance: Money,
    /// Time of the first posting.
    pub opened_at: Timestamp,
    /// Time since which it is not at zero.
    pub open_since: Option<Timestamp>,
}

#[derive(HasQuery)]
#[diesel(table_name = clearing_accounts, check_for_backend(Pg))]
pub(super) struct ClearingRow {
    owner_id: Uuid,
    currency: i16,
    issuer: String,
    reference_type: String,
    reference_id: String,
    opened_at: Timestamp,
    open_since: Option<Timestamp>,
}

impl ClearingRow {
    pub fn with_balance(self, currencies: &Currencies, balance: i64) -> Result<ClearingAccount> {
        Ok(ClearingAccount {
            owner: OwnerId(self.owner_id),
            reference: ServiceReference {
                issuer: self.issuer,
                of_type: self.reference_type,
                id: self.reference_id,
            },
            balance: Money {
                amount: Minor(balance),
                currency: currency_of(currencies, self.currency)?,
            },
            opened_at: self.opened_at,
            open_since: self.open_since,
        })
    }
}

/// Stores a clearing account, or since when it is not at zero.
pub(super) fn store_clearing(
    tx: &mut Tx,
    reference: &ServiceReference,
    currency: Currency,
    balance: Minor,
) {
    use crate::schema::clearing_accounts::{currency as number, open_since, owner_id};
    let since = (balance != Minor::ZERO).then(|| tx.now());
    let row = (
        owner_id.eq(reference.clearing_owner().id),
        number.eq(currency.number),
        clearing_accounts::issuer.eq(reference.issuer.clone()),
        clearing_accounts::reference_type.eq(reference.of_type.clone()),
        clearing_accounts::reference_id.eq(reference.id.clone()),
        clearing_accounts::opened_at.eq(tx.now()),
        open_since.eq(since),
    );
    let kept = diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>>(
        "CASE WHEN excluded.open_since IS NOT NULL THEN coalesce(clearing_accounts.open_since, excluded.open_since) END",
    );
    let upsert = diesel::insert_into(clearing_accounts::table)
        .values(row)
        .on_conflict((owner_id, number))
        .do_update()
        .set(open_since.eq(kept));
    tx.write_last("clearing_accounts", 1, upsert);
}

/// Stores since when an existing clearing account is not at zero.
pub(in crate::wallets) fn update_clearing(tx: &mut Tx, owner: Uuid, currency: i16, balance: Minor) {
    type Since = diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>;
    let kept = diesel::dsl::sql::<Since>("CASE WHEN ")
        .bind::<diesel::sql_types::BigInt, _>(balance.0)
        .sql(" <> 0 THEN coalesce(open_since, ")
        .bind::<diesel::sql_types::Timestamptz, _>(tx.now())
        .sql(") END");
    let update = diesel::update(clearing_accounts::table.find((owner, currency)))
        .set(clearing_accounts::open_since.eq(kept));
    tx.write_last("clearing_accounts", 1, update);
}

/// Time since which a clearing account is not at zero; the outer value is none for an account that does not exist.
pub(super) async fn open_since(
    tx: &mut Tx,
    owner: Uuid,
    currency: Currency,
) -> Result<Option<Option<Timestamp>>> {
    let found = clearing_accounts::table
        .find((owner, currency.number))
        .select(clearing_accounts::open_since)
        .first(tx.conn())
        .await;
    Ok(found.optional()?)
}

/// A release of a clearing account.
#[derive(Insertable)]
#[diesel(table_name = clearing_releases)]
pub(super) struct ReleaseRow {
    pub owner_id: Uuid,
    pub id: Uuid,
    pub currency: i16,
    pub amount: i64,
    pub payee_kind: Option<&'static str>,
    pub payee_id: Option<Uuid>,
    pub external_id: Option<String>,
    pub reason: String,
    pub transaction_id: Uuid,
    pub created_at: Timestamp,
}
