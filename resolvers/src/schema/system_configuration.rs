//! The system configuration with the sections of all contexts.

use async_graphql::MergedObject;
use db::mining::configuration::commands::{
    MINING_CONFIGURATION_UPDATE, REFERRAL_CONFIGURATION_UPDATE, STREAK_CONFIGURATION_UPDATE,
};
use db::platform::configuration::commands::{SYSTEM_CONFIGURATION_UPDATE, SystemUpdate};
use db::platform::configuration::{Updated, update};
use db::promotions::configuration::commands::PROMOTION_CONFIGURATION_UPDATE;
use db::wallets::configuration::commands::WALLET_CONFIGURATION_UPDATE;

use crate::mining::configuration as mining;
use crate::mining::configuration::objects::{
    MiningConfigurationInput, MiningSections, ReferralConfigurationInput, StreakConfigurationInput,
};
use crate::node::AnyId;
use crate::platform::approval::RegisteredProposal;
use crate::platform::approval::objects::Approval;
use crate::platform::audit::Entity;
use crate::platform::configuration::objects::{
    ConfigurationUpdateProposal, ConfigurationVersions, StoredProposal, awaited, stored_in_force,
};
use crate::platform::configuration::refusals::ConfigurationUserError;
use crate::platform::configuration::{RegisteredSection, Sections};
use crate::prelude::*;
use crate::promotions::configuration as promotions;
use crate::promotions::configuration::objects::{PromotionConfigurationInput, PromotionSections};
use crate::wallets::configuration as wallets;
use crate::wallets::configuration::objects::{WalletConfigurationInput, WalletSections};

/// The sections, by context.
pub(super) const SECTIONS: &[&[RegisteredSection]] =
    &[mining::SECTIONS, promotions::SECTIONS, wallets::SECTIONS];

fn section(is_wanted: impl Fn(&RegisteredSection) -> bool) -> Option<&'static RegisteredSection> {
    let mut known = SECTIONS.iter().copied().flatten();
    known.find(|known| is_wanted(known))
}

/// Sections in the audit log, whose entries name them without a version.
pub(super) const ENTITY: Entity = Entity::custom(
    "configuration",
    |ctx, name| {
        async move {
            let known = section(|known| known.section == name);
            let known = known.filter(|_| ctx.may(Action::ConfigurationRead, false));
            let Some(known) = known else {
                return Ok(None);
            };
            let stored = stored_in_force(ctx, known.section).await?;
            let sections: &Sections = ctx.registered();
            Ok(Some(Node::new(sections.show(stored)?)))
        }
        .boxed()
    },
    |id: &AnyId| {
        let known = section(|known| known.kind == id.kind)?;
        Some(known.section.to_owned())
    },
);

/// Members of `ApprovalProposal`: the proposals of all commands on sections have one type.
pub(super) const PROPOSALS: &[RegisteredProposal] = &[
    proposal(MINING_CONFIGURATION_UPDATE.name),
    proposal(STREAK_CONFIGURATION_UPDATE.name),
    proposal(REFERRAL_CONFIGURATION_UPDATE.name),
    proposal(PROMOTION_CONFIGURATION_UPDATE.name),
    proposal(WALLET_CONFIGURATION_UPDATE.name),
    proposal(SYSTEM_CONFIGURATION_UPDATE.name),
];

const fn proposal(command: &'static str) -> RegisteredProposal {
    RegisteredProposal::new::<StoredProposal, ConfigurationUpdateProposal>(command)
}

/// Sections of the configuration, each in the version in force.
#[derive(MergedObject, Default)]
pub struct SystemConfiguration(
    ConfigurationVersions,
    MiningSections,
    PromotionSections,
    WalletSections,
);

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
    let is_shown = !updated.versions.is_empty() && ctx.may(Action::ConfigurationRead, false);
    is_shown.then(|| Ok(SystemConfiguration::default()))
}

mutations! {
    /// Commands on several sections.
    SystemConfigurationMutation;

    /// Replaces several sections of the configuration at once, all of them or none; a change that loosens a limit on money
    /// waits for a second person.
    system_configuration_update = SYSTEM_CONFIGURATION_UPDATE, |call| {
        async move {
            let input = call.input;
            let mining = input.mining.as_ref().map(|of| of.change("mining"));
            let streak = input.streak.as_ref().map(|of| of.change("streak"));
            let referral = input.referral.as_ref().map(|of| of.change("referral"));
            let promotion = input.promotion.as_ref().map(|of| of.change("promotion"));
            let wallet = input.wallet.as_ref().map(|of| of.change("wallet"));
            let changes = [mining, streak, referral, promotion, wallet].into_iter().flatten();
            let changes: Vec<_> = changes.collect::<Result<_, _>>()?;
            update::<SystemUpdate>(call.tx, call.request, &changes, &input.reason).await
        }
        .boxed()
    };
    SystemConfigurationUpdateInput(Optional) {
        /// New section `mining`; null leaves it unchanged.
        mining: Option<MiningConfigurationInput>,
        /// New section `promotion`; null leaves it unchanged.
        promotion: Option<PromotionConfigurationInput>,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
        /// New section `referral`; null leaves it unchanged.
        referral: Option<ReferralConfigurationInput>,
        /// New section `streak`; null leaves it unchanged.
        streak: Option<StreakConfigurationInput>,
        /// New section `wallet`; null leaves it unchanged.
        wallet: Option<WalletConfigurationInput>,
    }
    SystemConfigurationUpdatePayload(ConfigurationUserError) = |ctx, updated: Updated| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = awaited(ctx, &updated).await,
        /// Configuration in force afterwards; null while the command waits and when refused.
        configuration: Loaded<SystemConfiguration> = changed(ctx, &updated),
    }
}
