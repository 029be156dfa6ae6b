//! GraphiQL: the page, its files, and in development the tokens of demo people.
//!
//! The page is built from `web-admin/graphiql`; the built files are committed and embedded.

mod files;
mod people;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

pub use people::DemoPeople;

use super::HttpState;

/// Whether GraphiQL is served, and whether it offers demo people.
#[derive(Clone, Debug, Default)]
pub enum Graphiql {
    /// Not served.
    #[default]
    Off,
    /// Served; users paste their tokens.
    On,
    /// Served with tokens of demo people. Development only.
    WithPeople(Arc<DemoPeople>),
}

/// The routes of the enabled parts.
pub fn routes(graphiql: &Graphiql) -> Router<HttpState> {
    let page = || {
        Router::new()
            .route("/graphiql", get(files::page))
            .route("/graphiql/licenses.md", get(files::licenses))
            .route("/graphiql/assets/{name}", get(files::asset))
    };
    match graphiql {
        Graphiql::Off => Router::new(),
        Graphiql::On => page(),
        Graphiql::WithPeople(people) => {
            let people = Arc::clone(people);
            page().route(
                "/graphiql/people",
                get(move |state, request| people::list(Arc::clone(&people), state, request)),
            )
        }
    }
}
