//! A private PostgreSQL cluster for development and tests: used when there is no `DATABASE_URL`.
//!
//! The crate finds the programs of an installed PostgreSQL, keeps a cluster in a data folder, and listens on a Unix socket
//! only. It guarantees:
//!
//! * one process per data folder, by a file lock; the process that holds the lock owns the cluster it finds;
//! * a `kill -9` of the process, of PostgreSQL, or of both loses no committed data: the next start adopts the running
//!   server or starts a new one;
//! * a failed start leaves no server running;
//! * it works as root, because PostgreSQL runs under an unprivileged account.
//!
//! `binaries` finds PostgreSQL, `account` and `data_dir` choose the user and the folder, `lock` excludes other
//! processes, `server` controls one running server, `cluster` combines them.

mod account;
mod binaries;
mod cluster;
mod data_dir;
mod lock;
mod options;
mod server;

pub use cluster::{Cluster, command, running};
pub use data_dir::DataDir;
pub use options::Options;
