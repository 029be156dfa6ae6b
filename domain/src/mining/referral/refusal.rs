//! Refusals of commands on referrals.

use crate::refusal::refusals;

refusals! {
    /// Refusals of commands on referrals.
    ReferralRefusal, ReferralRefusalKind, "Referral";

    /// The caller has no miner.
    MinerNotFound = "MINER_NOT_FOUND", field "";
        "you have no miner yet: register one first",
        "bạn chưa có thợ đào: hãy đăng ký trước";
    /// The caller's miner is suspended.
    MinerSuspended = "MINER_SUSPENDED", field "";
        "your miner is suspended",
        "thợ đào của bạn đang bị tạm ngưng";
    /// The caller's miner is banned.
    MinerBanned = "MINER_BANNED", field "";
        "your miner is banned",
        "thợ đào của bạn đã bị cấm";
    /// The caller has a referrer.
    AlreadyReferred = "ALREADY_REFERRED", field "";
        "you have a referrer: that can't be changed",
        "bạn đã có người giới thiệu: không thể thay đổi";
    /// No active miner has this referral code.
    CodeUnknown = "REFERRAL_CODE_UNKNOWN", field "referralCode";
        "no active miner has this referral code",
        "không có thợ đào nào đang hoạt động với mã giới thiệu này";
    /// The referral code is the caller's own.
    OwnCode = "OWN_REFERRAL_CODE", field "referralCode";
        "this is your own referral code",
        "đây là mã giới thiệu của chính bạn";
    /// The code belongs to a miner whom the caller referred, directly or through others.
    Cycle = "REFERRAL_CYCLE", field "referralCode";
        "you referred this miner yourself, directly or through others",
        "chính bạn đã giới thiệu người này, trực tiếp hoặc qua những người khác";
}
