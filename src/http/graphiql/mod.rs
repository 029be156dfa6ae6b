//! GraphiQL for partners: the page, its files, and in development the people one can be.
//!
//! It is built from `web-admin/graphiql`, and what was built is committed and embedded.

mod files;
mod people;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

pub use people::DemoPeople;

use super::HttpState;

/// Whether it is served, and to whom one can sign in by name.
#[derive(Clone, Debug, Default)]
pub enum Graphiql {
    /// Nothing of it is there.
    #[default]
    Off,
    /// People bring their tokens.
    On,
    /// They may also be somebody of the demo data. Development only.
    WithPeople(Arc<DemoPeople>),
}

/// The paths; what isn't served has none.
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
