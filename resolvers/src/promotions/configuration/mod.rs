//! The section `promotion` of the system configuration.

pub(crate) mod mutations;
pub(crate) mod objects;

pub(crate) use objects::SECTIONS;
