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
        "circleCreate" | "circleRename" | "circleDisband" | "circleForceDisband"
        | "circleMemberRemove" => CIRCLE,
        "circleInvitationSend" | "circleInvitationDecline" | "circleInvitationCancel" => INVITATION,
        "circleInvitationAccept" => INVITATION_ACCEPT,
        "circleLeave" => "miner { role circle { id } }",
        "minerSuspend"
        | "minerRestore"
        | "minerBan"
        | "minerStreakReset"
        | "minerNodeOperatorGrant"
        | "minerNodeOperatorRevoke" => MINER,
        "minerPointsAdjust" => POINTS_ADJUST,
        "approvalApprove" | "approvalDecline" => APPROVAL,
        "miningConfigurationUpdate" => MINING_CONFIGURATION,
        "streakConfigurationUpdate" => STREAK_CONFIGURATION,
        "referralConfigurationUpdate" => REFERRAL_CONFIGURATION,
        "promotionConfigurationUpdate" => PROMOTION_CONFIGURATION,
        "walletConfigurationUpdate" => WALLET_CONFIGURATION,
        "systemConfigurationUpdate" => SYSTEM_CONFIGURATION,
        "conversionExecute" => CONVERSION,
        "rateRecord" | "rateAccept" => RATE,
        "depositCredit" | "depositAssign" => DEPOSIT,
        "withdrawalRequest" | "withdrawalCancel" | "withdrawalComplete" => WITHDRAWAL_POSTED,
        "withdrawalProcess" => WITHDRAWAL,
        "withdrawalFail" => WITHDRAWAL_FAIL,
        "holdPlace" | "holdExtend" | "holdRelease" => match field {
            "holdExtend" => HOLD,
            _ => HOLD_POSTED,
        },
        "holdSettle" => HOLD_SETTLE,
        "holdBatchSettle" => HOLD_BATCH_SETTLE,
        "clearingRelease" => CLEARING_RELEASE,
        "treasuryFund" => TREASURY_FUND,
        "rewardMint" => RECEIPT,
        "houseTransfer" => HOUSE_TRANSFER,
        "transactionReverse" => TRANSACTION_REVERSE,
        "reconciliationRun" => {
            "run { id status startedAt finishedAt mismatchCount mismatches { check } }"
        }
        "campaignCreate" | "campaignComplete" | "campaignCancel" | "campaignForceComplete" => {
            CAMPAIGN_POSTED
        }
        "campaignForceCancel" => CAMPAIGN_CANCELLED,
        "campaignUpdate" | "campaignActivate" | "campaignPause" => CAMPAIGN,
        "voucherClaim" | "voucherExtend" => VOUCHER,
        "voucherExchange" | "voucherPurchase" | "voucherRevoke" => VOUCHER_POSTED,
        "voucherRedeem" | "redemptionSettle" | "redemptionVoid" | "redemptionReturn" => REDEMPTION,
        "walletFreeze" => "owner { kind uuid freezes }",
        "walletUnfreeze" => WALLET_UNFREEZE,
        other => panic!("no selection for the payload of {other}"),
    }
}

/// The facts of a mutation's user errors.
pub fn facts_of(field: &str) -> &'static str {
    match field {
        "miningSessionStart" | "miningSessionClaim" => "limit retryAt",
        "streakRecover" | "minerPointsAdjust" => "availablePoints",
        "approvalApprove" | "approvalDecline" => {
            "approval { id status } cause { ... on MinerUserError { code availablePoints }
                ... on ConfigurationUserError { refusal: code path: field currentVersion }
                ... on SettlementUserError { settlementCode: code path: field }
                ... on WalletUserError { walletCode: code path: field available { amount } } }"
        }
        "depositCredit" | "depositAssign" => "deposit { id status owner { uuid } }",
        "holdPlace" | "holdExtend" | "holdRelease" => {
            "available { amount currency } duplicateId retryAt hold { id status releaseReason settlement { id } }
                limit { operation currency window maxCount maxAmount }"
        }
        "conversionExecute" => {
            "available { amount currency } duplicateId retryAt rate { id rate }
                limit { operation currency window maxCount maxAmount }"
        }
        name if name.starts_with("withdrawal") => {
            "available { amount currency } duplicateId retryAt withdrawal { id status }
                limit { operation currency window maxCount maxAmount }"
        }
        "clearingRelease" | "treasuryFund" | "rewardMint" | "transactionReverse" => {
            "available { amount currency } duplicateId"
        }
        "holdSettle" | "holdBatchSettle" => {
            "available { amount currency } hold { id status releaseReason settlement { id } }"
        }
        name if name.starts_with("campaign") => {
            "available { amount currency } campaign { id status } max"
        }
        name if name.starts_with("voucher") => {
            "available { amount currency } limit orderAmount { amount currency } retryAt"
        }
        name if name.starts_with("redemption") => {
            "available { amount currency } redemption { id status } returnable { amount currency }"
        }
        name if name.starts_with("circleInvitation") => "limit retryAt",
        name if name.starts_with("circle") => "retryAt",
        name if name.ends_with("ConfigurationUpdate") => "currentVersion min max",
        _ => "",
    }
}

