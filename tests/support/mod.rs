//! The harness: a server for each test over a database of its own, and people who use it.

mod actor;
mod app;
mod builders;
mod cluster;
mod environment;
pub mod events;
mod facts;
pub mod lock;
mod run;
pub mod samples;
mod selections;
mod socket;
mod verbs;

pub use actor::{Actor, Answer};
pub use app::{TestApp, test, test_with};
pub use builders::Miner;
pub use cluster::Cluster;
pub use environment::{is_soak, variable};
pub use facts::{Event, assert_includes};
pub use run::{Outcome, Run, at_once, merged};
pub use socket::Socket;
