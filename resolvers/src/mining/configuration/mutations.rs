//! Root fields of Mutation about mining's sections.

#![expect(dead_code, reason = "the engine derives a getter for each field")]

use async_graphql::{Context, Object};
use db::command::Command;
use db::mining::configuration::commands::{
    MINING_CONFIGURATION_UPDATE, REFERRAL_CONFIGURATION_UPDATE, STREAK_CONFIGURATION_UPDATE,
};
use db::platform::configuration::{Change, Updated, update};
use db::DbError;
use db::idempotency::Answer;
use domain::platform::ConfigurationRefusal;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::objects::{
    MiningConfiguration, MiningConfigurationInput, ReferralConfiguration,
    ReferralConfigurationInput, StreakConfiguration, StreakConfigurationInput,
};
use crate::command::{Call, Loaded, command_types, run};
use crate::errors::ApiError;
use crate::node::NodeType;
use crate::platform::configuration::refusals::ConfigurationUserError;

command_types! {
    MiningConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: MiningConfigurationInput,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    MiningConfigurationUpdatePayload(ConfigurationUserError) {
        /// New version of the section; null when refused.
        configuration: Loaded<MiningConfiguration>,
    }

    StreakConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: StreakConfigurationInput,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    StreakConfigurationUpdatePayload(ConfigurationUserError) {
        /// New version of the section; null when refused.
        configuration: Loaded<StreakConfiguration>,
    }

    ReferralConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: ReferralConfigurationInput,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    ReferralConfigurationUpdatePayload(ConfigurationUserError) {
        /// New version of the section; null when refused.
        configuration: Loaded<ReferralConfiguration>,
    }
}

/// Changes one section; `path` is that of the section in the input.
fn update_one<'t, I: Sync>(
    call: Call<'t, I>,
    command: &'static Command<ConfigurationRefusal>,
    section: &'static str,
    change: Result<Change, DbError>,
    reason: &'t str,
) -> BoxFuture<'t, Result<Answer<Updated>, DbError>> {
    let Call { tx, request, .. } = call;
    async move { update(tx, request, command, section, &[change?], reason).await }.boxed()
}

/// The version that a command stored.
async fn load<T: NodeType<Key: From<i32>>>(ctx: &Context<'_>, updated: &Updated) -> Loaded<T> {
    let number = updated.values().next()?;
    T::load(ctx, (*number).into()).await.transpose()
}

/// Where single-section inputs have their section.
const PATH: &str = "configuration";

/// Commands on mining's sections.
#[derive(Default)]
pub struct ConfigurationMutation;

#[Object]
impl ConfigurationMutation {
    /// Replaces the section `mining` of the configuration, in force at once; running sessions keep their rate and length.
    async fn mining_configuration_update(
        &self,
        ctx: &Context<'_>,
        input: MiningConfigurationUpdateInput,
    ) -> Option<Result<MiningConfigurationUpdatePayload, ApiError>> {
        run(
            ctx,
            &MINING_CONFIGURATION_UPDATE,
            input,
            |call| {
                let (change, reason) = (call.input.configuration.change(PATH), &call.input.reason);
                update_one(call, &MINING_CONFIGURATION_UPDATE, "mining", change, reason)
            },
            async |updated| MiningConfigurationUpdatePayload {
                configuration: load(ctx, &updated).await,
                ..MiningConfigurationUpdatePayload::default()
            },
        )
        .await
    }

    /// Replaces the section `streak` of the configuration, in force at once; present runs follow the new tiers.
    async fn streak_configuration_update(
        &self,
        ctx: &Context<'_>,
        input: StreakConfigurationUpdateInput,
    ) -> Option<Result<StreakConfigurationUpdatePayload, ApiError>> {
        run(
            ctx,
            &STREAK_CONFIGURATION_UPDATE,
            input,
            |call| {
                let (change, reason) = (call.input.configuration.change(PATH), &call.input.reason);
                update_one(call, &STREAK_CONFIGURATION_UPDATE, "streak", change, reason)
            },
            async |updated| StreakConfigurationUpdatePayload {
                configuration: load(ctx, &updated).await,
                ..StreakConfigurationUpdatePayload::default()
            },
        )
        .await
    }

    /// Replaces the section `referral` of the configuration, in force at once; referrals keep the bonus rate of the day
    /// they were applied.
    async fn referral_configuration_update(
        &self,
        ctx: &Context<'_>,
        input: ReferralConfigurationUpdateInput,
    ) -> Option<Result<ReferralConfigurationUpdatePayload, ApiError>> {
        run(
            ctx,
            &REFERRAL_CONFIGURATION_UPDATE,
            input,
            |call| {
                let (change, reason) = (call.input.configuration.change(PATH), &call.input.reason);
                update_one(call, &REFERRAL_CONFIGURATION_UPDATE, "referral", change, reason)
            },
            async |updated| ReferralConfigurationUpdatePayload {
                configuration: load(ctx, &updated).await,
                ..ReferralConfigurationUpdatePayload::default()
            },
        )
        .await
    }
}
