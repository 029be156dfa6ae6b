//! Refusals of commands on campaigns.

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::money::CurrencyCode;
use crate::refusal::{REASON_INVALID, Texts, refusals, texts};

/// No campaign that the caller may change has the id.
pub(super) const CAMPAIGN_NOT_FOUND: Texts = texts(
    "CAMPAIGN_NOT_FOUND",
    "campaignId",
    "no campaign that you may change has this id",
    "không có chiến dịch nào mà bạn được thay đổi với mã này",
);

/// A currency does not exist.
const CURRENCY_UNKNOWN: &str = "no currency has this code: see `currencies`";
/// A currency is switched off.
const CURRENCY_DISABLED: &str = "this currency is switched off";
const CURRENCY_UNKNOWN_VI: &str = "không có loại tiền nào với mã này";
const CURRENCY_DISABLED_VI: &str = "loại tiền này đang bị tắt";

/// The price is missing, given for a free campaign, or no price.
const fn price_invalid(
    field: &'static str,
    english: &'static str,
    vietnamese: &'static str,
) -> Texts {
    texts("PRICE_INVALID", field, english, vietnamese)
}

/// The dates do not fit each other, the present, or the state of the campaign.
const fn dates_invalid(
    field: &'static str,
    english: &'static str,
    vietnamese: &'static str,
) -> Texts {
    texts("DATES_INVALID", field, english, vietnamese)
}

/// The limit per person does not fit the campaign.
const fn limit_invalid(english: &'static str, vietnamese: &'static str) -> Texts {
    texts("MAX_PER_USER_INVALID", "maxPerUser", english, vietnamese)
}

