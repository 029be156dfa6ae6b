//! Referrals: who brought whom.

mod refusal;

pub use refusal::{ReferralRefusal, ReferralRefusalKind};

use super::{Bps, Configuration, Miner, MinerStatus, Role};

/// Where a referral stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferralStatus {
    /// Waits for the referred person's KYC.
    Pending,
    /// Earns its referrer the bonus.
    Active,
    /// Switched off: the referred miner is suspended or banned.
    Inactive,
}

impl ReferralStatus {
    /// Where a referral stands once the referred person's identity is verified, their miner being what it is.
    #[must_use]
    pub fn verified(self, referred: MinerStatus) -> Self {
        match (self, referred) {
            (Self::Pending, MinerStatus::Active) => Self::Active,
            (Self::Pending, MinerStatus::Suspended | MinerStatus::Banned) => Self::Inactive,
            (other, _) => other,
        }
    }

    /// Where a referral stands once the referred miner's standing would make it active or inactive: one that waits for
    /// KYC goes on waiting.
    #[must_use]
    pub fn turned(self, to: Self) -> Self {
        match self {
            Self::Pending => Self::Pending,
            Self::Active | Self::Inactive => to,
        }
    }
}

/// What applying a code is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// Who applies it.
    pub miner: &'a Miner,
    /// Whether somebody brought them already.
    pub is_referred: bool,
    /// Whose code it is, if it is anybody's.
    pub referrer: Option<&'a Miner>,
    /// Whether the one whose code it is was brought by who applies it, directly or through others.
    pub closes_cycle: bool,
    /// Whether the identity of who applies it is verified.
    pub kyc_complete: bool,
}

/// Applies a code, if that may be.
///
/// Refusals, in this order: [`ReferralRefusal::MinerSuspended`], [`ReferralRefusal::MinerBanned`],
/// [`ReferralRefusal::AlreadyReferred`], [`ReferralRefusal::CodeUnknown`], [`ReferralRefusal::OwnCode`],
/// [`ReferralRefusal::Cycle`].
pub fn apply(
    application: &Application<'_>,
    configuration: &Configuration,
) -> Result<Applied, ReferralRefusal> {
    application.miner.status.may_mine()?;
    if application.is_referred {
        return Err(ReferralRefusal::AlreadyReferred);
    }
    let referrer = application
        .referrer
        .filter(|referrer| referrer.status == MinerStatus::Active)
        .ok_or(ReferralRefusal::CodeUnknown)?;
    if referrer.id == application.miner.id {
        return Err(ReferralRefusal::OwnCode);
    }
    if application.closes_cycle {
        return Err(ReferralRefusal::Cycle);
    }
    Ok(Applied::now(application.kyc_complete, configuration))
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
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Apply,
        Verify,
        Suspend,
        Restore,
        Ban,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Apply),
            Just(Step::Verify),
            Just(Step::Suspend),
            Just(Step::Restore),
            Just(Step::Ban),
        ]
    }

    proptest! {
        /// Whatever comes in whatever order: a referral counts while the referred person is verified, or need not be,
        /// and their miner is active.
        #[test]
        fn a_referral_counts_while_it_should(
            steps in prop::collection::vec(step(), 0..20), kyc_required: bool,
        ) {
            let mut rules = Configuration::default();
            rules.referral.kyc_required = kyc_required;
            let mut standing = MinerStatus::Active;
            let mut verified = false;
            let mut referral: Option<ReferralStatus> = None;
            for step in steps {
                match step {
                    Step::Apply if referral.is_none() && standing == MinerStatus::Active => {
                        referral = Some(Applied::now(verified, &rules).status);
                    }
                    Step::Verify => {
                        referral = referral.map(|status| status.verified(standing));
                        verified = true;
                    }
                    Step::Suspend if standing == MinerStatus::Active => {
                        referral = referral.map(|status| status.turned(ReferralStatus::Inactive));
                        standing = MinerStatus::Suspended;
                    }
                    Step::Restore if standing == MinerStatus::Suspended => {
                        referral = referral.map(|status| status.turned(ReferralStatus::Active));
                        standing = MinerStatus::Active;
                    }
                    Step::Ban => {
                        referral = referral.map(|status| status.turned(ReferralStatus::Inactive));
                        standing = MinerStatus::Banned;
                    }
                    Step::Apply | Step::Suspend | Step::Restore => {}
                }
                let expected = match (verified || !kyc_required, standing) {
                    (false, _) => ReferralStatus::Pending,
                    (true, MinerStatus::Active) => ReferralStatus::Active,
                    (true, _) => ReferralStatus::Inactive,
                };
                prop_assert!(referral.is_none_or(|status| status == expected), "{referral:?} after {step:?}");
            }
        }
    }

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
