//! Events of the platform, as they are written to the outbox. `docs/EVENTS.md` documents them.
#![expect(
    missing_docs,
    reason = "docs/EVENTS.md documents every event and field"
)]

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::prelude::*;

/// An event of the platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
pub enum PlatformEvent {
    ConfigurationUpdated {
        config_type: String,
        version: i32,
        updated_by: String,
        updated_at: Timestamp,
    },
    ApprovalRequested(ApprovalChanged),
    ApprovalApproved(ApprovalChanged),
    ApprovalDeclined(ApprovalChanged),
}

/// Payload of the events of an approval's states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalChanged {
    pub approval_id: Uuid,
    pub command: String,
    pub proposal: Value,
    pub requested_by: Uuid,
    pub decided_by: Option<Uuid>,
}
