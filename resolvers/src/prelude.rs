//! Imports of the contexts' objects, queries and mutations.

pub(crate) use std::sync::Arc;

pub(crate) use async_graphql::{
    ComplexObject, Context, InputObject, Object, Result as FieldResult,
};
pub(crate) use db::DbError;
pub(crate) use domain::access::{Action, Principal, Relation};
pub(crate) use domain::ids::*;
pub(crate) use domain::time::Timestamp;
pub(crate) use futures_util::FutureExt;
pub(crate) use uuid::Uuid;

pub(crate) use crate::command::{load, load_some, mutations};
pub(crate) use crate::eager::{Ready, ReadyList};
pub(crate) use crate::enums::{EnumOf, EnumValue};
pub(crate) use crate::errors::{ApiError, Code, Loaded, Result};
pub(crate) use crate::inputs::OwnerKey;
pub(crate) use crate::node::{Edge, GlobalId, Id, Node, NodeKey, NodeType, node, owned_keys};
pub(crate) use crate::object::object;
pub(crate) use crate::paging::{PageArgs, connection, list_field, read_list};
pub(crate) use crate::request::OperationContext;
pub(crate) use crate::scalars::{BigInt, DateTime, Decimal};
pub(crate) use crate::user_errors::user_error;
