//! The database as operators run it: poolers, TLS, several hosts, failover, limits.

mod failover;
mod fences;
mod limits;
mod migrations;
mod poolers;
mod readonly;
mod replicas;
mod tls;
