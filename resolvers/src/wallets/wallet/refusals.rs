//! User errors of wallets, treasuries and accounts of the house.

use domain::wallets::wallet::WalletRefusal;

use crate::prelude::*;

user_error! {
    WalletUserError, WalletRefusal, "wallets, treasuries and accounts of the house";
}
