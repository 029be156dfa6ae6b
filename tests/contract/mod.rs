//! What others rely on: the schema, who may see what, how many statements an operation takes, GraphiQL's examples,
//! and what documents say of all that.

mod access;
mod audiences;
mod coverage;
mod documents;
mod graphiql;
mod mutations;
mod plain;
mod schema;
mod statements;
