//! User errors of deposits.

use db::command::Refused;
use domain::wallets::deposit::DepositRefusal;

use super::objects::Deposit;
use crate::prelude::*;
use crate::user_errors::FactValue;

user_error! {
    DepositUserError, DepositRefusal, "deposits";
    /// The recorded deposit; null except with DEPOSIT_NOT_UNMATCHED and, unless it paid an invoice, DEPOSIT_MISMATCH.
    deposit: Edge<Deposit>,
}

impl FactValue for Edge<Deposit> {
    fn of(refused: &Refused, name: &str) -> Option<Self> {
        let owner = Uuid::of(refused, "owner_id")?;
        Some(Self::to([owner, Uuid::of(refused, name)?].into()))
    }
}
