//! Mining's sections of the system configuration.

pub(crate) mod mutations;
pub(crate) mod objects;

use crate::platform::configuration::RegisteredSection;

pub(crate) const SECTIONS: &[RegisteredSection] = &[
    RegisteredSection::new::<objects::MiningConfiguration>("mining"),
    RegisteredSection::new::<objects::StreakConfiguration>("streak"),
    RegisteredSection::new::<objects::ReferralConfiguration>("referral"),
];
