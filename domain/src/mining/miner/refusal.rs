//! Refusals of commands on miners.

use rust_decimal::Decimal;

use crate::mining::refusal::{REFERRAL_CODE_UNKNOWN, WALLET_FROZEN};
use crate::mining::{
    CircleRefusal, InvitationRefusal, ReferralRefusal, SessionRefusal, StreakRefusal,
};
use crate::refusal::{REASON_INVALID, refusals, texts};

refusals! {
    /// Refusals of commands on miners.
    MinerRefusal, MinerRefusalKind, "Miner";

    /// The reason is empty, longer than 500 characters, or has characters that are not visible.
    ReasonInvalid = REASON_INVALID;
    /// No miner has this key.
    NotFound = texts("MINER_NOT_FOUND", "miner",
        "no miner has this key",
        "không có thợ đào này");
    /// The miner is the caller's own; another person has to decide.
    OwnAccount = texts("OWN_ACCOUNT", "miner",
        "this is your own miner: another person has to decide",
        "đây là của chính bạn: phải do người khác quyết định");
    /// The miner is suspended.
    Suspended = texts("MINER_SUSPENDED", "",
        "this miner is suspended",
        "thợ đào này đang bị tạm ngưng");
    /// The miner is banned.
    Banned = texts("MINER_BANNED", "",
        "this miner is banned",
        "thợ đào này đã bị cấm");
    /// The miner is not suspended.
    NotSuspended = texts("MINER_NOT_SUSPENDED", "",
        "this miner is not suspended",
        "thợ đào này không bị tạm ngưng");
    /// The points are 0, beyond 1,000,000,000,000, or have more than 4 decimals.
    PointsInvalid = texts("POINTS_INVALID", "points",
        "give points other than 0, at most 1000000000000, with at most 4 decimals",
        "số điểm khác 0, tối đa 1000000000000 và có tối đa 4 chữ số thập phân");
    /// The wallet is frozen; nothing can leave it.
    WalletFrozen = WALLET_FROZEN;
    /// Lifetime points or the wallet's available balance are too low.
    InsufficientPoints { available_points: Decimal } = texts("INSUFFICIENT_POINTS", "",
        "only {available_points} points can be taken",
        "chỉ có thể lấy {available_points} điểm");
    /// The daily issuance ceiling of the currency is reached.
    IssuanceCeiling { available_points: Decimal } = texts("ISSUANCE_CEILING", "points",
        "only {available_points} points may still be issued today",
        "hôm nay chỉ còn được phát hành {available_points} điểm");
    /// The new balance would be too large to store.
    BalanceOverflow = texts("BALANCE_OVERFLOW", "points",
        "the balance would be too large to store",
        "số dư mới sẽ quá lớn để lưu trữ");
    /// There is no streak to reset.
    StreakNotFound = texts("STREAK_NOT_FOUND", "",
        "this miner has no streak to reset",
        "thợ đào này không có chuỗi ngày nào để đặt lại");
    /// The role is granted already, or was not granted.
    RoleUnchanged = texts("ROLE_UNCHANGED", "",
        "the role is granted already, or was not granted",
        "việc này không thay đổi vai trò của thợ đào");
    /// No active miner has this referral code.
    ReferralCodeUnknown = REFERRAL_CODE_UNKNOWN;
}

refusals! {
    /// Refusals of commands on identity verification.
    KycRefusal, KycRefusalKind, "Kyc";

    /// The time is more than 5 minutes ahead.
    InFuture = texts("KYC_IN_FUTURE", "completedAt",
        "`completedAt` is more than 5 minutes ahead",
        "thời điểm xác minh nằm trong tương lai");
}

/// Reason why a caller may not mine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// The caller has no miner.
    NoMiner,
    /// Suspended.
    Suspended,
    /// Banned.
    Banned,
}

/// Maps [`Barred`] to the refusals of aggregates whose commands only an active miner may send.
macro_rules! barred {
    ($($refusal:ty),+ $(,)?) => {
        $(impl From<Barred> for $refusal {
            fn from(barred: Barred) -> Self {
                match barred {
                    Barred::NoMiner => Self::MinerNotFound,
                    Barred::Suspended => Self::MinerSuspended,
                    Barred::Banned => Self::MinerBanned,
                }
            }
        })+
    };
}
barred!(
    SessionRefusal,
    StreakRefusal,
    CircleRefusal,
    InvitationRefusal,
    ReferralRefusal,
);
