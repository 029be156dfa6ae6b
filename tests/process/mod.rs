//! The program as a process: start, signals, a private cluster.

mod files;
mod kill;
pub mod program;
mod refusals;
mod rolling;
mod secrets;
mod walkthrough;
