//! The process: configuration, HTTP, sockets, authentication, jobs, wiring.
//!
//! [`app`] builds and runs the server, for the program and for the tests. [`http`] and [`realtime`] receive requests,
//! `resolvers` answers them.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod custody;
pub mod http;
pub mod jobs;
pub mod logging;
pub mod metrics;
pub mod realtime;
pub mod secrets;
pub mod telemetry;
