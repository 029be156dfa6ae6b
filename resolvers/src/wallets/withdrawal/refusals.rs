//! User errors of withdrawals.

use db::command::Refused;
use domain::wallets::withdrawal::WithdrawalRefusal;

use super::objects::Withdrawal;
use crate::prelude::*;
use crate::user_errors::FactValue;
use crate::wallets::configuration::objects::VelocityRule;
use crate::wallets::wallet::objects::Money;

user_error! {
    WithdrawalUserError, WithdrawalRefusal, "withdrawals";
    /// Available balance; null except with INSUFFICIENT_FUNDS.
    available: Money,
    /// Global id of the withdrawal with this external id; null except with DUPLICATE_EXTERNAL_ID.
    duplicate_id: GlobalId,
    /// The exceeded rule; null except with VELOCITY_LIMIT.
    limit: VelocityRule,
    /// Time from which the command can succeed; null except with VELOCITY_LIMIT.
    retry_at: DateTime,
    /// The withdrawal as it is; null except with WITHDRAWAL_STATUS_INVALID.
    withdrawal: Edge<Withdrawal>,
}

impl FactValue for Edge<Withdrawal> {
    fn of(refused: &Refused, name: &str) -> Option<Self> {
        let owner = Uuid::of(refused, "owner_id")?;
        Some(Self::to([owner, Uuid::of(refused, name)?].into()))
    }
}
