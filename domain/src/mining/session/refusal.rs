//! Refusals of commands on sessions.

use crate::refusal::refusals;
use crate::time::Timestamp;

refusals! {
    /// Refusals of commands on sessions.
    SessionRefusal, SessionRefusalKind, "MiningSession";

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
    /// Mining is switched off for everybody.
    MiningDisabled = "MINING_DISABLED", field "";
        "mining is switched off at the moment",
        "tính năng đào hiện đang tắt";
    /// A session is running.
    Active { retry_at: Timestamp } = "SESSION_ACTIVE", field "";
        "a session is running until {retry_at}",
        "một phiên đào đang chạy đến {retry_at}";
    /// A completed session has to be claimed first.
    Unclaimed = "SESSION_UNCLAIMED", field "";
        "claim the completed session before starting another",
        "hãy nhận thưởng của phiên đã hoàn thành trước khi bắt đầu phiên mới";
    /// No further session can be started this UTC day.
    DailyLimit { limit: u32, retry_at: Timestamp } = "DAILY_SESSION_LIMIT", field "";
        "at most {limit} sessions can be started per UTC day: the next one from {retry_at} on",
        "tối đa {limit} phiên mỗi ngày (UTC): phiên tiếp theo từ {retry_at}";
    /// There is no session to claim.
    NotFound = "SESSION_NOT_FOUND", field "";
        "there is no session to claim: start one",
        "không có phiên nào để nhận thưởng: hãy bắt đầu một phiên";
    /// The newest session has been claimed.
    AlreadyClaimed = "SESSION_ALREADY_CLAIMED", field "";
        "the newest session has been claimed",
        "phần thưởng của phiên gần nhất đã được nhận";
    /// The session is still running.
    NotComplete { retry_at: Timestamp } = "SESSION_NOT_COMPLETE", field "";
        "the session is running until {retry_at}",
        "phiên đào vẫn đang chạy đến {retry_at}";
    /// The session was not claimed in time.
    Expired = "SESSION_EXPIRED", field "";
        "the session was not claimed in time",
        "đã quá thời hạn nhận thưởng của phiên này";
}
