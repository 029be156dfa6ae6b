//! The process: configuration, HTTP, sockets, authentication, jobs, wiring.
//!
//! Read [`app`] first: it builds everything once, for the program and for the tests alike. [`http`] and [`realtime`]
//! bring requests in, `resolvers` answers them.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod http;
pub mod jobs;
pub mod logging;
pub mod metrics;
pub mod realtime;
pub mod secrets;
pub mod telemetry;
