//! Imports of commands, queries and rows.

pub(crate) use diesel::pg::Pg;
pub(crate) use diesel::{
    BoolExpressionMethods, ExpressionMethods, HasQuery, Insertable, JoinOnDsl, OptionalExtension,
    QueryDsl, Queryable, QueryableByName, SelectableHelper,
};
pub(crate) use diesel_async::RunQueryDsl;
pub(crate) use domain::ids::*;
pub(crate) use domain::time::Timestamp;
pub(crate) use uuid::Uuid;

pub(crate) use crate::command::{Request, Stop, commands};
pub(crate) use crate::idempotency::{Answer, Key, once, once_reading};
pub(crate) use crate::text::{fit, read_name, values};
pub(crate) use crate::{Connection, Count, DbError, Page, Result, Slice, Tx};
