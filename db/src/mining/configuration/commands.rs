//! Commands that change mining's sections: one per section, and one for several sections at once.

use domain::access::Action;
use domain::platform::{ConfigurationProblemKind, ConfigurationRefusal};

use crate::command::{Command, Described, KeyRule, codes, described};

/// Descriptor of the command `mining_configuration_update`.
pub const MINING_CONFIGURATION_UPDATE: Command<ConfigurationRefusal> = Command {
    name: "platform.mining_configuration_update",
    action: Action::ConfigurationUpdate,
    key: KeyRule::Optional,
    refusals: codes!(ConfigurationProblemKind: ReasonInvalid, OutOfRange, TooFine, Stale),
};

/// Descriptor of the command `streak_configuration_update`.
pub const STREAK_CONFIGURATION_UPDATE: Command<ConfigurationRefusal> = Command {
    name: "platform.streak_configuration_update",
    action: Action::ConfigurationUpdate,
    key: KeyRule::Optional,
    refusals: codes!(
        ConfigurationProblemKind: ReasonInvalid, TierCount, BadgeName, OutOfRange, TooFine, TierGap, TierEmpty, TierEnd,
        Stale,
    ),
};

/// Descriptor of the command `referral_configuration_update`.
pub const REFERRAL_CONFIGURATION_UPDATE: Command<ConfigurationRefusal> = Command {
    name: "platform.referral_configuration_update",
    action: Action::ConfigurationUpdate,
    key: KeyRule::Optional,
    refusals: codes!(ConfigurationProblemKind: ReasonInvalid, OutOfRange, TooFine, ReferralLevels, Stale),
};

/// Descriptor of the command `system_configuration_update`.
pub const SYSTEM_CONFIGURATION_UPDATE: Command<ConfigurationRefusal> = Command {
    name: "platform.system_configuration_update",
    action: Action::ConfigurationUpdate,
    key: KeyRule::Optional,
    refusals: codes!(
        ConfigurationProblemKind: ReasonInvalid, NothingToChange, OutOfRange, TooFine, TierCount, BadgeName, TierGap,
        TierEmpty, TierEnd, ReferralLevels, Stale,
    ),
};

/// Descriptors of these commands.
pub(in crate::mining) const COMMANDS: &[Described] = described!(
    MINING_CONFIGURATION_UPDATE,
    STREAK_CONFIGURATION_UPDATE,
    REFERRAL_CONFIGURATION_UPDATE,
    SYSTEM_CONFIGURATION_UPDATE,
);
