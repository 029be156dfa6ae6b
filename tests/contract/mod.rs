//! What others rely on: the schema, who may see what, how many statements an operation takes, GraphiQL's examples.

mod access;
mod coverage;
mod graphiql;
mod plain;
mod schema;
mod statements;
