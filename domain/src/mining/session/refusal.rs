//! Refusals of commands on sessions.

use crate::mining::refusal::{BALANCE_OVERFLOW, BANNED, NO_MINER, SUSPENDED};
use crate::refusal::{refusals, texts};
use crate::time::Timestamp;

refusals! {
    /// Refusals of commands on sessions.
    SessionRefusal, SessionRefusalKind, "MiningSession";

    /// The caller has no miner.
    MinerNotFound = NO_MINER;
    /// The caller's miner is suspended.
    MinerSuspended = SUSPENDED;
    /// The caller's miner is banned.
    MinerBanned = BANNED;
    /// Mining is switched off for everybody.
    MiningDisabled = texts("MINING_DISABLED", "",
        "mining is switched off at the moment",
        "tính năng đào hiện đang tắt");
    /// A session is running.
    Active { retry_at: Timestamp } = texts("SESSION_ACTIVE", "",
        "a session is running until {retry_at}",
        "một phiên đào đang chạy đến {retry_at}");
    /// A completed session has to be claimed first.
    Unclaimed = texts("SESSION_UNCLAIMED", "",
        "claim the completed session before starting another",
        "hãy nhận thưởng của phiên đã hoàn thành trước khi bắt đầu phiên mới");
    /// No further session can be started this UTC day.
    DailyLimit { limit: u32, retry_at: Timestamp } = texts("DAILY_SESSION_LIMIT", "",
        "at most {limit} sessions can be started per UTC day: the next one from {retry_at} on",
        "tối đa {limit} phiên mỗi ngày (UTC): phiên tiếp theo từ {retry_at}");
    /// There is no session to claim.
    NotFound = texts("SESSION_NOT_FOUND", "",
        "there is no session to claim: start one",
        "không có phiên nào để nhận thưởng: hãy bắt đầu một phiên").checked_anew();
    /// The newest session has been claimed.
    AlreadyClaimed = texts("SESSION_ALREADY_CLAIMED", "",
        "the newest session has been claimed",
        "phần thưởng của phiên gần nhất đã được nhận");
    /// The session is still running.
    NotComplete { retry_at: Timestamp } = texts("SESSION_NOT_COMPLETE", "",
        "the session is running until {retry_at}",
        "phiên đào vẫn đang chạy đến {retry_at}");
    /// The session was not claimed in time.
    Expired = texts("SESSION_EXPIRED", "",
        "the session was not claimed in time",
        "đã quá thời hạn nhận thưởng của phiên này");
    /// The daily issuance ceiling of the currency is reached.
    IssuanceCeiling { retry_at: Timestamp } = texts("ISSUANCE_CEILING", "",
        "no more points are issued today: claim from {retry_at} on, the time until then does not count",
        "hôm nay không phát hành thêm điểm: hãy nhận từ {retry_at}, thời gian chờ không bị tính");
    /// The new balance would be too large to store.
    BalanceOverflow = BALANCE_OVERFLOW;
}
