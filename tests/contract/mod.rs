//! Contracts: the schema, access, the number of statements of operations, GraphiQL's examples,
//! and the documents' statements about them.

mod access;
mod audiences;
mod campaigns;
mod circles;
mod coverage;
mod distribution;
mod documents;
mod eager;
mod graphiql;
mod holds;
mod house;
mod idempotency;
mod keys;
mod mutations;
mod nulls;
mod payments;
mod rows;
mod schema;
mod search;
mod statements;
mod visibility;
mod vouchers;
