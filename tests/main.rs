//! All tests of the whole: one binary, one PostgreSQL cluster, one database for each test.
//!
//! `support` is the harness; `api` mirrors the schema, one file for each root field; `process` drives the program as
//! its users do.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic fails the test"
)]

mod api;
mod clients;
mod contract;
mod database;
mod jobs;
mod ledger;
mod live;
mod market;
mod observability;
mod process;
mod support;
mod tidy;
mod town;
mod transport;
