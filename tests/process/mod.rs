//! The program as its users run it: real processes, a private cluster, signals.

mod kill;
pub mod program;
mod refusals;
mod rolling;
mod slice;
