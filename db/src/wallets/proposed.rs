//! Owners and amounts as proposals store them.

use domain::money::{CurrencyCode, Money};
use domain::wallets::{OwnerKind, WalletOwner};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::prelude::*;

/// Owner of wallets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredOwner", into = "StoredOwner")]
pub struct ProposedOwner(pub WalletOwner);

#[derive(Serialize, Deserialize)]
struct StoredOwner {
    kind: String,
    id: Uuid,
}

impl From<ProposedOwner> for StoredOwner {
    fn from(ProposedOwner(owner): ProposedOwner) -> Self {
        Self {
            kind: owner.kind.name().to_owned(),
            id: owner.id,
        }
    }
}

impl TryFrom<StoredOwner> for ProposedOwner {
    type Error = String;

    fn try_from(stored: StoredOwner) -> Result<Self, String> {
        let mut kinds = OwnerKind::ALL.into_iter();
        let kind = kinds.find(|kind| kind.name() == stored.kind);
        let kind = kind.ok_or_else(|| format!("{} is no kind of owners", stored.kind))?;
        Ok(Self(WalletOwner {
            kind,
            id: stored.id,
        }))
    }
}

/// Amount in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredAmount", into = "StoredAmount")]
pub struct ProposedAmount(pub Decimal, pub CurrencyCode);

impl From<Money> for ProposedAmount {
    fn from(money: Money) -> Self {
        Self(money.to_decimal(), money.currency.code)
    }
}

#[derive(Serialize, Deserialize)]
struct StoredAmount {
    amount: Decimal,
    currency: String,
}

impl From<ProposedAmount> for StoredAmount {
    fn from(ProposedAmount(amount, currency): ProposedAmount) -> Self {
        Self {
            amount,
            currency: currency.to_string(),
        }
    }
}

impl TryFrom<StoredAmount> for ProposedAmount {
    type Error = String;

    fn try_from(stored: StoredAmount) -> Result<Self, String> {
        let currency = CurrencyCode::parse(&stored.currency);
        let currency = currency.ok_or_else(|| format!("{} is no code", stored.currency))?;
        Ok(Self(stored.amount, currency))
    }
}
