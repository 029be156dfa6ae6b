//! Commands that change mining's sections, one per section.

use domain::platform::ConfigurationRefusal;

use crate::command::commands;
use crate::platform::configuration::updates;

commands! {
    ConfigurationRefusal;
    MINING_CONFIGURATION_UPDATE = "platform.mining_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, OutOfRange, TooFine, Stale;
    STREAK_CONFIGURATION_UPDATE = "platform.streak_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, TierCount, BadgeName, OutOfRange, TooFine, TierGap, TierEmpty, TierEnd, Stale;
    REFERRAL_CONFIGURATION_UPDATE = "platform.referral_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, OutOfRange, TooFine, ReferralLevels, Stale;
}

updates! {
    MiningUpdate = MINING_CONFIGURATION_UPDATE, "mining";
    StreakUpdate = STREAK_CONFIGURATION_UPDATE, "streak";
    ReferralUpdate = REFERRAL_CONFIGURATION_UPDATE, "referral";
}
