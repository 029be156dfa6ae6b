//! The posting core against a model, and the checker against damage.

mod checker;
mod posting;
