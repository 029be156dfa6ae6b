//! Refusals of commands on redemptions.

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::money::CurrencyCode;
use crate::refusal::{refusals, texts};

refusals! {
    /// Refusals of commands on redemptions.
    RedemptionRefusal, RedemptionRefusalKind, "Redemption";

    /// No redemption that concerns the caller has this id.
    NotFound = texts("REDEMPTION_NOT_FOUND", "redemptionId",
        "no redemption that concerns you has this id",
        "không có lần sử dụng voucher nào của bạn với mã này");
    /// The redemption is pending; it can be voided instead.
    Pending { merchant_id: Uuid, redemption: Uuid } = texts("REDEMPTION_PENDING", "redemptionId",
        "the redemption is pending: void it instead",
        "lần sử dụng này đang chờ quyết toán: hãy hủy thay vì hoàn lại");
    /// The redemption has been settled; see `redemption`.
    Settled { merchant_id: Uuid, redemption: Uuid } = texts("REDEMPTION_SETTLED", "redemptionId",
        "the redemption has been settled: see `redemption`",
        "lần sử dụng này đã được quyết toán");
    /// The redemption has been voided; see `redemption`.
    Voided { merchant_id: Uuid, redemption: Uuid } = texts("REDEMPTION_VOIDED", "redemptionId",
        "the redemption has been voided: see `redemption`",
        "lần sử dụng này đã bị hủy");
    /// The time for returns is over.
    ReturnTooLate { merchant_id: Uuid, redemption: Uuid } = texts("RETURN_TOO_LATE", "redemptionId",
        "the time for returns is over",
        "đã quá thời hạn hoàn lại");
    /// The amount is not above 0, in another currency than the voucher, or has more decimals than the currency shows.
    AmountInvalid { merchant_id: Uuid, redemption: Uuid, currency: CurrencyCode } = texts("AMOUNT_INVALID", "amount",
        "give an amount above 0 in {currency}, with no more decimals than the currency shows",
        "hãy nhập số tiền lớn hơn 0 bằng {currency}, với số chữ số thập phân mà loại tiền này hiển thị");
    /// More would be returned than was used; see `returnable`.
    ReturnExceeded { merchant_id: Uuid, redemption: Uuid, returnable: Decimal, currency: CurrencyCode } = texts("RETURN_EXCEEDED", "amount",
        "at most {returnable} {currency} can be returned",
        "chỉ có thể hoàn lại tối đa {returnable} {currency}");
    /// The campaign does not allow partial redemption, so the whole value has to be returned.
    PartialReturnNotAllowed { merchant_id: Uuid, redemption: Uuid } = texts("PARTIAL_RETURN_NOT_ALLOWED", "amount",
        "the campaign allows no partial redemption: return the whole value",
        "chiến dịch không cho phép sử dụng một phần: hãy hoàn lại toàn bộ giá trị");
    /// The merchant is frozen; nothing can leave its wallets.
    WalletFrozen { merchant_id: Uuid, redemption: Uuid } = texts("WALLET_FROZEN", "",
        "the merchant is frozen: nothing can leave its wallets",
        "doanh nghiệp đang bị đóng băng: không thể rút gì khỏi các ví");
    /// The merchant's wallet does not cover the amount.
    InsufficientFunds { merchant_id: Uuid, redemption: Uuid, available: Decimal, currency: CurrencyCode } = texts("INSUFFICIENT_FUNDS", "",
        "only {available} {currency} is available in the merchant's wallet",
        "ví của doanh nghiệp chỉ còn {available} {currency} khả dụng");
}
