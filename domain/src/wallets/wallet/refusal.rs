//! Refusals of commands on wallets, treasuries and accounts of the house.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::refusal::{
    AMOUNT_INVALID, BALANCE_OVERFLOW, CURRENCY_DISABLED, CURRENCY_UNKNOWN, DUPLICATE_EXTERNAL_ID,
    INSUFFICIENT_FUNDS, no_amount,
};
use crate::money::CurrencyCode;
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
    /// The currency does not exist.
    CurrencyUnknown = CURRENCY_UNKNOWN;
    /// The currency is switched off.
    CurrencyDisabled = CURRENCY_DISABLED;
    /// The amount is not above 0, too large, or finer than the currency's scale.
    AmountInvalid = AMOUNT_INVALID;
    /// The configuration names no such service.
    IssuerUnknown = texts("ISSUER_UNKNOWN", "issuer",
        "the configuration names no such service: an administrator adds it to `issuers`",
        "cấu hình không có dịch vụ nào với tên này");
    /// The daily issuance ceiling of the currency is reached, and the treasury has not been given enough.
    IssuanceCeiling { available: Decimal, currency: CurrencyCode } = texts("ISSUANCE_CEILING", "amount",
        "only {available} {currency} is left of what the treasury was given and may issue today",
        "chỉ còn {available} {currency} trong số quỹ được cấp và được phép phát hành hôm nay");
    /// The external id was used before; see `duplicateId`.
    DuplicateExternalId { owner_id: Uuid, duplicate_id: Uuid } = DUPLICATE_EXTERNAL_ID;
    /// A reward for this campaign, claimant and claim exists with another amount.
    RewardAlreadyMinted = texts("REWARD_ALREADY_MINTED", "claimReference",
        "a reward for this campaign, claimant and claim exists with another amount",
        "phần thưởng cho chiến dịch, người nhận và yêu cầu này đã tồn tại với số tiền khác");
    /// The campaign's treasury does not cover the amount, or belongs to another service.
    TreasuryShort { available: Decimal, currency: CurrencyCode } = texts("TREASURY_SHORT", "amount",
        "the campaign's treasury has only {available} {currency} for this service",
        "quỹ của chiến dịch chỉ có {available} {currency} cho dịch vụ này");
    /// Both accounts are the same.
    AccountsInvalid = texts("ACCOUNTS_INVALID", "to",
        "give two different accounts",
        "hãy chọn hai tài khoản khác nhau");
    /// The external reference was used before.
    ReferenceUsed = texts("REFERENCE_USED", "reference",
        "this external reference was used before",
        "mã tham chiếu ngoài này đã được sử dụng trước đó");
    /// No transaction has this key.
    TransactionNotFound = texts("TRANSACTION_NOT_FOUND", "transactionId",
        "no transaction has this id",
        "không có giao dịch nào với mã này");
    /// Only deposits, rewards, treasury fundings and clearing releases can be reversed.
    TransactionNotReversible = texts("TRANSACTION_NOT_REVERSIBLE", "transactionId",
        "only deposits, rewards, treasury fundings and clearing releases can be reversed",
        "chỉ có thể đảo ngược khoản nạp, phần thưởng, khoản cấp quỹ và khoản giải phóng bù trừ");
    /// The transaction has been reversed.
    TransactionReversed = texts("TRANSACTION_REVERSED", "transactionId",
        "the transaction has been reversed",
        "giao dịch này đã được đảo ngược");
    /// An account does not cover the amount.
    InsufficientFunds { available: Decimal, currency: CurrencyCode } = INSUFFICIENT_FUNDS;
    /// The new balance would be too large to store.
    BalanceOverflow = BALANCE_OVERFLOW;
}
no_amount!(WalletRefusal);
