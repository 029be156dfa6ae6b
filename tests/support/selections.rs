//! The fields that tests read of payloads and of the viewer, in one place: a renamed field is renamed here.

/// The fields of a mutation's payload, beside its user errors.
pub fn payload_of(field: &str) -> &'static str {
    match field {
        "minerRegister" => MINER_REGISTER,
        "miningSessionStart" => SESSION_START,
        "miningSessionClaim" => SESSION_CLAIM,
        "streakRecover" => STREAK_RECOVER,
        "referralApply" => REFERRAL_APPLY,
        "kycComplete" => KYC_COMPLETE,
        "circleCreate" | "circleRename" | "circleDisband" | "circleMemberRemove" => CIRCLE,
        "circleInvitationSend" | "circleInvitationDecline" | "circleInvitationCancel" => INVITATION,
        "circleInvitationAccept" => CIRCLE_AND_INVITATION,
        "circleLeave" => "miner { role circle { id } }",
        "minerSuspend" | "minerRestore" | "minerBan" | "minerResetStreak" | "minerSetRole" => MINER,
        "minerAdjustPoints" => POINTS_ADJUST,
        "approvalApprove" | "approvalDecline" => APPROVAL,
        "miningConfigurationUpdate" => MINING_CONFIGURATION,
        "streakConfigurationUpdate" => STREAK_CONFIGURATION,
        "referralConfigurationUpdate" => REFERRAL_CONFIGURATION,
        "systemConfigurationUpdate" => SYSTEM_CONFIGURATION,
        other => panic!("no selection for the payload of {other}"),
    }
}

const MINER_REGISTER: &str = "miner { id uuid userId referralCode profile { id }
    role status totalMinedPoints currentStreak referredBy { id displayName } rate { totalRate } }";
const SESSION_START: &str =
    "session { id uuid status hourlyRate } hourlyRate endsAt streakDays miner { id }";
const SESSION_CLAIM: &str = "pointsEarned streakBonus totalPoints streakDays
    session { status pointsEarned streakBonus } miner { totalMinedPoints }";
const STREAK_RECOVER: &str = "recoveredDays cost streakBonus totalPoints streakDays
    miner { currentStreak longestStreak streak { recoverableDays freezeTokens } }";
const REFERRAL_APPLY: &str = "referral { id uuid code status isActive level bonusRate activatedAt
        referrer { id } referred { id } }
    referrer { id displayName } isActive miner { uuid referredBy { id } profile { id } }";
const KYC_COMPLETE: &str = "userId kycCompletedAt referral { status isActive activatedAt }";
const CIRCLE: &str = "circle { id uuid name status memberCount isValid trustScore bonusMultiplier
    members { isOwner miner { id role } } }";
const INVITATION: &str =
    "invitation { id uuid status circleName createdAt expiresAt decidedAt circle { id }
    inviter { id } invitee { id } }";
const CIRCLE_AND_INVITATION: &str =
    "circle { id name status memberCount } invitation { id status decidedAt }";
const MINER: &str = "miner { uuid status role currentStreak longestStreak
    streak { dueAt freezeTokens recoverableDays } }";
const POINTS_ADJUST: &str =
    "totalPoints newBalance approval { id status amount reason } miner { totalMinedPoints }";
const APPROVAL: &str =
    "approval { id status decidedBy decidedAt decisionReason miner { totalMinedPoints } }
    userErrors { cause }";
const MINING_CONFIGURATION: &str =
    "configuration { version baseRate sessionDurationHours maxSessionsPerDay
    isGloballyEnabled claimWindowHours circleCooldownHours updatedAt updatedBy reason }";
const STREAK_CONFIGURATION: &str = "configuration { version
    tiers { minDays maxDays bonusPercent badgeName milestoneMpBonus }
    gracePeriodEnabled gracePeriodHours recoveryCost freezeTokenDays updatedAt updatedBy reason }";
const REFERRAL_CONFIGURATION: &str =
    "configuration { version bonusPerReferral maxBonusCap kycRequired
    maxReferralLevels updatedAt updatedBy reason }";
const SYSTEM_CONFIGURATION: &str = "mining { version baseRate updatedBy reason }
    streak { version tiers { minDays maxDays bonusPercent } recoveryCost reason }
    referral { version bonusPerReferral reason }";
