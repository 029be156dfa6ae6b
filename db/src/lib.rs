//! The only SQL: loads, asks `domain`, stores, inside one transaction.
//!
//! Start at [`Db`]: [`Db::read`] lends a connection to queries, [`Db::write`] is the one door to a transaction and
//! hands commands a [`Tx`]. Each context has `rows` (tables as structs), `queries` (take a connection) and `commands`
//! (take a `Tx`). Rules are not here: they are in `domain`.

pub mod approvals;
pub mod audit;
pub mod audit_log;
pub mod clock;
pub mod configuration;
pub mod demo;
mod error;
pub mod idempotency;
mod ids;
pub mod jobs;
pub mod migrate;
pub mod mining;
pub mod outbox;
mod paging;
mod pool;
pub mod record;
pub mod schema;
pub mod tables;
mod text;
mod tx;
pub mod users;
pub mod wallets;

pub use error::DbError;
pub use ids::Ids;
pub use paging::{Count, Page, Slice};
pub use pool::{Connection, Connections, Db, Settings, Tls, ping};
pub use tx::Tx;
