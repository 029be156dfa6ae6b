//! Background jobs: each on one instance at a time, whatever happens to the instances.

mod circle_invitations;
mod partitions;
mod runner;
mod sessions;
