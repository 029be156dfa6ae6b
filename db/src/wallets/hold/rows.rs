//! The table of holds as structs.

use domain::money::{Minor, Money};
use domain::wallets::hold::Hold;
use domain::wallets::{Currencies, Metadata, WalletOwner};
use serde_json::Value;

use crate::prelude::*;
use crate::schema::{holds, settlements};
use crate::wallets::wallet::rows::currency_of;

#[derive(HasQuery, Insertable)]
#[diesel(table_name = holds, check_for_backend(Pg))]
pub(in crate::wallets) struct HoldRow {
    owner_id: Uuid,
    id: Uuid,
    owner_kind: String,
    currency: i16,
    amount: i64,
    issuer: String,
    reference_kind: String,
    reference_id: String,
    reason: String,
    external_id: Option<String>,
    metadata: Value,
    status: String,
    release_reason: Option<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    version: i64,
}

impl HoldRow {
    pub(in crate::wallets) fn of(hold: &Hold) -> Self {
        Self {
            owner_id: hold.id.owner.0,
            id: hold.id.uuid,
            owner_kind: hold.owner.kind.name().to_owned(),
            currency: hold.amount.currency.number,
            amount: hold.amount.amount.0,
            issuer: hold.issuer.clone(),
            reference_kind: hold.reference_kind.clone(),
            reference_id: hold.reference_id.clone(),
            reason: hold.reason.clone(),
            external_id: hold.external_id.clone(),
            metadata: written(&hold.metadata),
            status: hold.status.name().to_owned(),
            release_reason: hold.release_reason.map(|reason| reason.name().to_owned()),
            created_at: hold.created_at,
            expires_at: hold.expires_at,
            ended_at: hold.ended_at,
            version: hold.version,
        }
    }

    pub(in crate::wallets) fn into_hold(
        self,
        currencies: &Currencies,
        settlement: Option<Uuid>,
    ) -> Result<Hold> {
        let release_reason = self.release_reason.as_deref();
        let release_reason =
            release_reason.map(|reason| read_name("holds", "release_reason", reason));
        Ok(Hold {
            id: [self.owner_id, self.id].into(),
            owner: WalletOwner {
                kind: read_name("holds", "owner_kind", &self.owner_kind)?,
                id: self.owner_id,
            },
            amount: Money {
                amount: Minor(self.amount),
                currency: currency_of(currencies, self.currency)?,
            },
            issuer: self.issuer,
            reference_kind: self.reference_kind,
            reference_id: self.reference_id,
            reason: self.reason,
            external_id: self.external_id,
            metadata: read("holds", self.metadata)?,
            status: read_name("holds", "status", &self.status)?,
            release_reason: release_reason.transpose()?,
            settlement,
            created_at: self.created_at,
            expires_at: self.expires_at,
            ended_at: self.ended_at,
            version: self.version,
        })
    }
}

/// Holds with their settlements.
#[diesel::dsl::auto_type(no_type_alias)]
pub(in crate::wallets) fn with_settlement() -> _ {
    holds::table.left_join(
        settlements::table.on(settlements::owner_id
            .eq(holds::owner_id)
            .and(settlements::hold_id.eq(holds::id))),
    )
}

/// Notes as they are stored: pairs, in their order.
pub(in crate::wallets) fn written(metadata: &Metadata) -> Value {
    let pairs = metadata.iter();
    let pairs =
        pairs.map(|(key, value)| Value::from([key.as_str(), value].map(Value::from).to_vec()));
    pairs.collect()
}

/// Reads notes.
pub(in crate::wallets) fn read(table: &'static str, metadata: Value) -> Result<Metadata> {
    serde_json::from_value(metadata)
        .map_err(|error| DbError::inconsistent(table, "metadata", error))
}
