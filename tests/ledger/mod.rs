//! The posting core against a model, the checker against damage, connections against being cut.

mod checker;
mod connections;
mod lost_commit;
mod posting;
