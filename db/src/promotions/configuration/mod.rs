//! The section `promotion` of the configuration.

pub mod commands;
mod rows;
