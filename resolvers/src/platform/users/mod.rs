//! People, services, roles and permissions.

mod objects;

pub(crate) use objects::Profiles;
pub use objects::{Actor, Role, Scope, Service, User, VIEWER, ViewerAccount};
