//! Commands that change mining's sections: one per section, and one for several sections at once.

use domain::platform::ConfigurationRefusal;

use crate::command::commands;

commands! {
    ConfigurationRefusal;
    MINING_CONFIGURATION_UPDATE = "platform.mining_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, OutOfRange, TooFine, Stale;
    STREAK_CONFIGURATION_UPDATE = "platform.streak_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, TierCount, BadgeName, OutOfRange, TooFine, TierGap, TierEmpty, TierEnd, Stale;
    REFERRAL_CONFIGURATION_UPDATE = "platform.referral_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, OutOfRange, TooFine, ReferralLevels, Stale;
    SYSTEM_CONFIGURATION_UPDATE = "platform.system_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, NothingToChange, OutOfRange, TooFine, TierCount, BadgeName, TierGap, TierEmpty, TierEnd,
        ReferralLevels, Stale;
}
