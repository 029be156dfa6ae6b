//! The embedded default: a private PostgreSQL cluster for people without a `DATABASE_URL`.
//!
//! Nobody should have to install, configure or name a database server to try this program. So it
//! finds the binaries of a real PostgreSQL, keeps a cluster of its own beside the clone, listens on
//! a Unix socket only, and stops it at the end. What it promises:
//!
//! * one program per data folder: a file lock says who, and the holder owns the cluster it finds;
//! * a `kill -9` of the program, of the postmaster, or of both loses nothing: the next start takes
//!   over what still runs, or starts it again;
//! * nothing is left running after a failed start;
//! * root works too, by handing the cluster to an unprivileged account.
//!
//! `find` looks for binaries, `users` decides whose cluster it is and where it can live,
//! `lock` keeps others out, `postmaster` knows one running server, `cluster` puts them
//! together.

mod cluster;
mod find;
mod lock;
mod postmaster;
mod users;

pub use cluster::{Cluster, Options, running};
pub use users::DataDir;
