//! Refusals of commands on streaks.

use rust_decimal::Decimal;

use crate::refusal::refusals;

refusals! {
    /// Refusals of commands on streaks.
    StreakRefusal, StreakRefusalKind, "Streak";

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
    /// No streak was broken in the last 7 days, or it has been recovered.
    NotRecoverable = "STREAK_NOT_RECOVERABLE", field "";
        "there is no streak to recover: a broken one can be recovered for 7 days",
        "không có chuỗi ngày nào có thể khôi phục: chỉ trong vòng 7 ngày sau khi bị ngắt";
    /// The present streak is late; a session has to be started first.
    Late = "STREAK_LATE", field "";
        "your streak is late and would be lost at once: start a session first",
        "chuỗi ngày của bạn lại trễ và sẽ mất ngay: hãy bắt đầu một phiên trước";
    /// The wallet is frozen; nothing can leave it.
    WalletFrozen = "WALLET_FROZEN", field "";
        "the wallet is frozen: nothing can leave it",
        "ví này đang bị đóng băng";
    /// The wallet's available balance is below `recoveryCost`.
    InsufficientPoints { available_points: Decimal } = "INSUFFICIENT_POINTS", field "";
        "only {available_points} points are available",
        "chỉ có {available_points} điểm khả dụng";
}
