//! The command that changes the section `promotion` of the configuration.

use domain::platform::ConfigurationRefusal;

use crate::command::commands;
use crate::platform::configuration::updates;

commands! {
    ConfigurationRefusal;
    PROMOTION_CONFIGURATION_UPDATE = "platform.promotion_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, OutOfRange, ListLength, TooFine, PairInvalid, Duplicate, CurrencyUnknown, Stale;
}

updates! {
    PromotionUpdate = PROMOTION_CONFIGURATION_UPDATE, "promotion";
}
