//! Refusals of commands on vouchers.

use rust_decimal::Decimal;

use crate::money::CurrencyCode;
use crate::refusal::{REASON_INVALID, Texts, refusals, texts};
use crate::time::Timestamp;

/// The voucher can't be redeemed, extended or revoked as it is.
const fn about_voucher(
    code: &'static str,
    english: &'static str,
    vietnamese: &'static str,
) -> Texts {
    texts(code, "", english, vietnamese)
}

refusals! {
    /// Refusals of commands on vouchers.
    VoucherRefusal, VoucherRefusalKind, "Voucher";

    /// The reason is empty or longer than 500 characters.
    ReasonInvalid = REASON_INVALID;
    /// No campaign has this id.
    CampaignNotFound = texts("CAMPAIGN_NOT_FOUND", "campaignId",
        "no campaign has this id",
        "không có chiến dịch nào với mã này");
    /// Vouchers of the campaign are acquired in another way.
    WrongAcquisitionType = texts("WRONG_ACQUISITION_TYPE", "campaignId",
        "vouchers of this campaign are acquired in another way: see its `acquisitionType`",
        "voucher của chiến dịch này được nhận theo cách khác: xem `acquisitionType`");
    /// The campaign is not active.
    CampaignNotActive = texts("CAMPAIGN_NOT_ACTIVE", "campaignId",
        "the campaign is paused: try again later",
        "chiến dịch đang tạm dừng: hãy thử lại sau");
    /// The campaign has not started.
    CampaignNotStarted { retry_at: Timestamp } = texts("CAMPAIGN_NOT_STARTED", "campaignId",
        "the campaign starts at {retry_at}",
        "chiến dịch bắt đầu lúc {retry_at}");
    /// The campaign has ended.
    CampaignEnded = texts("CAMPAIGN_ENDED", "campaignId",
        "the campaign has ended",
        "chiến dịch đã kết thúc");
    /// The holder or the merchant is frozen.
    WalletFrozen = about_voucher("WALLET_FROZEN",
        "the holder or the merchant is frozen: nothing can be acquired or redeemed",
        "người giữ voucher hoặc doanh nghiệp đang bị đóng băng: không thể nhận hay sử dụng voucher");
    /// The caller has as many vouchers of the campaign as allowed.
    LimitPerUser { limit: u32 } = texts("LIMIT_PER_USER", "campaignId",
        "one person can have {limit} vouchers of this campaign",
        "mỗi người được nhận tối đa {limit} voucher của chiến dịch này");
    /// The available balance does not cover the price.
    InsufficientFunds { available: Decimal, currency: CurrencyCode } = about_voucher("INSUFFICIENT_FUNDS",
        "only {available} {currency} is available, which does not cover the price",
        "chỉ còn {available} {currency} khả dụng, không đủ để trả giá voucher");
    /// No voucher of the campaign is left.
    SoldOut = texts("SOLD_OUT", "campaignId",
        "no voucher of this campaign is left",
        "chiến dịch này đã hết voucher");
    /// There is no such voucher, or it is not the caller's concern.
    VoucherNotFound = about_voucher("VOUCHER_NOT_FOUND",
        "there is no such voucher: check the code",
        "không tìm thấy voucher: hãy kiểm tra lại mã");
    /// The voucher belongs to the caller or the caller's merchant; another person has to decide.
    OwnAccount = texts("OWN_ACCOUNT", "voucherId",
        "the voucher belongs to you or your merchant: another person has to decide",
        "voucher này thuộc về bạn hoặc doanh nghiệp của bạn: cần người khác quyết định");
    /// The voucher or its campaign was revoked.
    VoucherRevoked = about_voucher("VOUCHER_REVOKED",
        "the voucher was revoked",
        "voucher đã bị thu hồi");
    /// The voucher has expired.
    VoucherExpired = about_voucher("VOUCHER_EXPIRED",
        "the voucher has expired",
        "voucher đã hết hạn");
    /// The voucher has no value left.
    VoucherUsed = about_voucher("VOUCHER_USED",
        "the voucher has no value left",
        "voucher đã dùng hết giá trị");
    /// The order's amount is not above 0, too large, or has more decimals than the currency shows.
    OrderAmountInvalid = texts("ORDER_AMOUNT_INVALID", "orderAmount.amount",
        "give an amount above 0, at most 1000000000000, with no more decimals than the currency shows",
        "hãy nhập số tiền lớn hơn 0, tối đa 1000000000000, với số chữ số thập phân mà loại tiền này hiển thị");
    /// The order is in another currency than the voucher.
    CurrencyMismatch { currency: CurrencyCode } = texts("CURRENCY_MISMATCH", "orderAmount.currency",
        "the voucher is in {currency}",
        "voucher này tính bằng {currency}");
    /// The voucher has been redeemed for this order.
    OrderRedeemed = texts("ORDER_REDEEMED", "orderId",
        "the voucher has been redeemed for this order",
        "voucher này đã được dùng cho đơn hàng này");
    /// The voucher has as many pending redemptions as allowed.
    PendingLimit { limit: u32 } = about_voucher("PENDING_LIMIT",
        "the voucher has {limit} pending redemptions: one has to be settled or voided first",
        "voucher đang có {limit} lần sử dụng chờ quyết toán: cần quyết toán hoặc hủy bớt");
    /// The order has another amount with an earlier voucher; see `orderAmount`.
    OrderAmountDiffers { order_amount: Decimal, currency: CurrencyCode } = texts("ORDER_AMOUNT_DIFFERS", "orderAmount",
        "an earlier voucher was redeemed for this order with the amount {order_amount} {currency}",
        "đơn hàng này đã dùng một voucher khác với số tiền {order_amount} {currency}");
    /// Other vouchers pay the whole order.
    OrderCovered = texts("ORDER_COVERED", "orderId",
        "other vouchers pay the whole order",
        "các voucher khác đã thanh toán toàn bộ đơn hàng");
    /// The voucher's status does not allow the command.
    StatusInvalid = texts("VOUCHER_STATUS_INVALID", "voucherId",
        "the status of the voucher does not allow this",
        "trạng thái của voucher không cho phép thao tác này");
    /// The days are not 1 to 365, or the validity would exceed `maxValidityDays`.
    DaysInvalid { max: u32 } = texts("DAYS_INVALID", "additionalDays",
        "give 1 to 365 days, so that the voucher is valid for at most {max} days in all",
        "hãy nhập từ 1 đến 365 ngày, sao cho voucher có hiệu lực tối đa {max} ngày");
}
