//! Root fields of Mutation about mining's sections.

use db::mining::configuration::commands::{
    MINING_CONFIGURATION_UPDATE, MiningUpdate, REFERRAL_CONFIGURATION_UPDATE, ReferralUpdate,
    STREAK_CONFIGURATION_UPDATE, StreakUpdate,
};
use db::platform::configuration::Updated;

use super::objects::{
    MiningConfiguration, MiningConfigurationInput, ReferralConfiguration,
    ReferralConfigurationInput, StreakConfiguration, StreakConfigurationInput,
};
use crate::platform::approval::objects::Approval;
use crate::platform::configuration::objects::{awaited, replace, stored};
use crate::platform::configuration::refusals::ConfigurationUserError;
use crate::prelude::*;

mutations! {
    /// Commands on mining's sections.
    ConfigurationMutation;

    /// Replaces the section `mining` of the configuration, in force at once; running sessions keep their rate and length; a
    /// change that raises what is minted waits for a second person.
    mining_configuration_update = MINING_CONFIGURATION_UPDATE, replace!(MiningUpdate);
    MiningConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: MiningConfigurationInput,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    MiningConfigurationUpdatePayload(ConfigurationUserError) = |ctx, updated: Updated| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = awaited(ctx, &updated).await,
        /// New version of the section; null while the command waits and when refused.
        configuration: Loaded<MiningConfiguration> = stored(ctx, &updated).await,
    }

    /// Replaces the section `streak` of the configuration, in force at once; present runs follow the new tiers; a change that
    /// raises a bonus or milestone waits for a second person.
    streak_configuration_update = STREAK_CONFIGURATION_UPDATE, replace!(StreakUpdate);
    StreakConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: StreakConfigurationInput,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    StreakConfigurationUpdatePayload(ConfigurationUserError) = |ctx, updated: Updated| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = awaited(ctx, &updated).await,
        /// New version of the section; null while the command waits and when refused.
        configuration: Loaded<StreakConfiguration> = stored(ctx, &updated).await,
    }

    /// Replaces the section `referral` of the configuration, in force at once; referrals keep the bonus rate of the day
    /// they were applied; a change that loosens a limit on money waits for a second person.
    referral_configuration_update = REFERRAL_CONFIGURATION_UPDATE, replace!(ReferralUpdate);
    ReferralConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: ReferralConfigurationInput,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    ReferralConfigurationUpdatePayload(ConfigurationUserError) = |ctx, updated: Updated| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = awaited(ctx, &updated).await,
        /// New version of the section; null while the command waits and when refused.
        configuration: Loaded<ReferralConfiguration> = stored(ctx, &updated).await,
    }
}
