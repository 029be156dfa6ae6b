//! Valid inputs of commands that have many fields.

use serde_json::{Value, json};

use super::merged;

/// The section `mining`, with some fields set to other values.
pub fn mining(fields: Value) -> Value {
    let section = json!({
        "baseRate": "0.5", "sessionDurationHours": 24, "maxSessionsPerDay": 1, "isGloballyEnabled": true,
        "claimWindowHours": 168, "circleCooldownHours": 168, "version": 1,
    });
    merged(section, fields)
}

/// The section `streak`, with some fields set to other values.
pub fn streak(fields: Value) -> Value {
    let section = json!({
        "tiers": [tier(1, None)], "gracePeriodEnabled": false, "gracePeriodHours": 0, "recoveryCost": "12.5",
        "freezeTokenDays": 3, "version": 1,
    });
    merged(section, fields)
}

/// A tier of the section `streak`.
pub fn tier(min_days: i32, max_days: Option<i32>) -> Value {
    json!({
        "minDays": min_days, "maxDays": max_days, "bonusRate": "0.5", "badgeName": "B", "milestonePoints": "10",
    })
}

/// The section `referral`, with some fields set to other values.
pub fn referral(fields: Value) -> Value {
    let section = json!({
        "bonusRate": "0.4", "maxBonusRate": "1", "kycRequired": true, "maxReferralLevels": 1, "version": 1,
    });
    merged(section, fields)
}

/// The input of a section's own command, with the reason `a test`.
pub fn with_reason(section: Value) -> Value {
    let mut input = json!({"reason": "a test"});
    input["configuration"] = section;
    input
}
