//! Postings against a model, the checker, and lost connections.

mod checker;
mod connections;
mod lost_commit;
mod posting;
