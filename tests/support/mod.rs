//! The harness: a server for each test over a database of its own, and actors that use it.
//!
//! A test runs a mutation with `alice.run("circleRename", input).await` or a verb such as `alice.rename("A").await` and
//! looks at its `Outcome`: `ok()`, `refused(code, path)`, `error(code)`, `replayed()`. `at_once` runs several at the same
//! time. `app.miner().streak(7).in_circle(3).await` makes a miner; `app.events`, `app.audited`, `app.transfers`,
//! `app.row` and `app.count` read the database. Names of the schema are in `selections`, `samples` and `verbs`.

mod actor;
mod app;
mod builders;
mod cluster;
pub mod dice;
mod environment;
pub mod events;
mod facts;
pub mod keys;
pub mod lock;
mod patience;
mod postgres;
pub mod promotions;
pub mod qr;
pub mod rounds;
mod run;
pub mod samples;
mod selections;
mod socket;
mod verbs;
pub mod wallets;

pub use actor::{Actor, Answer, viewer_id};
pub use app::{TestApp, on_servers, test, test_with};
pub use builders::Miner;
pub use cluster::Cluster;
pub use environment::{is_soak, number_of, variable};
pub use facts::{Event, assert_includes, at, number};
pub use patience::{PATIENCE, in_time};
pub use postgres::{PgBouncer, Postgres, Servers};
pub use run::{Outcome, Run, at_once, merged};
pub use socket::Socket;
