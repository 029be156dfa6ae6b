//! Why mining says no.

use async_graphql::{Enum, SimpleObject};
use db::idempotency::Refused;

use crate::errors::ApiError;
use crate::language::Language;
use crate::outcome::{UserError, code_of};

/// Why mining says no.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MiningErrorCode {
    /// The caller has no miner: register one.
    MinerNotFound,
    /// The miner is suspended.
    MinerSuspended,
    /// The miner is banned.
    MinerBanned,
    /// Mining is switched off for everybody.
    MiningDisabled,
    /// A session is running.
    SessionActive,
    /// A complete session waits to be claimed.
    SessionUnclaimed,
    /// As many sessions as allowed were started this UTC day.
    DailySessionLimit,
    /// There is no session to claim.
    SessionNotFound,
    /// The last session was claimed already.
    SessionAlreadyClaimed,
    /// The session still runs.
    SessionNotComplete,
    /// The session was not claimed in time.
    SessionExpired,
    /// No active miner has this referral code.
    ReferralCodeUnknown,
    /// Somebody has referred the caller already, and that is for ever.
    AlreadyReferred,
    /// The referral code is the caller's own.
    OwnReferralCode,
    /// The referral code is of somebody the caller referred, directly or through others.
    ReferralCycle,
    /// Nobody's identity is verified in the future.
    KycInFuture,
    /// There is no such miner.
    NotFound,
    /// The miner or circle is the caller's own: somebody else has to decide about it.
    OwnAccount,
    /// The miner is not suspended.
    MinerNotSuspended,
    /// The miner has no streak, and none that could be recovered.
    StreakNotFound,
    /// No streak was broken in the last 7 days, or it was recovered already.
    StreakNotRecoverable,
    /// The streak is late again: start a session first.
    StreakLate,
    /// Points to correct by are 0, more than 10¹², or have more than 4 decimals.
    PointsInvalid,
    /// There are not so many points: the message says how many there are.
    InsufficientPoints,
    /// Nothing may leave the wallet.
    WalletFrozen,
    /// It would change nothing about the miner's role.
    RoleUnchanged,
    /// A reason of 1 to 500 characters is needed.
    ReasonInvalid,
    /// A setting is too small or too large.
    SettingOutOfRange,
    /// A setting has more decimals than can be kept.
    SettingTooFine,
    /// A badge's name is empty, too long, or can't be shown.
    BadgeNameInvalid,
    /// Tiers leave a gap, overlap, don't begin at day 1, or the last one ends.
    TiersNotContiguous,
    /// There are no tiers, or too many.
    TierCount,
    /// Only 1 level of referrals is supported.
    ReferralLevelsUnsupported,
    /// The section was changed since: look at the version in force first.
    ConfigurationStale,
    /// No section is given: there is nothing to change.
    NothingToChange,
    /// A circle's name is empty, too long, or can't be shown.
    CircleNameInvalid,
    /// The caller is in no circle, or there is no such circle.
    CircleNotFound,
    /// The circle was disbanded already.
    CircleDisbanded,
    /// Only the owner of the circle may do this.
    NotCircleOwner,
    /// The caller is in a circle already.
    AlreadyInCircle,
    /// There is no such invitation for the caller.
    InvitationNotFound,
    /// The invitation was accepted, declined or cancelled already.
    InvitationNotPending,
    /// The invitation was not answered within its time.
    InvitationExpired,
    /// Nobody of that profile is in the circle.
    MemberNotFound,
    /// Nobody can be invited by that code or profile.
    InviteeNotFound,
    /// The caller invites themselves.
    SelfInvitation,
    /// Whoever is invited is in a circle already.
    InviteeInCircle,
    /// Whoever is invited has an invitation of this circle already.
    AlreadyInvited,
    /// As many invitations of the circle as allowed wait for an answer, or were sent in the last 24 hours: 20 each.
    InvitationLimit,
    /// Who is invited has 50 invitations to answer already.
    InviteeLimit,
    /// The caller left a circle not long ago, and has to wait.
    CircleCooldown,
    /// The circle has 5 members.
    CircleFull,
    /// Somebody left the circle not long ago, and their place has to wait.
    CirclePlaceCooling,
    /// The owner can't leave the circle, only disband it.
    OwnerCannotLeave,
    /// The owner can't be removed from the circle.
    OwnerCannotBeRemoved,
}

/// What a person can mend about a command of mining.
#[derive(SimpleObject, Clone, Debug)]
pub struct MiningUserError {
    /// For programs.
    pub code: MiningErrorCode,
    /// Path of the field of `input` it is about, if it is about one.
    pub field: Option<Vec<String>>,
    /// For people.
    pub message: String,
}

