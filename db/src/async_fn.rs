//! Async closures whose futures can be sent to another thread.

use crate::{Connection, Result};

/// An async closure with a nameable future: `AsyncFnOnce` alone cannot require that the future is `Send`.
pub trait AsyncFunc<A, R>:
    AsyncFnOnce(A) -> R + FnOnce(A) -> <Self as AsyncFunc<A, R>>::Fut
{
    /// The future.
    type Fut: Future<Output = R>;
}

impl<F, A, Fut, R> AsyncFunc<A, R> for F
where
    F: AsyncFnOnce(A) -> R + FnOnce(A) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

/// Statements on a connection, which may run twice.
pub trait Statements<T>:
    for<'c> AsyncFnOnce(&'c mut Connection) -> Result<T>
    + for<'c> AsyncFunc<&'c mut Connection, Result<T>, Fut: Send>
    + Clone
    + Send
{
}

impl<T, F> Statements<T> for F where
    F: for<'c> AsyncFnOnce(&'c mut Connection) -> Result<T>
        + for<'c> AsyncFunc<&'c mut Connection, Result<T>, Fut: Send>
        + Clone
        + Send
{
}
