//! Texts of refusals that several aggregates of mining have.

use crate::refusal::{Texts, texts};

/// The caller has no miner.
pub(super) const NO_MINER: Texts = texts(
    "MINER_NOT_FOUND",
    "",
    "you have no miner yet: register one first",
    "bạn chưa có thợ đào: hãy đăng ký trước",
)
.checked_anew();

/// The caller's miner is suspended.
pub(super) const SUSPENDED: Texts = texts(
    "MINER_SUSPENDED",
    "",
    "your miner is suspended",
    "thợ đào của bạn đang bị tạm ngưng",
);

/// The caller's miner is banned.
pub(super) const BANNED: Texts = texts(
    "MINER_BANNED",
    "",
    "your miner is banned",
    "thợ đào của bạn đã bị cấm",
);

/// Nothing can leave the wallet.
pub(super) const WALLET_FROZEN: Texts = texts(
    "WALLET_FROZEN",
    "",
    "the wallet is frozen: nothing can leave it",
    "ví này đang bị đóng băng",
);

/// The sum of the points is larger than the ledger can hold.
pub(super) const BALANCE_OVERFLOW: Texts = texts(
    "BALANCE_OVERFLOW",
    "",
    "the balance would be too large to store",
    "số dư mới sẽ quá lớn để lưu trữ",
);

/// No active miner has the code.
pub(super) const REFERRAL_CODE_UNKNOWN: Texts = texts(
    "REFERRAL_CODE_UNKNOWN",
    "referralCode",
    "no active miner has this referral code",
    "không có thợ đào nào đang hoạt động với mã giới thiệu này",
);

/// The caller is in a circle.
pub(super) const ALREADY_IN_CIRCLE: Texts = texts(
    "ALREADY_IN_CIRCLE",
    "",
    "you are in a circle: leave it first",
    "bạn đã ở trong một vòng tròn: hãy rời khỏi trước",
);

/// The caller is in no circle.
pub(super) const NOT_IN_CIRCLE: Texts = texts(
    "CIRCLE_NOT_FOUND",
    "",
    "you are in no circle",
    "bạn không ở trong vòng tròn nào",
)
.checked_anew();

/// Only the owner may.
pub(super) const NOT_CIRCLE_OWNER: Texts = texts(
    "NOT_CIRCLE_OWNER",
    "",
    "only the owner of the circle may do this",
    "chỉ chủ vòng tròn mới được làm việc này",
);
