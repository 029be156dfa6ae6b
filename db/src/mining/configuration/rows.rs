//! Stored forms of mining's sections, and their forms in the audit log.
//!
//! Unknown fields belong to a newer program, during a rolling update or after a rollback: reads ignore them and the
//! next version keeps them.

use domain::mining::{
    Bps, MiningConfiguration, RatePerHour, ReferralConfiguration, StreakConfiguration, StreakTier,
};
use domain::money::Minor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::platform::configuration::{Section, SectionInfo, shown};
use crate::text::points;
use crate::{DbError, Result};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MiningBody {
    base_rate: i64,
    session_duration_hours: u32,
    max_sessions_per_day: u32,
    is_globally_enabled: bool,
    claim_window_hours: u32,
    /// Missing in versions older than the setting.
    #[serde(default = "circle_cooldown_hours")]
    circle_cooldown_hours: u32,
}

fn circle_cooldown_hours() -> u32 {
    MiningConfiguration::CIRCLE_COOLDOWN_HOURS
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreakBody {
    grace_period_enabled: bool,
    grace_period_hours: u32,
    recovery_cost: i64,
    freeze_token_days: u32,
    tiers: Vec<TierBody>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TierBody {
    min_days: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_days: Option<u32>,
    bonus: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge_name: Option<String>,
    milestone: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReferralBody {
    bonus_per_referral: i32,
    max_bonus: i32,
    kyc_required: bool,
    max_referral_levels: u32,
}

fn parse<T: DeserializeOwned>(body: &Value) -> Result<T> {
    T::deserialize(body).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> DbError {
    DbError::inconsistent("configurations", "body", error)
}

fn rate(share: Bps) -> String {
    share.to_decimal().to_string()
}

impl Section for MiningConfiguration {
    const INFO: &'static SectionInfo = &SectionInfo {
        name: "mining",
        subject: Uuid::from_u128(0xc0f1_0000_0000_8000_8000_0000_0000_0001),
        wait: "SELECT pg_advisory_xact_lock(727281)",
        shown: shown::<Self>,
    };

    fn read(version: i32, body: &Value) -> Result<Self> {
        let body: MiningBody = parse(body)?;
        Ok(Self {
            version,
            base_rate: RatePerHour(body.base_rate),
            session_duration_hours: body.session_duration_hours,
            max_sessions_per_day: body.max_sessions_per_day,
            is_globally_enabled: body.is_globally_enabled,
            claim_window_hours: body.claim_window_hours,
            circle_cooldown_hours: body.circle_cooldown_hours,
            pauses: Vec::new(),
        })
    }

    fn body(&self) -> Result<Value> {
        serde_json::to_value(MiningBody {
            base_rate: self.base_rate.0,
            session_duration_hours: self.session_duration_hours,
            max_sessions_per_day: self.max_sessions_per_day,
            is_globally_enabled: self.is_globally_enabled,
            claim_window_hours: self.claim_window_hours,
            circle_cooldown_hours: self.circle_cooldown_hours,
        })
        .map_err(unreadable)
    }

    fn shown(&self) -> Value {
        json!({
            "version": self.version, "baseRate": self.base_rate.to_decimal().to_string(),
            "sessionDurationHours": self.session_duration_hours, "maxSessionsPerDay": self.max_sessions_per_day,
            "isGloballyEnabled": self.is_globally_enabled, "claimWindowHours": self.claim_window_hours,
            "circleCooldownHours": self.circle_cooldown_hours,
        })
    }
}

impl Section for StreakConfiguration {
    const INFO: &'static SectionInfo = &SectionInfo {
        name: "streak",
        subject: Uuid::from_u128(0xc0f1_0000_0000_8000_8000_0000_0000_0002),
        wait: "SELECT pg_advisory_xact_lock(727282)",
        shown: shown::<Self>,
    };

    fn read(version: i32, body: &Value) -> Result<Self> {
        let body: StreakBody = parse(body)?;
        let tier = |body: TierBody| StreakTier {
            min_days: body.min_days,
            max_days: body.max_days,
            bonus: Bps(body.bonus),
            badge_name: body.badge_name,
            milestone: Minor(body.milestone),
        };
        Ok(Self {
            version,
            tiers: body.tiers.into_iter().map(tier).collect(),
            grace_period_enabled: body.grace_period_enabled,
            grace_period_hours: body.grace_period_hours,
            recovery_cost: Minor(body.recovery_cost),
            freeze_token_days: body.freeze_token_days,
        })
    }

    fn body(&self) -> Result<Value> {
        let tier = |tier: &StreakTier| TierBody {
            min_days: tier.min_days,
            max_days: tier.max_days,
            bonus: tier.bonus.0,
            badge_name: tier.badge_name.clone(),
            milestone: tier.milestone.0,
        };
        serde_json::to_value(StreakBody {
            grace_period_enabled: self.grace_period_enabled,
            grace_period_hours: self.grace_period_hours,
            recovery_cost: self.recovery_cost.0,
            freeze_token_days: self.freeze_token_days,
            tiers: self.tiers.iter().map(tier).collect(),
        })
        .map_err(unreadable)
    }

    fn shown(&self) -> Value {
        let tier = |tier: &StreakTier| {
            json!({
                "minDays": tier.min_days, "maxDays": tier.max_days, "bonusRate": rate(tier.bonus),
                "badgeName": tier.badge_name, "milestonePoints": points(tier.milestone),
            })
        };
        json!({
            "version": self.version, "tiers": self.tiers.iter().map(tier).collect::<Vec<_>>(),
            "gracePeriodEnabled": self.grace_period_enabled, "gracePeriodHours": self.grace_period_hours,
            "recoveryCost": points(self.recovery_cost), "freezeTokenDays": self.freeze_token_days,
        })
    }
}

impl Section for ReferralConfiguration {
    const INFO: &'static SectionInfo = &SectionInfo {
        name: "referral",
        subject: Uuid::from_u128(0xc0f1_0000_0000_8000_8000_0000_0000_0003),
        wait: "SELECT pg_advisory_xact_lock(727283)",
        shown: shown::<Self>,
    };

    fn read(version: i32, body: &Value) -> Result<Self> {
        let body: ReferralBody = parse(body)?;
        if body.max_referral_levels != Self::LEVELS {
            let levels = body.max_referral_levels;
            return Err(DbError::inconsistent("configurations", "body", levels));
        }
        Ok(Self {
            version,
            bonus_per_referral: Bps(body.bonus_per_referral),
            max_bonus: Bps(body.max_bonus),
            kyc_required: body.kyc_required,
        })
    }

    fn body(&self) -> Result<Value> {
        serde_json::to_value(ReferralBody {
            bonus_per_referral: self.bonus_per_referral.0,
            max_bonus: self.max_bonus.0,
            kyc_required: self.kyc_required,
            max_referral_levels: Self::LEVELS,
        })
        .map_err(unreadable)
    }

    fn shown(&self) -> Value {
        json!({
            "version": self.version, "bonusRate": rate(self.bonus_per_referral),
            "maxBonusRate": rate(self.max_bonus), "kycRequired": self.kyc_required,
            "maxReferralLevels": Self::LEVELS,
        })
    }
}