impl MiningErrorCode {
    fn in_vietnamese(self) -> &'static str {
        match self {
            Self::MinerNotFound => "bạn chưa có thợ đào: hãy đăng ký trước",
            Self::MinerSuspended => "thợ đào này đang bị tạm ngưng",
            Self::MinerBanned => "thợ đào này đã bị cấm",
            Self::MiningDisabled => "tính năng đào hiện đang tắt",
            Self::SessionActive => "một phiên đào đang chạy",
            Self::SessionUnclaimed => {
                "hãy nhận thưởng của phiên đã hoàn thành trước khi bắt đầu phiên mới"
            }
            Self::DailySessionLimit => "bạn đã dùng hết số phiên của ngày hôm nay (UTC)",
            Self::SessionNotFound => "không có phiên nào để nhận thưởng: hãy bắt đầu một phiên",
            Self::SessionAlreadyClaimed => "phần thưởng của phiên gần nhất đã được nhận",
            Self::SessionNotComplete => "phiên đào vẫn đang chạy",
            Self::SessionExpired => "đã quá thời hạn nhận thưởng của phiên này",
            Self::ReferralCodeUnknown => {
                "không có thợ đào nào đang hoạt động với mã giới thiệu này"
            }
            Self::AlreadyReferred => "bạn đã có người giới thiệu: không thể thay đổi",
            Self::OwnReferralCode => "đây là mã giới thiệu của chính bạn",
            Self::ReferralCycle => {
                "chính bạn đã giới thiệu người này, trực tiếp hoặc qua những người khác"
            }
            Self::KycInFuture => "thời điểm xác minh nằm trong tương lai",
            Self::NotFound => "không có thợ đào này",
            Self::OwnAccount => "đây là của chính bạn: phải do người khác quyết định",
            Self::MinerNotSuspended => "thợ đào này không bị tạm ngưng",
            Self::StreakNotFound => "thợ đào này không có chuỗi ngày nào để đặt lại",
            Self::StreakNotRecoverable => {
                "không có chuỗi ngày nào có thể khôi phục: chỉ trong vòng 7 ngày sau khi bị ngắt"
            }
            Self::StreakLate => {
                "chuỗi ngày của bạn lại trễ và sẽ mất ngay: hãy bắt đầu một phiên trước"
            }
            Self::PointsInvalid => {
                "số điểm khác 0, tối đa 1000000000000 và có tối đa 4 chữ số thập phân"
            }
            Self::InsufficientPoints => "không đủ điểm",
            Self::WalletFrozen => "ví này đang bị đóng băng",
            Self::RoleUnchanged => "việc này không thay đổi vai trò của thợ đào",
            Self::ReasonInvalid => "hãy nêu lý do, từ 1 đến 500 ký tự",
            Self::SettingOutOfRange => "giá trị này nằm ngoài phạm vi cho phép",
            Self::SettingTooFine => "giá trị này có tối đa 4 chữ số thập phân",
            Self::BadgeNameInvalid => "tên huy hiệu có từ 1 đến 50 ký tự hiển thị được",
            Self::TiersNotContiguous => {
                "các bậc phải bắt đầu từ ngày 1, nối tiếp nhau, không hở và không chồng lên nhau; chỉ bậc cuối không có ngày kết thúc"
            }
            Self::TierCount => "cần có từ 1 đến 50 bậc",
            Self::ReferralLevelsUnsupported => "chỉ hỗ trợ 1 cấp giới thiệu",
            Self::ConfigurationStale => {
                "cấu hình này đã được thay đổi: hãy xem phiên bản hiện hành trước"
            }
            Self::NothingToChange => "hãy nêu ít nhất một phần cấu hình cần thay đổi",
            Self::CircleNameInvalid => "tên vòng tròn có từ 1 đến 100 ký tự hiển thị được",
            Self::CircleNotFound => "không có vòng tròn này",
            Self::CircleDisbanded => "vòng tròn này đã bị giải tán",
            Self::NotCircleOwner => "chỉ chủ vòng tròn mới được làm việc này",
            Self::AlreadyInCircle => "bạn đã ở trong một vòng tròn: hãy rời khỏi trước",
            Self::InvitationNotFound => "không có lời mời này",
            Self::InvitationNotPending => "lời mời này đã được chấp nhận, từ chối hoặc hủy",
            Self::InvitationExpired => "lời mời này đã hết hạn: hãy xin một lời mời khác",
            Self::MemberNotFound => "không có ai với hồ sơ này trong vòng tròn của bạn",
            Self::InviteeNotFound => "không thể mời ai bằng mã hoặc hồ sơ này",
            Self::SelfInvitation => "bạn đã ở trong vòng tròn của mình",
            Self::InviteeInCircle => "họ đã ở trong một vòng tròn",
            Self::AlreadyInvited => "họ đã được mời vào vòng tròn của bạn",
            Self::InvitationLimit => {
                "tối đa 20 lời mời đang chờ hoặc được gửi trong 24 giờ: hãy đợi trả lời"
            }
            Self::InviteeLimit => "người này đã có quá nhiều lời mời chưa trả lời",
            Self::CircleCooldown => "bạn vừa rời một vòng tròn: hãy đợi hết thời gian chờ",
            Self::CircleFull => "vòng tròn đã đủ thành viên",
            Self::CirclePlaceCooling => {
                "vừa có người rời vòng tròn này: chỗ của họ chưa thể được thay"
            }
            Self::OwnerCannotLeave => "chủ vòng tròn không thể rời đi: hãy giải tán vòng tròn",
            Self::OwnerCannotBeRemoved => "không thể xóa chủ vòng tròn: hãy giải tán vòng tròn",
        }
    }
}

impl UserError for MiningUserError {
    /// English texts are the rules' own, with what they know of the case.
    fn of(refused: Refused, language: Language) -> Result<Self, ApiError> {
        let code: MiningErrorCode = code_of(&refused)?;
        let message = match language {
            Language::English => refused.message,
            Language::Vietnamese => code.in_vietnamese().to_owned(),
        };
        Ok(Self {
            code,
            field: refused.field,
            message,
        })
    }
}
