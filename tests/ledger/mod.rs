//! Postings against a model, the checker, and lost connections.

mod checker;
mod connections;
mod currencies;
mod homes;
mod locks;
mod lost_commit;
mod model;
mod partitions;
mod posting;
mod round_trips;
mod statements;
