//! The object that has an external id already.

use db::command::Refused;
use domain::refusal::Refusal;
use domain::wallets::conversion::ConversionRefusal;
use domain::wallets::hold::HoldRefusal;
use domain::wallets::withdrawal::WithdrawalRefusal;

use super::conversion::objects::Conversion;
use super::hold::objects::Hold;
use super::withdrawal::objects::Withdrawal;
use crate::prelude::*;
use crate::user_errors::FactValue;

/// Its global id. Its type is that of the refused command's aggregate.
impl FactValue for GlobalId {
    fn of(refused: &Refused, name: &str) -> Option<Self> {
        let key = [Uuid::of(refused, "owner_id")?, Uuid::of(refused, name)?];
        match refused.aggregate.as_str() {
            ConversionRefusal::AGGREGATE => Some(Self::of::<Conversion>(&key.into())),
            HoldRefusal::AGGREGATE => Some(Self::of::<Hold>(&key.into())),
            WithdrawalRefusal::AGGREGATE => Some(Self::of::<Withdrawal>(&key.into())),
            _ => None,
        }
    }
}
