//! User errors of settlements and clearing accounts.

use domain::wallets::settlement::SettlementRefusal;

use crate::prelude::*;
use crate::wallets::hold::objects::Hold;
use crate::wallets::wallet::objects::Money;
use crate::wallets::wallet::transactions::TransactionRef;

user_error! {
    SettlementUserError, SettlementRefusal, "settlements and clearing accounts";
    /// Balance of the clearing account; null except with CLEARING_SHORT.
    available: Money,
    /// Global id of the transaction with this external id; null except with DUPLICATE_EXTERNAL_ID.
    duplicate_id: TransactionRef,
    /// The hold with its first outcome; null unless it has ended or expired.
    hold: Edge<Hold>,
}
