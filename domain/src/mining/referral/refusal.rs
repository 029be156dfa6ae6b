//! Refusals of commands on referrals.

use crate::mining::refusal::{BANNED, NO_MINER, REFERRAL_CODE_UNKNOWN, SUSPENDED};
use crate::refusal::{refusals, texts};

refusals! {
    /// Refusals of commands on referrals.
    ReferralRefusal, ReferralRefusalKind, "Referral";

    /// The caller has no miner.
    MinerNotFound = NO_MINER;
    /// The caller's miner is suspended.
    MinerSuspended = SUSPENDED;
    /// The caller's miner is banned.
    MinerBanned = BANNED;
    /// The caller has a referrer.
    AlreadyReferred = texts("ALREADY_REFERRED", "",
        "you have a referrer: that can't be changed",
        "bạn đã có người giới thiệu: không thể thay đổi");
    /// No active miner has this referral code.
    CodeUnknown = REFERRAL_CODE_UNKNOWN;
    /// The referral code is the caller's own.
    OwnCode = texts("OWN_REFERRAL_CODE", "referralCode",
        "this is your own referral code",
        "đây là mã giới thiệu của chính bạn");
    /// The code belongs to a miner whom the caller referred, directly or through others.
    Cycle = texts("REFERRAL_CYCLE", "referralCode",
        "you referred this miner yourself, directly or through others",
        "chính bạn đã giới thiệu người này, trực tiếp hoặc qua những người khác");
}
