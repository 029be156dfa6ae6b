//! User errors of the system configuration.

use domain::platform::ConfigurationRefusal;

use crate::prelude::*;

user_error! {
    ConfigurationUserError, ConfigurationRefusal, "the system configuration";
    /// Version in force; null except with CONFIGURATION_STALE.
    current_version: i32,
    /// Largest accepted value; null except with SETTING_OUT_OF_RANGE and TIER_COUNT.
    max: Decimal,
    /// Smallest accepted value; null except with SETTING_OUT_OF_RANGE and TIER_COUNT.
    min: Decimal,
}
