//! Root fields of Mutation about the section `wallet`.

use db::platform::configuration::Updated;
use db::wallets::configuration::commands::{WALLET_CONFIGURATION_UPDATE, WalletUpdate};

use super::objects::{WalletConfiguration, WalletConfigurationInput};
use crate::command::{Loaded, mutations};
use crate::platform::approval::objects::Approval;
use crate::platform::configuration::objects::{awaited, replace, stored};
use crate::platform::configuration::refusals::ConfigurationUserError;

mutations! {
    /// The command on the section `wallet`.
    WalletConfigurationMutation;

    /// Replaces the section `wallet` of the configuration, in force at once; holds keep their expiry; a change that
    /// loosens a limit on money waits for a second person.
    wallet_configuration_update = WALLET_CONFIGURATION_UPDATE, replace!(WalletUpdate);
    WalletConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: WalletConfigurationInput,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    WalletConfigurationUpdatePayload(ConfigurationUserError) = |ctx, updated: Updated| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = awaited(ctx, &updated).await,
        /// New version of the section; null while the command waits and when refused.
        configuration: Loaded<WalletConfiguration> = stored(ctx, &updated).await,
    }
}
