//! Refusals of commands on holds.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::refusal::{
    AMOUNT_INVALID, CURRENCY_DISABLED, CURRENCY_UNKNOWN, DUPLICATE_EXTERNAL_ID, INSUFFICIENT_FUNDS,
    VELOCITY_LIMIT, WALLET_FROZEN, no_amount, velocity_limit,
};
use crate::money::CurrencyCode;
use crate::refusal::{REASON_INVALID, Texts, refusals, texts};
use crate::time::Timestamp;

/// The hold has been released.
pub(in crate::wallets) const ALREADY_RELEASED: Texts = texts(
    "HOLD_ALREADY_RELEASED",
    "",
    "the hold has been released: see `hold`",
    "khoản giữ này đã được giải phóng",
);

/// The hold has been settled.
pub(in crate::wallets) const ALREADY_SETTLED: Texts = texts(
    "HOLD_ALREADY_SETTLED",
    "",
    "the hold has been settled: see `hold`",
    "khoản giữ này đã được tất toán",
);

/// The hold has expired.
pub(in crate::wallets) const EXPIRED: Texts = texts(
    "HOLD_EXPIRED",
    "",
    "the hold has expired and can only be released: see `hold`",
    "khoản giữ này đã hết hạn và chỉ có thể được giải phóng",
);

/// No hold of the service has the id.
pub(in crate::wallets) const NOT_FOUND: Texts = texts(
    "HOLD_NOT_FOUND",
    "holdId",
    "no hold of this service has this id",
    "dịch vụ này không có khoản giữ nào với mã đó",
);

refusals! {
    /// Refusals of commands on holds.
    HoldRefusal, HoldRefusalKind, "Hold";

    /// The reason is empty or longer than 500 characters.
    ReasonInvalid = REASON_INVALID;
    /// The currency does not exist.
    CurrencyUnknown = CURRENCY_UNKNOWN;
    /// The currency is switched off.
    CurrencyDisabled = CURRENCY_DISABLED;
    /// The amount is not above 0, too large, or finer than the currency's scale.
    AmountInvalid = AMOUNT_INVALID;
    /// The expiry is not in the future, beyond `holdMaxDays` after placing, or not after the present one.
    ExpiryInvalid { after: Timestamp, latest: Timestamp } = texts("EXPIRY_INVALID", "expiresAt",
        "give a time after {after}, at the latest {latest}",
        "hãy chọn thời điểm sau {after}, muộn nhất là {latest}");
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
    /// No hold of the calling service has this id.
    NotFound = NOT_FOUND;
    /// The hold has been released; see `hold`.
    AlreadyReleased { owner_id: Uuid, hold: Uuid } = ALREADY_RELEASED;
    /// The hold has been settled; see `hold`.
    AlreadySettled { owner_id: Uuid, hold: Uuid } = ALREADY_SETTLED;
    /// The hold has expired and can only be released; see `hold`.
    Expired { owner_id: Uuid, hold: Uuid } = EXPIRED;
}
no_amount!(HoldRefusal);
velocity_limit!(HoldRefusal);

/// Maps `Ended` to the refusals of the aggregates whose commands need a hold that is held.
macro_rules! hold_ended {
    ($($refusal:ty),+ $(,)?) => {
        $(impl From<$crate::wallets::hold::Ended> for $refusal {
            fn from(ended: $crate::wallets::hold::Ended) -> Self {
                use $crate::wallets::hold::Ended;
                match ended {
                    Ended::Released(id) => Self::AlreadyReleased { owner_id: id.owner.0, hold: id.uuid },
                    Ended::Settled(id) => Self::AlreadySettled { owner_id: id.owner.0, hold: id.uuid },
                    Ended::Expired(id) => Self::Expired { owner_id: id.owner.0, hold: id.uuid },
                }
            }
        })+
    };
}
pub(in crate::wallets) use hold_ended;
hold_ended!(HoldRefusal);
