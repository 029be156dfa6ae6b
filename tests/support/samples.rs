//! Valid inputs of commands that have many fields. Those of the configuration loosen no limit.

use serde_json::{Value, json};

use super::merged;

/// The section `mining`, with some fields set to other values.
pub fn mining(fields: Value) -> Value {
    let section = json!({
        "baseRate": "0.125", "sessionDurationHours": 24, "maxSessionsPerDay": 1, "isGloballyEnabled": true,
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
        "minDays": min_days, "maxDays": max_days, "bonusRate": "0", "badgeName": "B", "milestonePoints": "0",
    })
}

/// The section `referral`, with some fields set to other values.
pub fn referral(fields: Value) -> Value {
    let section = json!({
        "bonusRate": "0.2", "maxBonusRate": "1", "kycRequired": true, "maxReferralLevels": 1, "version": 1,
    });
    merged(section, fields)
}

/// The section `promotion` of the migration, with some fields set to other values.
pub fn promotion(fields: Value) -> Value {
    let section = json!({
        "codeGuessesPerHour": 20, "maxOpenCampaigns": 50, "maxPendingRedemptions": 10, "maxPriceMultiple": 10,
        "maxValidityDays": 1825, "maxVouchersPerCampaign": 100_000, "maxVouchersPerDay": 500_000, "priceLimits": [],
        "returnDays": 90, "returnGraceDays": 14, "settleHours": 72, "version": 1,
    });
    merged(section, fields)
}

/// The section `wallet`, with some fields set to other values: that of the migration, with a shorter limit of holds.
pub fn wallet(fields: Value) -> Value {
    let currencies = [
        ("MP", 4, 4),
        ("PT", 4, 4),
        ("PPOINT", 4, 4),
        ("STAR", 0, 0),
        ("FZ", 4, 4),
        ("FUZE", 6, 6),
        ("USDT", 6, 6),
        ("USD", 6, 6),
        ("VND", 6, 0),
    ];
    let currencies = currencies.map(|(code, scale, shown)| currency(code, scale, shown));
    let section = json!({
        "clearingAgeHours": 72, "conversionPairs": [], "conversionsFrozen": false, "currencies": currencies,
        "holdMaxDays": 60, "issuers": [], "orphanHoldMinutes": 1440, "rateMaxAgeSeconds": 60,
        "rateMaxJumpBps": 500, "rateSource": "RECORDED", "velocityRules": [], "version": 1,
    });
    merged(section, fields)
}

/// A currency of the section `wallet`.
pub fn currency(code: &str, scale: u8, shown: u8) -> Value {
    let is_money = ["USDT", "USD", "VND"].contains(&code);
    let [limit, ceiling] = if code == "MP" {
        ["1000", "100000000"]
    } else {
        ["0", "0"]
    };
    json!({
        "code": code, "assetType": if is_money { "CURRENCY" } else { "POINT" }, "scale": scale,
        "displayDecimals": shown, "isEnabled": true, "dualControlLimit": limit, "fxExposureLimit": "0",
        "issuanceCeiling": ceiling,
    })
}

/// The input of a section's own command, with the reason `a test`.
pub fn with_reason(section: Value) -> Value {
    let mut input = json!({"reason": "a test"});
    input["configuration"] = section;
    input
}