const CONVERSION: &str =
    "conversion { id uuid given { amount currency } received { amount currency } fee { amount } feeBps rate { id rate }
        user { uuid } externalId metadata { key value } createdAt }
    transaction { id uuid cause entries { side amount { amount currency } balanceAfter { amount } } }";
const RATE: &str = "rate { id uuid from to rate status observedAt recordedAt decidedBy { uuid } }";
const DEPOSIT: &str =
    "deposit { id uuid status amount { amount currency } owner { kind uuid } payment { provider reference } receivedAt
        creditedAt transaction { uuid cause } }
    transaction { id uuid cause entries { side amount { amount } balanceAfter { amount } } } approval { id status }";
const WITHDRAWAL: &str =
    "withdrawal { id uuid status amount { amount currency } destination endedAt externalId failureReason
        hold { status issuer expiresAt releaseReason reference { ... on Withdrawal { uuid } } } metadata { key value } owner { kind uuid }
        processedAt payout { provider reference } requestedAt }";
const WITHDRAWAL_POSTED: &str =
    "withdrawal { id uuid status amount { amount currency } destination endedAt externalId failureReason
        hold { status issuer expiresAt releaseReason reference { ... on Withdrawal { uuid } } } metadata { key value } owner { kind uuid }
        processedAt payout { provider reference } requestedAt }
    transaction { id uuid cause entries { bucket side amount { amount } balanceAfter { amount } } }";
const WITHDRAWAL_FAIL: &str =
    "withdrawal { id uuid status failureReason hold { status releaseReason } }
    transaction { id uuid cause } approval { id status }";
const CLEARING_RELEASE: &str = "clearing { id balance { amount } isOverdue reference { issuer } }
    approval { id status proposal { ... on ClearingReleaseProposal {
        amount { amount currency } clearing { id } owner { kind uuid } } } }
    transaction { id uuid cause entries { bucket side amount { amount } } }";
const RECEIPT: &str = "transaction { id uuid cause entries { side amount { amount currency } } }";
const TREASURY_FUND: &str =
    "transaction { id uuid cause entries { side amount { amount currency } } }
    approval { id status proposal { ... on TreasuryFundProposal {
        amount { amount currency } campaignId issuer presentIssuer } } }";
const HOUSE_TRANSFER: &str = "approval { id status reason proposal { ... on HouseTransferProposal {
    amount { amount currency } from to reference } } }";
const TRANSACTION_REVERSE: &str =
    "approval { id status reason proposal { ... on TransactionReverseProposal {
    transaction { id uuid } } } }";
const WALLET_UNFREEZE: &str = "owner { kind uuid freezes } approval { id status reason
        proposal { ... on WalletUnfreezeProposal { cause owner { kind uuid } } } }";
const CAMPAIGN: &str = "campaign { id uuid name description status startsAt endsAt maxPerUser
    totalVouchers issuedVouchers availableVouchers updatedAt escrow { amount currency } }";
const CAMPAIGN_POSTED: &str = "campaign { id uuid name description merchantId status acquisitionType
    acquisitionPrice { amount currency } allowPartialRedemption faceValue { amount currency } startsAt endsAt maxPerUser
    totalVouchers issuedVouchers availableVouchers voucherValidityDays createdAt updatedAt
    escrow { amount currency } escrowTotal { amount currency } proceeds { amount currency } }
    transaction { id uuid cause entries { side amount { amount currency } } }";
const VOUCHER: &str = "voucher { id uuid status codeEnding claimedAt createdAt expiresAt owner { uuid } pricePaid { amount }
    redeemedAt remainingValue { amount currency } revocationReason revokedAt updatedAt
    campaign { id issuedVouchers availableVouchers } }";
const VOUCHER_POSTED: &str = "voucher { id uuid status codeEnding claimedAt createdAt expiresAt owner { uuid } pricePaid { amount }
    redeemedAt remainingValue { amount currency } revocationReason revokedAt updatedAt
    campaign { id issuedVouchers availableVouchers } }
    transaction { id uuid cause entries { side amount { amount currency } } }";
const REDEMPTION: &str = "redemption { id uuid status amountUsed { amount currency } amountRefunded { amount }
    amountReturned { amount } priceShare { amount currency } orderId orderAmount { amount } redeemedBy redeemedAt endedAt
    settleExpiresAt user { uuid } voucher { id status remainingValue { amount } expiresAt } }
    transaction { id uuid cause entries { side amount { amount currency } } }";
const CAMPAIGN_CANCELLED: &str =
    "campaign { id uuid status issuedVouchers availableVouchers escrow { amount currency }
    proceeds { amount } revocation { done total startedAt } }
    approval { id status proposal { ... on CampaignForceCancelProposal { campaign { id } } } }
    transaction { id uuid cause entries { side amount { amount currency } } }";
const HOLD: &str =
    "hold { id uuid status amount { amount currency } createdAt endedAt expiresAt externalId issuer
    metadata { key value } reason reference { ... on ServiceReference { issuer referenceType referenceId } } releaseReason
    settlement { id } wallet { id available { amount } held { amount } } }";
