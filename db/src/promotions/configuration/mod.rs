//! The section `promotion` of the configuration.

pub mod commands;
mod rows;

use domain::promotions::PromotionConfiguration;

use crate::platform::configuration::section;
use crate::{Connection, Result};

/// Reads the section in force.
pub async fn in_force(conn: &mut Connection) -> Result<PromotionConfiguration> {
    section(conn).await
}
