//! User errors of holds.

use db::command::Refused;
use domain::wallets::hold::HoldRefusal;
use domain::wallets::{VelocityOperation, VelocityWindow};

use super::objects::Hold;
use crate::prelude::*;
use crate::user_errors::FactValue;
use crate::wallets::configuration::objects::VelocityRule;
use crate::wallets::wallet::objects::Money;

user_error! {
    HoldUserError, HoldRefusal, "holds";
    /// Available balance; null except with INSUFFICIENT_FUNDS.
    available: Money,
    /// Global id of the hold with this external id; null except with DUPLICATE_EXTERNAL_ID.
    duplicate_id: GlobalId,
    /// The hold with its first outcome; null unless it has ended or expired.
    hold: Edge<Hold>,
    /// The exceeded rule; null except with VELOCITY_LIMIT.
    limit: VelocityRule,
    /// Time from which the command can succeed; null except with VELOCITY_LIMIT.
    retry_at: DateTime,
}

/// The hold that a fact names.
fn hold_of(refused: &Refused, name: &str) -> Option<HoldId> {
    let owner = Uuid::of(refused, "owner_id")?;
    Some([owner, Uuid::of(refused, name)?].into())
}

impl FactValue for Edge<Hold> {
    fn of(refused: &Refused, name: &str) -> Option<Self> {
        hold_of(refused, name).map(Edge::to)
    }
}

impl FactValue for VelocityRule {
    fn of(refused: &Refused, _: &str) -> Option<Self> {
        let operation = String::of(refused, "operation")?;
        Some(Self {
            currency: FactValue::of(refused, "currency")?,
            max_amount: FactValue::of(refused, "max_amount"),
            max_count: FactValue::of(refused, "max_count"),
            operation: EnumOf::<VelocityOperation>::named(&operation)?,
            window: EnumOf::<VelocityWindow>::named(&String::of(refused, "window")?)?,
        })
    }
}
