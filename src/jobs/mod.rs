//! Background jobs: one file each.

pub mod partitions;
