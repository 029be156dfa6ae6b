//! People, services, roles and permissions.

mod objects;

pub use objects::{
    Actor, Permission, Profiles, Role, Scope, Service, User, VIEWER, ViewerAccount,
};
