//! User errors of settlements and clearing accounts.

use domain::wallets::settlement::SettlementRefusal;

use crate::prelude::*;
use crate::wallets::hold::objects::Hold;
use crate::wallets::wallet::objects::Money;

user_error! {
    SettlementUserError, SettlementRefusal, "settlements and clearing accounts";
    /// Balance of the clearing account; null except with CLEARING_SHORT.
    available: Money,
    /// The hold with its first outcome; null unless it has ended or expired.
    hold: Edge<Hold>,
}
