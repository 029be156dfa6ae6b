//! Refusals of commands on deposits.

use uuid::Uuid;

use super::super::refusal::{
    AMOUNT_INVALID, BALANCE_OVERFLOW, CURRENCY_DISABLED, CURRENCY_UNKNOWN, no_amount,
};
use crate::refusal::{REASON_INVALID, refusals, texts};

refusals! {
    /// Refusals of commands on deposits.
    DepositRefusal, DepositRefusalKind, "Deposit";

    /// The reason is empty or longer than 500 characters.
    ReasonInvalid = REASON_INVALID;
    /// The currency does not exist.
    CurrencyUnknown = CURRENCY_UNKNOWN;
    /// The currency is switched off.
    CurrencyDisabled = CURRENCY_DISABLED;
    /// The amount is not above 0, too large, or finer than the currency's scale.
    AmountInvalid = AMOUNT_INVALID;
    /// The daily ceiling of the calling service is reached.
    Ceiling = texts("DEPOSIT_CEILING", "amount",
        "the daily ceiling of this service for deposits of this currency is reached",
        "đã đạt mức trần tiền nạp trong ngày của dịch vụ này với loại tiền này");
    /// The owner is the caller; another person has to decide.
    OwnAccount = texts("OWN_ACCOUNT", "owner",
        "the owner is you: another person has to decide",
        "chủ ví là chính bạn: cần người khác quyết định");
    /// No owner has this key.
    OwnerUnknown = texts("OWNER_UNKNOWN", "owner",
        "no owner has this key: they have to sign in once before",
        "không có chủ ví nào với mã này: họ cần đăng nhập ít nhất một lần trước đó");
    /// The payment has been recorded with another owner, currency or amount, or for an invoice; see `deposit`.
    Mismatch { owner_id: Option<Uuid>, deposit: Option<Uuid> } = texts("DEPOSIT_MISMATCH", "payment",
        "this payment has been recorded with another owner, currency or amount, or for an invoice: see `deposit`",
        "khoản thanh toán này đã được ghi nhận với chủ ví, loại tiền hoặc số tiền khác, hoặc cho một hóa đơn");
    /// No deposit has this id.
    NotFound = texts("DEPOSIT_NOT_FOUND", "depositId",
        "no deposit has this id",
        "không có khoản nạp nào với mã này");
    /// The deposit has an owner.
    NotUnmatched { owner_id: Option<Uuid>, deposit: Option<Uuid> } = texts("DEPOSIT_NOT_UNMATCHED", "depositId",
        "the deposit has an owner already: see `deposit`",
        "khoản nạp này đã có chủ");
    /// The new balance would be too large to store.
    BalanceOverflow = BALANCE_OVERFLOW;
}
no_amount!(DepositRefusal);
