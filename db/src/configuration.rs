//! Configuration: every version of every section, the highest in force.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::mining::{
    Bps, Configuration, MiningConfiguration, RatePerHour, ReferralConfiguration,
    StreakConfiguration, StreakTier,
};
use domain::money::Minor;
use domain::time::{Pause, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::schema::configurations as versions;
use crate::{Connection, DbError};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MiningBody {
    base_rate: i64,
    session_duration_hours: u32,
    max_sessions_per_day: u32,
    is_globally_enabled: bool,
    claim_window_hours: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StreakBody {
    grace_period_enabled: bool,
    grace_period_hours: u32,
    recovery_cost: i64,
    freeze_token_days: u32,
    tiers: Vec<TierBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TierBody {
    min_days: u32,
    max_days: Option<u32>,
    bonus: i32,
    badge_name: Option<String>,
    milestone: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReferralBody {
    bonus_per_referral: i32,
    max_bonus: i32,
    kyc_required: bool,
    #[serde(rename = "maxReferralLevels")]
    _max_referral_levels: u32,
}

/// One version of a section, as stored.
struct Version {
    section: String,
    number: i32,
    body: Value,
    updated_at: Timestamp,
}

/// Reads what mining is configured by, in one statement.
///
/// Reads every version: the history of the section `mining` tells when mining was switched off.
pub async fn mining(conn: &mut Connection) -> Result<Configuration, DbError> {
    let rows: Vec<(String, i32, Value, Timestamp)> = versions::table
        .filter(versions::section.eq_any(["mining", "streak", "referral"]))
        .order((versions::section, versions::version))
        .select((
            versions::section,
            versions::version,
            versions::body,
            versions::updated_at,
        ))
        .load(conn)
        .await?;
    let all: Vec<Version> = rows
        .into_iter()
        .map(|(section, number, body, updated_at)| Version {
            section,
            number,
            body,
            updated_at,
        })
        .collect();
    let pauses = pauses(&all)?;
    let (mining_version, mining): (i32, MiningBody) = newest(&all, "mining")?;
    let (streak_version, streak): (i32, StreakBody) = newest(&all, "streak")?;
    let (referral_version, referral): (i32, ReferralBody) = newest(&all, "referral")?;
    Ok(Configuration {
        mining: MiningConfiguration {
            version: mining_version,
            base_rate: RatePerHour(mining.base_rate),
            session_duration_hours: mining.session_duration_hours,
            max_sessions_per_day: mining.max_sessions_per_day,
            is_globally_enabled: mining.is_globally_enabled,
            claim_window_hours: mining.claim_window_hours,
            pauses,
        },
        streak: StreakConfiguration {
            version: streak_version,
            tiers: streak.tiers.into_iter().map(tier).collect(),
            grace_period_enabled: streak.grace_period_enabled,
            grace_period_hours: streak.grace_period_hours,
            recovery_cost: Minor(streak.recovery_cost),
            freeze_token_days: streak.freeze_token_days,
        },
        referral: ReferralConfiguration {
            version: referral_version,
            bonus_per_referral: Bps(referral.bonus_per_referral),
            max_bonus: Bps(referral.max_bonus),
            kyc_required: referral.kyc_required,
        },
    })
}

fn tier(body: TierBody) -> StreakTier {
    StreakTier {
        min_days: body.min_days,
        max_days: body.max_days,
        bonus: Bps(body.bonus),
        badge_name: body.badge_name,
        milestone: Minor(body.milestone),
    }
}

/// The spans between a version that switched mining off and the next that switched it on.
fn pauses(all: &[Version]) -> Result<Vec<Pause>, DbError> {
    let mut pauses: Vec<Pause> = Vec::new();
    for version in all.iter().filter(|version| version.section == "mining") {
        let body: MiningBody = parse(version)?;
        let open = pauses.last_mut().filter(|pause| pause.until.is_none());
        match (open, body.is_globally_enabled) {
            (None, false) => pauses.push(Pause {
                from: version.updated_at,
                until: None,
            }),
            (Some(pause), true) => pause.until = Some(version.updated_at),
            (None, true) | (Some(_), false) => {}
        }
    }
    Ok(pauses)
}

fn newest<T: DeserializeOwned>(
    all: &[Version],
    section: &'static str,
) -> Result<(i32, T), DbError> {
    let version = all
        .iter()
        .rev()
        .find(|version| version.section == section)
        .ok_or_else(|| DbError::inconsistent("configurations", "section", section))?;
    Ok((version.number, parse(version)?))
}

fn parse<T: DeserializeOwned>(version: &Version) -> Result<T, DbError> {
    T::deserialize(&version.body)
        .map_err(|error| DbError::inconsistent("configurations", "body", error))
}
