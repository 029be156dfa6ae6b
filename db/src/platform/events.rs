//! Events of the platform, as they are written to the outbox. `docs/EVENTS.md` documents them.

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// An event of the platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
#[expect(
    missing_docs,
    reason = "docs/EVENTS.md documents every event and field"
)]
pub enum PlatformEvent {
    ConfigurationUpdated {
        config_type: String,
        version: i32,
        updated_by: String,
        updated_at: Timestamp,
    },
    ApprovalRequested {
        approval_id: Uuid,
        command: String,
        proposal: Value,
        requested_by: Uuid,
        decided_by: Option<Uuid>,
    },
    ApprovalApproved {
        approval_id: Uuid,
        command: String,
        proposal: Value,
        requested_by: Uuid,
        decided_by: Option<Uuid>,
    },
    ApprovalDeclined {
        approval_id: Uuid,
        command: String,
        proposal: Value,
        requested_by: Uuid,
        decided_by: Option<Uuid>,
    },
}
