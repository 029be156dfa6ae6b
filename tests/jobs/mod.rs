//! Background jobs and their runner.

mod circle_invitations;
mod partitions;
mod runner;
pub mod sessions;
