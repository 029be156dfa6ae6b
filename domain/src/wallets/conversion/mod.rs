//! Conversions between two wallets of a person, and the rates at which they are made.

mod rates;
mod refusal;
mod rules;

pub use rates::{Rate, RateKey, RateStatus, anchored_until, new_rate, usable};
pub use refusal::{ConversionRefusal, ConversionRefusalKind};
pub use rules::{Converted, Expected, convert, is_reachable, quoted, within_exposure};

use super::Metadata;
use crate::ids::{ConversionId, TransactionId, UserId};
use crate::money::Money;
use crate::time::Timestamp;

/// Exchange of an amount between two wallets of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Id.
    pub id: ConversionId,
    /// Name of the service that requested it; `wallets` for people.
    pub issuer: String,
    /// Key given by the caller.
    pub external_id: Option<String>,
    /// Notes of the caller.
    pub metadata: Metadata,
    /// Amounts and fee.
    pub converted: Converted,
    /// Rate used.
    pub rate: RateKey,
    /// Time of the conversion.
    pub created_at: Timestamp,
    /// Receipt.
    pub transaction_id: TransactionId,
}

impl Conversion {
    /// The person who owns both wallets.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.id.user
    }

    /// Amount that the conversion account pays: what is received, and the fee.
    #[must_use]
    pub fn gross(&self) -> Money {
        self.converted.gross
    }
}
