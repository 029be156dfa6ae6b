//! Refusals of commands on withdrawals.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::NoAmount;
use super::super::refusal::{
    AMOUNT_INVALID, CURRENCY_UNKNOWN, DUPLICATE_EXTERNAL_ID, INSUFFICIENT_FUNDS, VELOCITY_LIMIT,
    WALLET_FROZEN, velocity_limit,
};
use crate::money::CurrencyCode;
use crate::refusal::{REASON_INVALID, refusals, texts};
use crate::time::Timestamp;

refusals! {
    /// Refusals of commands on withdrawals.
    WithdrawalRefusal, WithdrawalRefusalKind, "Withdrawal";

    /// The reason is empty or longer than 500 characters.
    ReasonInvalid = REASON_INVALID;
    /// The currency does not exist.
    CurrencyUnknown = CURRENCY_UNKNOWN;
    /// The amount is not above 0, too large, or finer than the currency's scale.
    AmountInvalid = AMOUNT_INVALID;
    /// The destination is empty, longer than 200 characters or not printable.
    DestinationInvalid = texts("DESTINATION_INVALID", "destination",
        "give a destination of 1 to 200 visible characters on one line",
        "hãy nhập đích nhận tiền gồm 1 đến 200 ký tự hiển thị được trên một dòng");
    /// The person's identity is not verified.
    KycRequired = texts("KYC_REQUIRED", "",
        "the person's identity has to be verified first",
        "cần xác minh danh tính trước");
    /// The external id was used before; see `duplicateId`.
    DuplicateExternalId { owner_id: Uuid, duplicate_id: Uuid } = DUPLICATE_EXTERNAL_ID;
    /// The owner is frozen; nothing can leave their wallets.
    WalletFrozen = WALLET_FROZEN;
    /// A velocity rule is exceeded.
    VelocityLimit {
        operation: &'static str, window: &'static str, currency: CurrencyCode, max_count: Option<u32>,
        max_amount: Option<Decimal>, retry_at: Option<Timestamp>
    } = VELOCITY_LIMIT;
    /// The available balance is too low.
    InsufficientFunds { available: Decimal, currency: CurrencyCode } = INSUFFICIENT_FUNDS;
    /// No withdrawal has this key, or it is not the caller's.
    NotFound = texts("WITHDRAWAL_NOT_FOUND", "withdrawalId",
        "no withdrawal has this id, or it is not yours",
        "không có yêu cầu rút tiền nào với mã này, hoặc nó không phải của bạn");
    /// The withdrawal is the caller's own; another person has to decide.
    OwnAccount = texts("OWN_ACCOUNT", "withdrawalId",
        "the withdrawal is your own: another person has to decide",
        "yêu cầu rút tiền này là của bạn: cần người khác quyết định");
    /// The withdrawal's status does not allow the command; see `withdrawal`.
    StatusInvalid { owner_id: Uuid, withdrawal: Uuid } = texts("WITHDRAWAL_STATUS_INVALID", "withdrawalId",
        "the status of the withdrawal does not allow this: see `withdrawal`",
        "trạng thái của yêu cầu rút tiền không cho phép thao tác này");
    /// The provider's payment belongs to another withdrawal.
    PayoutReferenceUsed = texts("PAYOUT_REFERENCE_USED", "payout.reference",
        "this payment of the provider belongs to another withdrawal",
        "khoản thanh toán này của nhà cung cấp thuộc về yêu cầu rút tiền khác");
}

/// A currency that is switched off takes withdrawals.
impl From<NoAmount> for WithdrawalRefusal {
    fn from(cause: NoAmount) -> Self {
        match cause {
            NoAmount::CurrencyUnknown | NoAmount::CurrencyDisabled => Self::CurrencyUnknown,
            NoAmount::AmountInvalid => Self::AmountInvalid,
        }
    }
}
velocity_limit!(WithdrawalRefusal);
