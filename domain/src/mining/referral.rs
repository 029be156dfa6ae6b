//! Referrals: who brought whom.

use super::{Bps, Configuration, Role};

/// Where a referral stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferralStatus {
    /// Waits for the referred person's KYC.
    Pending,
    /// Earns its referrer the bonus.
    Active,
    /// Switched off: the referred miner is suspended or banned.
    Inactive,
}

/// What applying a code makes of a referral at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Where it starts.
    pub status: ReferralStatus,
    /// The bonus rate of the day it was applied, which it keeps.
    pub bonus: Bps,
}

impl Applied {
    /// Active at once when the referred person's KYC is complete or none is required.
    #[must_use]
    pub fn now(kyc_complete: bool, configuration: &Configuration) -> Self {
        Self {
            status: if kyc_complete || !configuration.referral.kyc_required {
                ReferralStatus::Active
            } else {
                ReferralStatus::Pending
            },
            bonus: configuration.referral.bonus_per_referral,
        }
    }
}

impl Role {
    /// Active referrals that make an ambassador.
    pub const AMBASSADOR_REFERRALS: u32 = 5;

    /// The highest role that a grant or facts give.
    #[must_use]
    pub fn from_facts(
        node_operator_granted: bool,
        active_referrals: u32,
        circle_valid: bool,
    ) -> Self {
        if node_operator_granted {
            Self::NodeOperator
        } else if active_referrals >= Self::AMBASSADOR_REFERRALS {
            Self::Ambassador
        } else if circle_valid {
            Self::Contributor
        } else {
            Self::Pioneer
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kyc_decides_whether_a_referral_counts_at_once() {
        let required = Configuration::default();
        let mut free = Configuration::default();
        free.referral.kyc_required = false;
        assert_eq!(
            Applied::now(false, &required).status,
            ReferralStatus::Pending
        );
        assert_eq!(Applied::now(true, &required).status, ReferralStatus::Active);
        assert_eq!(Applied::now(false, &free).status, ReferralStatus::Active);
    }

    #[test]
    fn the_highest_role_wins() {
        assert_eq!(Role::from_facts(true, 9, true), Role::NodeOperator);
        assert_eq!(Role::from_facts(false, 5, true), Role::Ambassador);
        assert_eq!(Role::from_facts(false, 4, true), Role::Contributor);
        assert_eq!(Role::from_facts(false, 4, false), Role::Pioneer);
    }
}
