//! Refusals of commands on settlements and clearing accounts.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::hold::{ALREADY_RELEASED, ALREADY_SETTLED, EXPIRED, NOT_FOUND, hold_ended};
use super::super::refusal::{AMOUNT_INVALID, BALANCE_OVERFLOW, DUPLICATE_EXTERNAL_ID};
use crate::money::CurrencyCode;
use crate::refusal::{REASON_INVALID, Texts, refusals, texts};

refusals! {
    /// Refusals of commands on settlements and clearing accounts.
    SettlementRefusal, SettlementRefusalKind, "Settlement";

    /// No hold of the calling service has this id.
    NotFound = Texts { field: "settlement.holdId", ..NOT_FOUND };
    /// The hold has been released; see `hold`.
    AlreadyReleased { owner_id: Uuid, hold: Uuid } = ALREADY_RELEASED;
    /// The hold has been settled; see `hold`.
    AlreadySettled { owner_id: Uuid, hold: Uuid } = ALREADY_SETTLED;
    /// The hold has expired and can only be released; see `hold`.
    Expired { owner_id: Uuid, hold: Uuid } = EXPIRED;
    /// An amount is not above 0, above the hold, too large, or finer than the currency's scale.
    AmountInvalid = texts("AMOUNT_INVALID", "settlement.amount.amount",
        "give an amount above 0, at most the hold, with no more decimals than its currency has",
        "hãy nhập số tiền lớn hơn 0, không quá khoản giữ, với số chữ số thập phân mà loại tiền này cho phép");
    /// An amount is not above 0, above the hold, too large, or finer than the currency's scale.
    AmountCurrencyMismatch = texts("AMOUNT_INVALID", "settlement.amount.currency",
        "give the amount in the currency of the hold",
        "hãy nhập số tiền cùng loại tiền với khoản giữ");
    /// The amount of a payout is not above 0, too large, or finer than the currency's scale.
    PayoutAmountInvalid { payout: u32 } = texts("AMOUNT_INVALID", "settlement.payouts.{payout}.amount.amount",
        "give each payout an amount above 0, with no more decimals than the currency has",
        "mỗi khoản chi trả cần số tiền lớn hơn 0 với số chữ số thập phân mà loại tiền cho phép");
    /// A loss has payouts, there are more than 10, or an owner appears twice.
    PayoutsInvalid = texts("PAYOUTS_INVALID", "settlement.payouts",
        "give a loss no payouts, and a win 1 to 10 to different owners",
        "khoản thua không có chi trả; khoản thắng có từ 1 đến 10 khoản chi trả cho các chủ khác nhau");
    /// A loss has payouts, there are more than 10, or an owner appears twice.
    PayoutOwnerTwice { payout: u32 } = texts("PAYOUTS_INVALID", "settlement.payouts.{payout}.owner",
        "an earlier payout has the same owner: give each owner one payout",
        "một khoản chi trả trước đó có cùng chủ: mỗi chủ chỉ có một khoản chi trả");
    /// A payout is not in the currency of the hold.
    PayoutCurrencyMismatch { payout: u32 } = texts("PAYOUT_CURRENCY_MISMATCH", "settlement.payouts.{payout}.amount.currency",
        "payouts are in the currency of the hold",
        "các khoản chi trả phải cùng loại tiền với khoản giữ");
    /// The amount is not above 0, too large, or finer than the currency's scale.
    ReleaseAmountInvalid = AMOUNT_INVALID;
    /// The service has no clearing account of this reference and currency.
    ClearingNotFound = texts("CLEARING_NOT_FOUND", "reference",
        "the service has no clearing account of this reference and currency",
        "dịch vụ không có tài khoản thanh toán bù trừ nào cho tham chiếu và loại tiền này");
    /// Finance may release a clearing account only once it is overdue.
    ClearingNotOverdue = texts("CLEARING_NOT_OVERDUE", "reference",
        "finance may release a clearing account only once it is overdue: see `isOverdue`",
        "bộ phận tài chính chỉ được giải phóng tài khoản thanh toán bù trừ đã quá hạn");
    /// The clearing account would fall below zero.
    ClearingShort { available: Decimal, currency: CurrencyCode } = texts("CLEARING_SHORT", "",
        "the clearing account has only {available} {currency}: settle the losers first, or together",
        "tài khoản thanh toán bù trừ chỉ có {available} {currency}: hãy tất toán bên thua trước, hoặc cùng lúc");
    /// The clearing account would fall below zero.
    ReleaseShort { available: Decimal, currency: CurrencyCode } = texts("CLEARING_SHORT", "amount",
        "the clearing account has only {available} {currency}",
        "tài khoản thanh toán bù trừ chỉ có {available} {currency}");
    /// The owner to pay is the caller; another person has to decide.
    OwnAccount = texts("OWN_ACCOUNT", "owner",
        "you would pay yourself: another person has to decide",
        "bạn sẽ tự chi trả cho chính mình: phải do người khác quyết định");
    /// The external id was used before; see `duplicateId`.
    DuplicateExternalId { owner_id: Uuid, payee_id: Option<Uuid>, duplicate_id: Uuid } = DUPLICATE_EXTERNAL_ID;
    /// A new balance would be too large to store.
    BalanceOverflow = BALANCE_OVERFLOW;
    /// The reason is empty or longer than 500 characters.
    ReasonInvalid = REASON_INVALID;
    /// At least one item is refused, so nothing took effect; see `results`.
    BatchRefused = texts("BATCH_REFUSED", "settlements",
        "at least one settlement is refused, so none took effect: see `results`",
        "có ít nhất một khoản tất toán bị từ chối nên không khoản nào được thực hiện");
    /// The item was not applied, because another item of the batch is refused.
    NotApplied = texts("NOT_APPLIED", "",
        "this settlement was not applied, because another one of the batch is refused",
        "khoản tất toán này chưa được thực hiện vì một khoản khác trong lô bị từ chối");
}
hold_ended!(SettlementRefusal);