const HOLD_POSTED: &str =
    "hold { id uuid status amount { amount currency } createdAt endedAt expiresAt externalId issuer
    metadata { key value } reason reference { ... on ServiceReference { issuer referenceType referenceId } } releaseReason
    settlement { id } wallet { id available { amount } held { amount } } }
    transaction { id uuid cause postedAt reference { ... on ServiceReference { issuer referenceType referenceId } }
        entries { bucket side amount { amount } balanceAfter { amount } sequence } }";
const HOLD_SETTLE: &str = "settlement { id uuid outcome amount { amount } createdAt
        payouts { owner { kind uuid } amount { amount } }
        hold { id status endedAt settlement { id } } transaction { uuid } }
    transaction { id uuid cause entries { bucket side amount { amount } } }";
const HOLD_BATCH_SETTLE: &str =
    "results { settlement { id outcome amount { amount } transaction { uuid } hold { status } }
    userErrors { code field available { amount } hold { id status } } }";
const MINER_REGISTER: &str = "miner { id uuid user { uuid } referralCode profile { id }
    role status totalMinedPoints streak { streakDays } referredBy { referrer { id displayName } } rate { hourlyRate } }";
const SESSION_START: &str = "session { id uuid status endsAt rate { hourlyRate }
    miner { id streak { streakDays } } }";
const SESSION_CLAIM: &str = "pointsEarned milestonePoints
    session { status pointsEarned milestonePoints } miner { totalMinedPoints streak { streakDays } }";
const STREAK_RECOVER: &str =
    "recoveredDays milestonePoints entry { source pointsEarned streakDays }
    miner { totalMinedPoints streak { streakDays longestStreakDays recoverableDays freezeTokens } }";
const REFERRAL_APPLY: &str = "referral { id uuid code status isActive level bonusRate activatedAt
    referrer { id displayName } referred { id } }";
const KYC_COMPLETE: &str = "user { uuid kycCompletedAt } referral { status isActive activatedAt }";
const CIRCLE: &str = "circle { id uuid name status memberCount isValid trustScore bonusRate
    members { isOwner miner { id role } } }";
const INVITATION: &str =
    "invitation { id uuid status circleName createdAt expiresAt decidedAt circle { id }
    inviter { id } invitee { id } }";
const INVITATION_ACCEPT: &str =
    "invitation { id status decidedAt circle { id name status memberCount } }";
const MINER: &str = "miner { uuid status role
    streak { streakDays longestStreakDays dueAt freezeTokens recoverableDays } }";
const POINTS_ADJUST: &str = "entry { source pointsEarned } miner { totalMinedPoints }
    approval { id status reason proposal { ... on MinerPointsAdjustProposal { points } } }";
const APPROVAL: &str = "approval { id status decidedBy { uuid } decidedAt decisionReason
    proposal { ... on MinerPointsAdjustProposal { miner { totalMinedPoints } } } }";
const MINING_CONFIGURATION: &str =
    "approval { id } configuration { id version baseRate sessionDurationHours maxSessionsPerDay
    isGloballyEnabled claimWindowHours circleCooldownHours updatedAt updatedBy { uuid } reason }";
const STREAK_CONFIGURATION: &str = "approval { id } configuration { id version
    tiers { minDays maxDays bonusRate badgeName milestonePoints }
    gracePeriodEnabled gracePeriodHours recoveryCost freezeTokenDays updatedAt updatedBy { uuid } reason }";
const REFERRAL_CONFIGURATION: &str =
    "approval { id } configuration { id version bonusRate maxBonusRate kycRequired
    maxReferralLevels updatedAt updatedBy { uuid } reason }";
const PROMOTION_CONFIGURATION: &str =
    "approval { id } configuration { id version codeGuessesPerHour maxOpenCampaigns
    maxPendingRedemptions maxPriceMultiple maxValidityDays maxVouchersPerCampaign maxVouchersPerDay
    priceLimits { faceCurrency priceCurrency maxPrice } returnDays returnGraceDays settleHours
    updatedAt updatedBy { uuid } reason }";
const WALLET_CONFIGURATION: &str = "approval { id status reason proposal { ... on ConfigurationUpdateProposal {
        sections { section configuration replaces { version } } } } }
    configuration { id version clearingAgeHours conversionPairs { from to feeBps staticRate } conversionsFrozen
    currencies { code assetType scale displayDecimals isEnabled dualControlLimit fxExposureLimit issuanceCeiling }
    holdMaxDays issuers { name issuer subject depositCeilings { amount currency } } orphanHoldMinutes
    rateMaxAgeSeconds rateMaxJumpBps rateSource velocityRules { operation currency window maxCount maxAmount }
    updatedAt updatedBy { uuid } reason }";
const SYSTEM_CONFIGURATION: &str = "approval { id } configuration {
    mining { version baseRate updatedBy { uuid } reason }
    streak { version tiers { minDays maxDays bonusRate } recoveryCost reason }
    referral { version bonusRate reason } }";
