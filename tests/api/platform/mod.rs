mod approvals;
mod audit_log;
mod jobs;
mod mining_configuration_update;
mod node;
mod owner_keys;
mod promotion_configuration_update;
mod referral_configuration_update;
mod server_info;
mod streak_configuration_update;
mod system_configuration;
mod system_configuration_update;
mod unions;
mod viewer;
mod wallet_configuration_update;

use serde_json::Value;

use crate::support::TestApp;

/// Whether a version of a section was stored at this time, which is not ahead of the system's.
async fn is_stored(app: &TestApp, section: &str, version: i32, at: &Value) -> bool {
    let Some(at) = at.as_str() else { return false };
    let stored = format!(
        "section = '{section}' AND version = {version} AND updated_at = '{at}' AND updated_at <= app_now()"
    );
    app.count("configurations", &stored).await == 1
}