refusals! {
    /// Refusals of commands on campaigns.
    CampaignRefusal, CampaignRefusalKind, "Campaign";

    /// The reason is empty or longer than 500 characters.
    ReasonInvalid = REASON_INVALID;
    /// No campaign has this id, or it belongs to another merchant than the caller's.
    NotFound = CAMPAIGN_NOT_FOUND;
    /// The campaign belongs to the caller's merchant, or the caller has vouchers that would be revoked; another person has to
    /// decide.
    OwnAccount = texts("OWN_ACCOUNT", "campaignId",
        "the campaign belongs to your own merchant, or you have vouchers of it: another person has to decide",
        "chiến dịch này thuộc doanh nghiệp của chính bạn hoặc bạn có voucher của nó: cần người khác quyết định");
    /// No new value is given.
    NothingToChange = texts("NOTHING_TO_CHANGE", "",
        "give at least one new value",
        "hãy nhập ít nhất một giá trị mới");
    /// The campaign's status does not allow the command; see `campaign`.
    StatusInvalid { merchant_id: Uuid, campaign: Uuid } = texts("CAMPAIGN_STATUS_INVALID", "campaignId",
        "the status of the campaign does not allow this: see `campaign`",
        "trạng thái của chiến dịch không cho phép thao tác này");
    /// The name is empty, longer than 255 characters or not printable.
    NameInvalid = texts("CAMPAIGN_NAME_INVALID", "name",
        "give a name of 1 to 255 visible characters on one line",
        "hãy đặt tên gồm 1 đến 255 ký tự hiển thị được trên một dòng");
    /// The description is longer than 1,000 characters or not printable.
    DescriptionInvalid = texts("DESCRIPTION_INVALID", "description",
        "give a description of 1 to 1000 visible characters, or none",
        "hãy nhập mô tả gồm 1 đến 1000 ký tự hiển thị được, hoặc để trống");
    /// A currency does not exist.
    FaceCurrencyUnknown = texts("CURRENCY_UNKNOWN", "faceValue.currency", CURRENCY_UNKNOWN, CURRENCY_UNKNOWN_VI);
    /// A currency does not exist.
    PriceCurrencyUnknown = texts("CURRENCY_UNKNOWN", "acquisitionPrice.currency", CURRENCY_UNKNOWN, CURRENCY_UNKNOWN_VI);
    /// A currency is switched off.
    FaceCurrencyDisabled = texts("CURRENCY_DISABLED", "faceValue.currency", CURRENCY_DISABLED, CURRENCY_DISABLED_VI);
    /// A currency is switched off.
    PriceCurrencyDisabled = texts("CURRENCY_DISABLED", "acquisitionPrice.currency", CURRENCY_DISABLED, CURRENCY_DISABLED_VI);
    /// The face value is not above 0, too large, or has more decimals than the currency shows.
    FaceValueInvalid = texts("FACE_VALUE_INVALID", "faceValue.amount",
        "give a value above 0, at most 1000000000000, with no more decimals than the currency shows",
        "hãy nhập giá trị lớn hơn 0, tối đa 1000000000000, với số chữ số thập phân mà loại tiền này hiển thị");
    /// The number of vouchers is out of range.
    VoucherCountInvalid { max: Decimal } = texts("VOUCHER_COUNT_INVALID", "totalVouchers",
        "give a number of vouchers from 1 to {max}",
        "hãy nhập số lượng voucher từ 1 đến {max}");
    /// The price is missing, given for a free campaign, in the wrong kind of currency, not above 0, or has more decimals
    /// than the currency shows.
    PriceForFree = price_invalid("acquisitionPrice",
        "a free campaign has no price",
        "chiến dịch miễn phí không có giá");
    /// The price is missing, given for a free campaign, in the wrong kind of currency, not above 0, or has more decimals
    /// than the currency shows.
    PriceMissing = price_invalid("acquisitionPrice",
        "give the price of a voucher",
        "hãy nhập giá của một voucher");
    /// The price is missing, given for a free campaign, in the wrong kind of currency, not above 0, or has more decimals
    /// than the currency shows.
    PriceKind = price_invalid("acquisitionPrice.currency",
        "give a price in points for EXCHANGE_POINTS and in money for PURCHASE",
        "giá của EXCHANGE_POINTS phải tính bằng điểm, giá của PURCHASE phải tính bằng tiền");
    /// The price is missing, given for a free campaign, in the wrong kind of currency, not above 0, or has more decimals
    /// than the currency shows.
    PriceAmount = price_invalid("acquisitionPrice.amount",
        "give a price above 0, at most 1000000000000, with no more decimals than the currency shows",
        "hãy nhập giá lớn hơn 0, tối đa 1000000000000, với số chữ số thập phân mà loại tiền này hiển thị");
    /// The price is above the allowed multiple of the face value, or its currency is not open for this face value.
    PriceTooHigh { max: Decimal, currency: CurrencyCode } = texts("PRICE_NOT_ALLOWED", "acquisitionPrice.amount",
        "the price can be at most {max} {currency}",
        "giá tối đa là {max} {currency}");
    /// The price is above the allowed multiple of the face value, or its currency is not open for this face value.
    PriceClosed = texts("PRICE_NOT_ALLOWED", "acquisitionPrice.currency",
        "prices in this currency are not open for this face value: choose the currency of the face value",
        "chưa cho phép giá bằng loại tiền này: hãy chọn loại tiền của mệnh giá");
    /// The end is not after the start, in the past, or earlier than an active campaign's present end; or the start of an
    /// activated campaign changes.
    EndNotAfterStart = dates_invalid("endsAt",
        "the end has to be after the start",
        "thời điểm kết thúc phải sau thời điểm bắt đầu");
    /// The end is not after the start, in the past, or earlier than an active campaign's present end; or the start of an
    /// activated campaign changes.
    EndPast = dates_invalid("endsAt",
        "the end has to be in the future",
        "thời điểm kết thúc phải ở tương lai");
    /// The end is not after the start, in the past, or earlier than an active campaign's present end; or the start of an
    /// activated campaign changes.
    EndEarlier = dates_invalid("endsAt",
        "an activated campaign can only end later than it would now",
        "chiến dịch đã kích hoạt chỉ có thể kết thúc muộn hơn hiện tại");
    /// The end is not after the start, in the past, or earlier than an active campaign's present end; or the start of an
    /// activated campaign changes.
    StartFixed = dates_invalid("startsAt",
        "the start of an activated campaign can't change",
        "không thể đổi thời điểm bắt đầu của chiến dịch đã kích hoạt");
    /// The validity in days is out of range.
    ValidityInvalid { max: Decimal } = texts("VALIDITY_INVALID", "voucherValidityDays",
        "give 1 to {max} days",
        "hãy nhập từ 1 đến {max} ngày");
    /// The limit per person is negative, unlimited for a free campaign, or lower than before once activated.
    LimitNegative = limit_invalid(
        "give 0 for no limit, or a number of vouchers per person",
        "hãy nhập 0 nếu không giới hạn, hoặc số voucher mỗi người");
    /// The limit per person is negative, unlimited for a free campaign, or lower than before once activated.
    LimitMissing = limit_invalid(
        "a free campaign needs a number of vouchers per person from 1",
        "chiến dịch miễn phí cần giới hạn từ 1 voucher mỗi người");
    /// The limit per person is negative, unlimited for a free campaign, or lower than before once activated.
    LimitLower = limit_invalid(
        "the limit of an activated campaign can only rise",
        "giới hạn của chiến dịch đã kích hoạt chỉ có thể tăng");
    /// The merchant has as many open campaigns as allowed, or made as many vouchers today.
    OpenLimit { max: Decimal } = texts("CAMPAIGN_LIMIT", "",
        "your merchant has {max} campaigns that have not ended: end one first",
        "doanh nghiệp của bạn đang có {max} chiến dịch chưa kết thúc: hãy kết thúc bớt");
    /// The merchant has as many open campaigns as allowed, or made as many vouchers today.
    DayLimit { max: Decimal } = texts("CAMPAIGN_LIMIT", "totalVouchers",
        "your merchant can make {max} vouchers per UTC day",
        "doanh nghiệp của bạn có thể tạo tối đa {max} voucher mỗi ngày (UTC)");
    /// The merchant is frozen; nothing can leave its wallets.
    WalletFrozen = texts("WALLET_FROZEN", "",
        "the merchant is frozen: nothing can leave its wallets",
        "doanh nghiệp đang bị đóng băng: không thể rút gì khỏi các ví");
    /// The merchant's wallet does not cover the escrow.
    InsufficientFunds { available: Decimal, currency: CurrencyCode } = texts("INSUFFICIENT_FUNDS", "faceValue",
        "only {available} {currency} is available, which does not cover the escrow",
        "chỉ còn {available} {currency} khả dụng, không đủ để ký quỹ");
}
