//! The system configuration with the sections of all contexts.

use async_graphql::MergedObject;
use db::mining::configuration::commands::SYSTEM_CONFIGURATION_UPDATE;
use db::platform::configuration::{Updated, update};

use crate::mining::configuration::objects::{
    MiningConfigurationInput, MiningSections, ReferralConfigurationInput, StreakConfigurationInput,
};
use crate::platform::configuration::objects::ConfigurationVersions;
use crate::platform::configuration::refusals::ConfigurationUserError;
use crate::prelude::*;

/// Sections of the configuration, each in the version in force.
#[derive(MergedObject, Default)]
pub struct SystemConfiguration(ConfigurationVersions, MiningSections);

/// The system configuration.
#[derive(Default)]
pub struct SystemConfigurationQuery;

#[Object]
impl SystemConfigurationQuery {
    /// Configuration in force on every instance.
    async fn system_configuration(&self, ctx: &Context<'_>) -> Loaded<SystemConfiguration> {
        let allowed = ctx.check_staff(Action::ConfigurationRead);
        Some(allowed.map(|()| SystemConfiguration::default()))
    }
}

/// The configuration after a change, for callers who may read it.
fn changed(ctx: &Context<'_>, updated: &Updated) -> Loaded<SystemConfiguration> {
    let is_shown = !updated.is_empty() && ctx.may(Action::ConfigurationRead, false);
    is_shown.then(|| Ok(SystemConfiguration::default()))
}

mutations! {
    /// Commands on several sections.
    SystemConfigurationMutation;

    /// Replaces several sections of the configuration at once, all of them or none.
    system_configuration_update = SYSTEM_CONFIGURATION_UPDATE, |call| {
        async move {
            let input = call.input;
            let mining = input.mining.as_ref().map(|of| of.change("mining"));
            let streak = input.streak.as_ref().map(|of| of.change("streak"));
            let referral = input.referral.as_ref().map(|of| of.change("referral"));
            let changes = [mining, streak, referral].into_iter().flatten();
            let changes: Vec<_> = changes.collect::<Result<_, _>>()?;
            let (command, reason) = (&SYSTEM_CONFIGURATION_UPDATE, &input.reason);
            update(call.tx, call.request, command, "system", &changes, reason).await
        }
        .boxed()
    };
    SystemConfigurationUpdateInput(Optional) {
        /// New section `mining`; null leaves it unchanged.
        mining: Option<MiningConfigurationInput>,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
        /// New section `referral`; null leaves it unchanged.
        referral: Option<ReferralConfigurationInput>,
        /// New section `streak`; null leaves it unchanged.
        streak: Option<StreakConfigurationInput>,
    }
    SystemConfigurationUpdatePayload(ConfigurationUserError) = |ctx, updated: Updated| {
        /// Configuration in force afterwards; null when refused.
        configuration: Loaded<SystemConfiguration> = changed(ctx, &updated),
    }
}
