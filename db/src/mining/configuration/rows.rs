//! Stored forms of mining's sections, and their forms in the audit log.
//!
//! Unknown fields belong to a newer program, during a rolling update or after a rollback: reads ignore them and the
//! next version keeps them.

use domain::mining::{
    Bps, MiningConfiguration, RatePerHour, ReferralConfiguration, StreakConfiguration, StreakTier,
};
use domain::money::Minor;
use domain::time::Pause;
use serde::{Deserialize, Serialize};
use serde_json::value::Serializer;
use serde_json::{Value, json};

use crate::platform::configuration::{Section, SectionInfo};
use crate::prelude::*;
use crate::text::points;

#[derive(Serialize, Deserialize)]
#[serde(remote = "MiningConfiguration", rename_all = "camelCase")]
struct MiningBody {
    #[serde(skip)]
    version: i32,
    #[serde(with = "StoredRate")]
    base_rate: RatePerHour,
    session_duration_hours: u32,
    max_sessions_per_day: u32,
    is_globally_enabled: bool,
    claim_window_hours: u32,
    /// Missing in versions older than the setting.
    #[serde(default = "circle_cooldown_hours")]
    circle_cooldown_hours: u32,
    #[serde(skip)]
    pauses: Vec<Pause>,
    #[serde(skip)]
    issuance_pauses: Vec<Pause>,
}

fn circle_cooldown_hours() -> u32 {
    MiningConfiguration::CIRCLE_COOLDOWN_HOURS
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "StreakConfiguration", rename_all = "camelCase")]
struct StreakBody {
    #[serde(skip)]
    version: i32,
    #[serde(with = "tiers")]
    tiers: Vec<StreakTier>,
    grace_period_enabled: bool,
    grace_period_hours: u32,
    #[serde(with = "StoredPoints")]
    recovery_cost: Minor,
    freeze_token_days: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "StreakTier", rename_all = "camelCase")]
struct TierBody {
    min_days: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_days: Option<u32>,
    #[serde(with = "StoredShare")]
    bonus: Bps,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    badge_name: Option<String>,
    #[serde(with = "StoredPoints")]
    milestone: Minor,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RatePerHour")]
struct StoredRate(i64);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Bps")]
struct StoredShare(i32);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Minor")]
struct StoredPoints(i64);

/// Stored form of a list of tiers.
mod tiers {
    use super::{Deserialize, Serialize, StreakTier, TierBody};

    #[derive(Serialize, Deserialize)]
    struct Stored(#[serde(with = "TierBody")] StreakTier);

    pub fn serialize<S: serde::Serializer>(tiers: &[StreakTier], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(tiers.iter().cloned().map(Stored))
    }

    pub fn deserialize<'de, D>(from: D) -> Result<Vec<StreakTier>, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        let tiers = Vec::<Stored>::deserialize(from)?.into_iter();
        Ok(tiers.map(|Stored(tier)| tier).collect())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReferralBody {
    bonus_per_referral: i32,
    max_bonus: i32,
    kyc_required: bool,
    max_referral_levels: u32,
}

fn unreadable(error: serde_json::Error) -> DbError {
    DbError::inconsistent("configurations", "body", error)
}

fn rate(share: Bps) -> String {
    share.to_decimal().to_string()
}

impl Section for MiningConfiguration {
    const INFO: &'static SectionInfo = &SectionInfo::of::<Self>(
        "mining",
        Uuid::from_u128(0xc0f1_0000_0000_8000_8000_0000_0000_0001),
        "SELECT pg_advisory_xact_lock(727281)",
    );

    fn read(version: i32, body: &Value) -> Result<Self> {
        let section = MiningBody::deserialize(body).map_err(unreadable)?;
        Ok(Self { version, ..section })
    }

    fn body(&self) -> Result<Value> {
        MiningBody::serialize(self, Serializer).map_err(unreadable)
    }

    fn shown(&self) -> Value {
        json!({
            "version": self.version, "baseRate": self.base_rate.to_decimal().to_string(),
            "sessionDurationHours": self.session_duration_hours, "maxSessionsPerDay": self.max_sessions_per_day,
            "isGloballyEnabled": self.is_globally_enabled, "claimWindowHours": self.claim_window_hours,
            "circleCooldownHours": self.circle_cooldown_hours,
        })
    }

    fn loosens(&self, before: &Self) -> bool {
        Self::loosens(self, before)
    }
}

impl Section for StreakConfiguration {
    const INFO: &'static SectionInfo = &SectionInfo::of::<Self>(
        "streak",
        Uuid::from_u128(0xc0f1_0000_0000_8000_8000_0000_0000_0002),
        "SELECT pg_advisory_xact_lock(727282)",
    );

    fn read(version: i32, body: &Value) -> Result<Self> {
        let section = StreakBody::deserialize(body).map_err(unreadable)?;
        Ok(Self { version, ..section })
    }

    fn body(&self) -> Result<Value> {
        StreakBody::serialize(self, Serializer).map_err(unreadable)
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

    fn loosens(&self, before: &Self) -> bool {
        Self::loosens(self, before)
    }
}

impl Section for ReferralConfiguration {
    const INFO: &'static SectionInfo = &SectionInfo::of::<Self>(
        "referral",
        Uuid::from_u128(0xc0f1_0000_0000_8000_8000_0000_0000_0003),
        "SELECT pg_advisory_xact_lock(727283)",
    );

    fn read(version: i32, body: &Value) -> Result<Self> {
        let body = ReferralBody::deserialize(body).map_err(unreadable)?;
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

    fn loosens(&self, before: &Self) -> bool {
        Self::loosens(self, before)
    }
}
