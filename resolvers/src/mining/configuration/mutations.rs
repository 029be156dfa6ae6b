//! Root fields of Mutation about mining's sections.

use db::mining::configuration::commands::{
    MINING_CONFIGURATION_UPDATE, REFERRAL_CONFIGURATION_UPDATE, STREAK_CONFIGURATION_UPDATE,
};
use db::platform::configuration::{Updated, update};

use super::objects::{
    MiningConfiguration, MiningConfigurationInput, ReferralConfiguration,
    ReferralConfigurationInput, StreakConfiguration, StreakConfigurationInput,
};
use crate::platform::configuration::refusals::ConfigurationUserError;
use crate::prelude::*;

/// The body of a command that replaces one section, which its input has in the field `configuration`.
macro_rules! replace {
    ($command:ident, $section:literal) => {
        |call| {
            async move {
                let change = call.input.configuration.change("configuration")?;
                let (command, reason) = (&$command, &call.input.reason);
                update(call.tx, call.request, command, $section, &[change], reason).await
            }
            .boxed()
        }
    };
}

/// The version that a command stored.
async fn stored<T: NodeType<Key: From<i32>>>(ctx: &Context<'_>, updated: Updated) -> Loaded<T> {
    let (_, number) = updated.into_iter().next()?;
    load(ctx, number.into()).await
}

mutations! {
    /// Commands on mining's sections.
    ConfigurationMutation;

    /// Replaces the section `mining` of the configuration, in force at once; running sessions keep their rate and length.
    mining_configuration_update = MINING_CONFIGURATION_UPDATE, replace!(MINING_CONFIGURATION_UPDATE, "mining");
    MiningConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: MiningConfigurationInput,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    MiningConfigurationUpdatePayload(ConfigurationUserError) = |ctx, updated: Updated| {
        /// New version of the section; null when refused.
        configuration: Loaded<MiningConfiguration> = stored(ctx, updated).await,
    }

    /// Replaces the section `streak` of the configuration, in force at once; present runs follow the new tiers.
    streak_configuration_update = STREAK_CONFIGURATION_UPDATE, replace!(STREAK_CONFIGURATION_UPDATE, "streak");
    StreakConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: StreakConfigurationInput,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    StreakConfigurationUpdatePayload(ConfigurationUserError) = |ctx, updated: Updated| {
        /// New version of the section; null when refused.
        configuration: Loaded<StreakConfiguration> = stored(ctx, updated).await,
    }

    /// Replaces the section `referral` of the configuration, in force at once; referrals keep the bonus rate of the day
    /// they were applied.
    referral_configuration_update = REFERRAL_CONFIGURATION_UPDATE, replace!(REFERRAL_CONFIGURATION_UPDATE, "referral");
    ReferralConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: ReferralConfigurationInput,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    ReferralConfigurationUpdatePayload(ConfigurationUserError) = |ctx, updated: Updated| {
        /// New version of the section; null when refused.
        configuration: Loaded<ReferralConfiguration> = stored(ctx, updated).await,
    }
}
