//! The program as its users run it: real processes, a private cluster, signals.

mod kill;
mod program;
mod refusals;
mod slice;
