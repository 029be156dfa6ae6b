//! The program as a process: start, signals, a private cluster.

mod kill;
pub mod program;
mod refusals;
mod rolling;
mod walkthrough;
