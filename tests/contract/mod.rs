//! What others rely on: the schema, who may see what, how many statements an operation takes.

mod access;
mod coverage;
mod schema;
mod statements;
