//! Refusals of commands on conversions and rates.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::refusal::{
    AMOUNT_INVALID, BALANCE_OVERFLOW, CURRENCY_DISABLED, CURRENCY_UNKNOWN, DUPLICATE_EXTERNAL_ID,
    INSUFFICIENT_FUNDS, VELOCITY_LIMIT, WALLET_FROZEN, no_amount, velocity_limit,
};
use crate::money::CurrencyCode;
use crate::refusal::{REASON_INVALID, refusals, texts};
use crate::time::Timestamp;

refusals! {
    /// Refusals of commands on conversions and rates.
    ConversionRefusal, ConversionRefusalKind, "Conversion";

    /// The reason is empty or longer than 500 characters.
    ReasonInvalid = REASON_INVALID;
    /// A currency does not exist.
    CurrencyUnknown = CURRENCY_UNKNOWN;
    /// A currency is switched off.
    CurrencyDisabled = CURRENCY_DISABLED;
    /// Both currencies are the same.
    PairInvalid = texts("PAIR_INVALID", "to",
        "give two different currencies",
        "hãy chọn hai loại tiền khác nhau");
    /// The rate is not above 0 or has more than 12 decimals.
    RateInvalid = texts("RATE_INVALID", "rate",
        "give a rate above 0 with at most 12 decimals",
        "hãy nhập tỷ giá lớn hơn 0 với tối đa 12 chữ số thập phân");
    /// The time of the rate is in the future or not after that of the newest one.
    RateTimeInvalid = texts("RATE_TIME_INVALID", "observedAt",
        "give a time after that of the pair's newest rate that is not in the future",
        "hãy chọn thời điểm sau tỷ giá mới nhất của cặp này và không ở tương lai");
    /// No rate has this id.
    RateNotFound = texts("RATE_NOT_FOUND", "rateSnapshotId",
        "no recorded rate has this id",
        "không có tỷ giá nào với mã này");
    /// The rate does not wait, or a newer one is in use.
    RateNotWaiting = texts("RATE_NOT_WAITING", "rateSnapshotId",
        "the rate does not wait, or a newer one is in use",
        "tỷ giá này không chờ duyệt, hoặc đã có tỷ giá mới hơn đang dùng");
    /// The caller recorded the rate; another person has to decide.
    OwnAccount = texts("OWN_ACCOUNT", "rateSnapshotId",
        "you recorded this rate: another person has to decide",
        "chính bạn đã ghi tỷ giá này: cần người khác quyết định");
    /// The amount is not above 0, too large, or finer than the currency's scale.
    AmountInvalid = AMOUNT_INVALID;
    /// The user's identity is not verified.
    KycRequired = texts("KYC_REQUIRED", "",
        "the person's identity has to be verified first",
        "cần xác minh danh tính trước");
    /// Conversions are switched off.
    Frozen = texts("CONVERSIONS_FROZEN", "",
        "conversions are switched off",
        "việc chuyển đổi đang bị tắt");
    /// The configuration does not open this conversion.
    PairClosed = texts("PAIR_CLOSED", "to",
        "this conversion is not open: see `rates`",
        "cặp chuyển đổi này không được mở");
    /// There is no rate that can be used.
    RateStale = texts("RATE_STALE", "",
        "there is no rate that can be used now: try again",
        "hiện không có tỷ giá nào dùng được: hãy thử lại");
    /// The expected rate is not the one in use, or `minToAmount` is not reached; see `rate`.
    RateChanged {
        rate_id: Option<Uuid>, version: Option<i32>, from: CurrencyCode, to: CurrencyCode
    } = texts("RATE_CHANGED", "",
        "the rate has changed: see `rate`",
        "tỷ giá đã thay đổi");
    /// The amount received would be 0.
    AmountTooSmall = texts("AMOUNT_TOO_SMALL", "amount.amount",
        "the amount received would be 0: give more",
        "số tiền nhận được sẽ bằng 0: hãy nhập số lớn hơn");
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
    /// The platform's exposure limit of the currency received is reached.
    FxExhausted = texts("FX_EXHAUSTED", "",
        "the platform has no more of the currency received for now",
        "hiện nền tảng đã hết hạn mức của loại tiền nhận được");
    /// A new balance would be too large to store.
    BalanceOverflow = BALANCE_OVERFLOW;
}
no_amount!(ConversionRefusal);
velocity_limit!(ConversionRefusal);
