//! Referrals of one miner by another.

mod refusal;

pub use refusal::{ReferralRefusal, ReferralRefusalKind};

use super::{Bps, Configuration, Miner, MinerStatus, Role};
use crate::named::named;

named! {
    /// States of a referral.
    ReferralStatus;

    /// Waits for the referred person's KYC.
    Pending = "PENDING";
    /// The referrer earns the bonus.
    Active = "ACTIVE";
    /// The referred miner is suspended or banned.
    Inactive = "INACTIVE";
}

impl ReferralStatus {
    /// State of a referral after the referred person's KYC, given the status of their miner.
    #[must_use]
    pub fn verified(self, referred: MinerStatus) -> Self {
        match (self, referred) {
            (Self::Pending, MinerStatus::Active) => Self::Active,
            (Self::Pending, MinerStatus::Suspended | MinerStatus::Banned) => Self::Inactive,
            (other, _) => other,
        }
    }

    /// State of a referral after a status change of the referred miner; a pending referral stays pending.
    #[must_use]
    pub fn turned(self, to: Self) -> Self {
        match self {
            Self::Pending => Self::Pending,
            Self::Active | Self::Inactive => to,
        }
    }
}

/// Facts on which applying a code depends.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// Miner who applies the code.
    pub miner: &'a Miner,
    /// Miner who owns the code; none when no miner does.
    pub referrer: Option<&'a Miner>,
    /// Whether the owner of the code was referred by this miner, directly or through others.
    pub closes_cycle: bool,
    /// Whether the KYC of the person who applies the code is complete.
    pub kyc_complete: bool,
}

/// Checks that a miner may apply a code.
///
/// Refusals, in this order: [`ReferralRefusal::MinerSuspended`], [`ReferralRefusal::MinerBanned`],
/// [`ReferralRefusal::AlreadyReferred`], [`ReferralRefusal::CodeUnknown`], [`ReferralRefusal::OwnCode`],
/// [`ReferralRefusal::Cycle`].
pub fn apply(
    application: &Application<'_>,
    configuration: &Configuration,
) -> Result<Applied, ReferralRefusal> {
    application.miner.status.may_mine()?;
    if application.miner.referred_by.is_some() {
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

/// State and bonus of a new referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Initial state.
    pub status: ReferralStatus,
    /// Bonus rate in force when the code is applied; later changes do not affect it.
    pub bonus: Bps,
}

impl Applied {
    /// A referral is active at once when the referred person's KYC is complete or not required.
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
    /// Number of active referrals that makes an ambassador.
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
        /// In any order of steps, a referral is active exactly while the referred person is verified (or need not be)
        /// and their miner is active.
        #[test]
        fn referral_is_active_while_verified_and_mining(
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
    fn new_referral_is_pending_without_kyc() {
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
    fn returns_the_highest_role() {
        assert_eq!(Role::from_facts(true, 9, true), Role::NodeOperator);
        assert_eq!(Role::from_facts(false, 5, true), Role::Ambassador);
        assert_eq!(Role::from_facts(false, 4, true), Role::Contributor);
        assert_eq!(Role::from_facts(false, 4, false), Role::Pioneer);
    }
}
