//! The command that changes several sections at once.

use domain::platform::ConfigurationRefusal;

use super::{SYSTEM, updates};
use crate::command::commands;

commands! {
    ConfigurationRefusal;
    SYSTEM_CONFIGURATION_UPDATE = "platform.system_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, NothingToChange, OutOfRange, ListLength, TextLength, TooFine, TierCount, BadgeName, TierGap,
        TierEmpty, TierEnd, ReferralLevels, CurrencyUnknown, CurrencyMissing, ScaleFixed, Duplicate, NameInvalid,
        PairInvalid, PairRateMissing, RuleWithoutLimit, IssuerMissing, IssuerInUse, Stale;
}

updates! {
    SystemUpdate = SYSTEM_CONFIGURATION_UPDATE, SYSTEM;
}
