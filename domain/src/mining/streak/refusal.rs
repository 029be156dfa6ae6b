//! Refusals of commands on streaks.

use rust_decimal::Decimal;

use crate::mining::refusal::{BALANCE_OVERFLOW, BANNED, NO_MINER, SUSPENDED, WALLET_FROZEN};
use crate::refusal::{refusals, texts};

refusals! {
    /// Refusals of commands on streaks.
    StreakRefusal, StreakRefusalKind, "Streak";

    /// The caller has no miner.
    MinerNotFound = NO_MINER;
    /// The caller's miner is suspended.
    MinerSuspended = SUSPENDED;
    /// The caller's miner is banned.
    MinerBanned = BANNED;
    /// No streak was broken in the last 7 days, or it has been recovered.
    NotRecoverable = texts("STREAK_NOT_RECOVERABLE", "",
        "there is no streak to recover: a broken one can be recovered for 7 days",
        "không có chuỗi ngày nào có thể khôi phục: chỉ trong vòng 7 ngày sau khi bị ngắt");
    /// The present streak is late; a session has to be started first.
    Late = texts("STREAK_LATE", "",
        "your streak is late and would be lost at once: start a session first",
        "chuỗi ngày của bạn lại trễ và sẽ mất ngay: hãy bắt đầu một phiên trước");
    /// The daily issuance ceiling of the currency is reached.
    IssuanceCeiling = texts("ISSUANCE_CEILING", "",
        "no more points are issued today, and the recovery would pay a milestone: recover the streak tomorrow",
        "hôm nay không phát hành thêm điểm mà việc khôi phục sẽ trả thưởng mốc: hãy khôi phục vào ngày mai");
    /// The wallet is frozen; nothing can leave it.
    WalletFrozen = WALLET_FROZEN;
    /// The wallet's available balance is below `recoveryCost`.
    InsufficientPoints { available_points: Decimal } = texts("INSUFFICIENT_POINTS", "",
        "only {available_points} points are available",
        "chỉ có {available_points} điểm khả dụng");
    /// The new balance would be too large to store.
    BalanceOverflow = BALANCE_OVERFLOW;
}
