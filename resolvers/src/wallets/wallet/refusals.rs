//! User errors of wallets, treasuries and accounts of the house.

use domain::wallets::wallet::WalletRefusal;

use crate::prelude::*;
use crate::wallets::wallet::objects::Money;
use crate::wallets::wallet::transactions::TransactionRef;

user_error! {
    WalletUserError, WalletRefusal, "wallets, treasuries and accounts of the house";
    /// Amount that is available; null except with TREASURY_SHORT, ISSUANCE_CEILING and INSUFFICIENT_FUNDS.
    available: Money,
    /// Global id of the transaction with this external id; null except with DUPLICATE_EXTERNAL_ID.
    duplicate_id: TransactionRef,
}
