//! The table `referrals` as structs.

use domain::mining::{Bps, ReferralStatus};

use crate::prelude::*;
use crate::schema::referrals;

/// A referral of one miner by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// Its id.
    pub id: ReferralId,
    /// Miner who owns the code.
    pub referrer_id: MinerId,
    /// Miner who applied the code.
    pub referred_id: MinerId,
    /// The code.
    pub code: String,
    /// Bonus rate for the referrer while it is active.
    pub bonus: Bps,
    /// State.
    pub status: ReferralStatus,
    /// Time the code was applied.
    pub created_at: Timestamp,
    /// Time it first became active.
    pub activated_at: Option<Timestamp>,
}

#[derive(HasQuery, Insertable, diesel::QueryableByName)]
#[diesel(table_name = referrals, check_for_backend(diesel::pg::Pg))]
pub(crate) struct ReferralRow {
    referrer_user_id: Uuid,
    referred_user_id: Uuid,
    id: Uuid,
    referrer_miner_id: Uuid,
    referred_miner_id: Uuid,
    referral_code: String,
    bonus_bps: i32,
    status: String,
    created_at: Timestamp,
    activated_at: Option<Timestamp>,
}

impl TryFrom<ReferralRow> for Referral {
    type Error = DbError;

    fn try_from(row: ReferralRow) -> Result<Self> {
        Ok(Self {
            id: ReferralId::from([row.referrer_user_id, row.id]),
            referrer_id: MinerId::from([row.referrer_user_id, row.referrer_miner_id]),
            referred_id: MinerId::from([row.referred_user_id, row.referred_miner_id]),
            code: row.referral_code,
            bonus: Bps(row.bonus_bps),
            status: read_name("referrals", "status", &row.status)?,
            created_at: row.created_at,
            activated_at: row.activated_at,
        })
    }
}

impl From<&Referral> for ReferralRow {
    fn from(referral: &Referral) -> Self {
        Self {
            referrer_user_id: referral.referrer_id.user.0,
            referred_user_id: referral.referred_id.user.0,
            id: referral.id.uuid,
            referrer_miner_id: referral.referrer_id.uuid,
            referred_miner_id: referral.referred_id.uuid,
            referral_code: referral.code.clone(),
            bonus_bps: referral.bonus.0,
            status: referral.status.name().to_owned(),
            created_at: referral.created_at,
            activated_at: referral.activated_at,
        }
    }
}
