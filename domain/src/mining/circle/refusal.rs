//! Refusals of commands on circles and invitations.

use crate::mining::refusal::{
    ALREADY_IN_CIRCLE, BANNED, NO_MINER, NOT_CIRCLE_OWNER, NOT_IN_CIRCLE, SUSPENDED,
};
use crate::refusal::{REASON_INVALID, refusals, texts};
use crate::time::Timestamp;

refusals! {
    /// Refusals of commands on circles.
    CircleRefusal, CircleRefusalKind, "Circle";

    /// The reason is empty, longer than 500 characters, or has characters that are not visible.
    ReasonInvalid = REASON_INVALID;
    /// The caller has no miner.
    MinerNotFound = NO_MINER;
    /// The caller's miner is suspended.
    MinerSuspended = SUSPENDED;
    /// The caller's miner is banned.
    MinerBanned = BANNED;
    /// The name is empty, longer than 100 characters, or has characters that are not visible.
    NameInvalid = texts("CIRCLE_NAME_INVALID", "name",
        "give a name of 1 to 100 visible characters on one line: remove hidden characters and text-direction controls",
        "hãy đặt tên gồm 1 đến 100 ký tự hiển thị được trên một dòng: hãy xóa ký tự ẩn và ký tự đổi hướng chữ");
    /// The caller is in a circle.
    AlreadyIn = ALREADY_IN_CIRCLE;
    /// The caller left a circle recently and has to wait.
    Cooldown { retry_at: Timestamp } = texts("CIRCLE_COOLDOWN", "",
        "you left a circle recently: you can join or create one from {retry_at} on",
        "bạn vừa rời một vòng tròn: có thể tham gia hoặc tạo vòng tròn từ {retry_at}");
    /// The caller is in no circle, or no circle has this id.
    NotInCircle = NOT_IN_CIRCLE;
    /// No circle has this id.
    NotFound = texts("CIRCLE_NOT_FOUND", "circleId",
        "no circle has this id",
        "không có vòng tròn này");
    /// Only the owner of the circle may do this.
    NotOwner = NOT_CIRCLE_OWNER;
    /// The owner can only disband the circle.
    OwnerCannotLeave = texts("OWNER_CANNOT_LEAVE", "",
        "the owner can't leave the circle: disband it instead",
        "chủ vòng tròn không thể rời đi: hãy giải tán vòng tròn");
    /// The profile is not a member of the circle.
    MemberNotFound = texts("MEMBER_NOT_FOUND", "memberId",
        "this profile is not a member of your circle",
        "không có ai với hồ sơ này trong vòng tròn của bạn");
    /// The owner can't be removed.
    OwnerCannotBeRemoved = texts("OWNER_CANNOT_BE_REMOVED", "memberId",
        "the owner can't be removed from the circle: disband it instead",
        "không thể xóa chủ vòng tròn: hãy giải tán vòng tròn");
    /// The caller is a member of the circle; another person has to decide.
    OwnCircle = texts("OWN_ACCOUNT", "circleId",
        "you are a member of this circle: another person has to decide",
        "bạn là thành viên của vòng tròn này: phải do người khác quyết định");
    /// The circle has been disbanded.
    Disbanded = texts("CIRCLE_DISBANDED", "circleId",
        "this circle has been disbanded",
        "vòng tròn này đã bị giải tán");
}

refusals! {
    /// Refusals of commands on invitations into circles.
    InvitationRefusal, InvitationRefusalKind, "CircleInvitation";

    /// The caller has no miner.
    MinerNotFound = NO_MINER;
    /// The caller's miner is suspended.
    MinerSuspended = SUSPENDED;
    /// The caller's miner is banned.
    MinerBanned = BANNED;
    /// The caller is in no circle.
    NotInCircle = NOT_IN_CIRCLE;
    /// Only the owner of the circle may do this.
    NotOwner = NOT_CIRCLE_OWNER;
    /// No active miner has this code or profile.
    InviteeNotFound = texts("INVITEE_NOT_FOUND", "invitee",
        "no miner who can be invited has this code or profile",
        "không thể mời ai bằng mã hoặc hồ sơ này");
    /// The invitee is the caller.
    SelfInvitation = texts("SELF_INVITATION", "invitee",
        "you are in your circle already",
        "bạn đã ở trong vòng tròn của mình");
    /// The invitee is in a circle.
    InviteeInCircle = texts("INVITEE_IN_CIRCLE", "invitee",
        "this miner is in a circle",
        "họ đã ở trong một vòng tròn");
    /// A pending invitation of this circle exists for the invitee.
    AlreadyInvited = texts("ALREADY_INVITED", "invitee",
        "this miner has a pending invitation to your circle",
        "họ đã được mời vào vòng tròn của bạn");
    /// The circle has as many pending invitations as allowed, or sent as many within 24 hours.
    PendingLimit { limit: u32 } = texts("INVITATION_LIMIT", "",
        "your circle has {limit} pending invitations: cancel one, or wait for an answer",
        "vòng tròn của bạn có {limit} lời mời đang chờ: hãy hủy một lời mời hoặc đợi trả lời");
    /// The circle sent as many invitations within 24 hours as allowed.
    DailyLimit { limit: u32, retry_at: Timestamp } = texts("INVITATION_LIMIT", "",
        "your circle sent {limit} invitations within 24 hours: the next one can be sent at {retry_at}",
        "vòng tròn của bạn đã gửi {limit} lời mời trong 24 giờ: có thể gửi tiếp từ {retry_at}");
    /// The invitee has as many pending invitations as allowed.
    InviteeLimit { limit: u32 } = texts("INVITEE_LIMIT", "",
        "this miner has {limit} pending invitations and has to answer one first",
        "người này đã có {limit} lời mời chưa trả lời");
    /// The circle has 5 members.
    Full { limit: u32 } = texts("CIRCLE_FULL", "",
        "the circle has {limit} members and is full",
        "vòng tròn đã đủ {limit} thành viên");
    /// The caller is in a circle.
    AlreadyIn = ALREADY_IN_CIRCLE;
    /// No invitation of the caller has this id.
    NotFound = texts("INVITATION_NOT_FOUND", "invitationId",
        "no invitation has this id",
        "không có lời mời này");
    /// The invitation has been accepted, declined or cancelled.
    NotPending = texts("INVITATION_NOT_PENDING", "invitationId",
        "this invitation has been accepted, declined or cancelled",
        "lời mời này đã được chấp nhận, từ chối hoặc hủy");
    /// The invitation was not answered in time.
    Expired = texts("INVITATION_EXPIRED", "invitationId",
        "this invitation has expired: ask for another one",
        "lời mời này đã hết hạn: hãy xin một lời mời khác");
    /// The caller left a circle recently and has to wait.
    Cooldown { retry_at: Timestamp } = texts("CIRCLE_COOLDOWN", "",
        "you left a circle recently: you can join one from {retry_at} on",
        "bạn vừa rời một vòng tròn: có thể tham gia từ {retry_at}");
    /// The circle's free place was left recently and has to wait.
    PlaceCooling { retry_at: Timestamp } = texts("CIRCLE_PLACE_COOLING", "",
        "a member left this circle recently: the place can be filled from {retry_at} on",
        "vừa có người rời vòng tròn này: chỗ của họ có thể được thay từ {retry_at}");
}
