//! Root fields of Mutation about the section `promotion`.

use db::platform::configuration::Updated;
use db::promotions::configuration::commands::{PROMOTION_CONFIGURATION_UPDATE, PromotionUpdate};

use super::objects::{PromotionConfiguration, PromotionConfigurationInput};
use crate::command::{Loaded, mutations};
use crate::platform::approval::objects::Approval;
use crate::platform::configuration::objects::{awaited, replace, stored};
use crate::platform::configuration::refusals::ConfigurationUserError;

mutations! {
    /// The command on the section `promotion`.
    PromotionConfigurationMutation;

    /// Replaces the section `promotion` of the configuration, in force at once; existing campaigns keep their terms; a
    /// change that loosens a limit on money waits for a second person.
    promotion_configuration_update = PROMOTION_CONFIGURATION_UPDATE, replace!(PromotionUpdate);
    PromotionConfigurationUpdateInput(Optional) {
        /// New section.
        configuration: PromotionConfigurationInput,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    PromotionConfigurationUpdatePayload(ConfigurationUserError) = |ctx, updated: Updated| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = awaited(ctx, &updated).await,
        /// New version of the section; null while the command waits and when refused.
        configuration: Loaded<PromotionConfiguration> = stored(ctx, &updated).await,
    }
}
