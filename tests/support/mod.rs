//! The harness: a server for each test over a database of its own, and people who use it.

mod actor;
mod app;
mod cluster;
mod environment;
pub mod events;
pub mod lock;
mod socket;

pub use actor::{Actor, Answer, CLAIM};
pub use app::{TestApp, test, test_with};
pub use cluster::Cluster;
pub use environment::{is_soak, variable};
pub use socket::Socket;
