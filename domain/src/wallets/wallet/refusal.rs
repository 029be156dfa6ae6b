//! Refusals of commands on wallets, treasuries and accounts of the house.

use crate::refusal::{REASON_INVALID, refusals, texts};

refusals! {
    /// Refusals of commands on wallets, treasuries and accounts of the house.
    WalletRefusal, WalletRefusalKind, "Wallet";

    /// The reason is empty or longer than 500 characters.
    ReasonInvalid = REASON_INVALID;
    /// The owner is the caller; another person has to decide.
    OwnAccount = texts("OWN_ACCOUNT", "",
        "this is your own account: another person has to decide",
        "đây là tài khoản của chính bạn: phải do người khác quyết định");
    /// The owner is frozen for this cause.
    Frozen = texts("WALLET_FROZEN", "owner",
        "the owner is frozen for this cause already",
        "chủ ví đã bị đóng băng vì lý do này");
    /// The owner is not frozen for this cause.
    NotFrozen = texts("WALLET_NOT_FROZEN", "owner",
        "the owner is not frozen for this cause",
        "chủ ví không bị đóng băng vì lý do này");
}
