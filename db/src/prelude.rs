//! Imports of every command: its descriptor, the request and the answer.

pub(crate) use domain::access::Action;
pub(crate) use uuid::Uuid;

pub(crate) use crate::command::{Command, KeyRule, Request, Stop, codes};
pub(crate) use crate::idempotency::{Answer, Key, once};
pub(crate) use crate::{DbError, Result, Tx};
