//! Live updates: topics read what events changed, once for all subscribers of this instance, and publish it to them.
//!
//! A context implements [`Topic`] for each of its subscriptions; the [`EventBus`] holds the topics. Updates carry the
//! data that subscribers select. A slow subscriber gets the newest state instead of every event, and is disconnected in
//! the end; it never delays others.

mod bus;
mod mailbox;
mod subscribers;
mod topic;

use std::sync::Arc;

use async_graphql::Result as FieldResult;
use futures_util::{Stream, StreamExt};

use crate::errors::{ApiError, Code, TOO_SLOW};

pub use bus::EventBus;
pub use mailbox::{PATIENCE, TooSlow, Update};
pub use subscribers::{Subscribers, Updates};
pub use topic::{SubscribersOf, Topic, UpdatesOf};

impl From<TooSlow> for ApiError {
    fn from(_: TooSlow) -> Self {
        let message = "events were not read in time: query the current state, and subscribe again";
        Self::new(Code::LimitExceeded, message).because(TOO_SLOW)
    }
}

/// The stream of a subscription field: the events made from updates, and the error that ends a slow subscriber.
pub(crate) fn events<S, U, E>(
    updates: S,
    mut event: impl FnMut(Arc<U>) -> Option<E> + Send + 'static,
) -> impl Stream<Item = FieldResult<E>>
where
    S: Stream<Item = Result<Arc<U>, TooSlow>>,
{
    updates.filter_map(move |update| {
        std::future::ready(match update {
            Ok(update) => event(update).map(Ok),
            Err(slow) => Some(Err(ApiError::from(slow).into())),
        })
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;

    use super::*;

    #[test]
    fn ends_a_slow_subscriber_with_an_error() {
        let updates = futures_util::stream::iter([Err::<Arc<()>, _>(TooSlow)]);
        let sent = events(updates, |_| Some(1)).collect::<Vec<_>>();
        let mut sent = futures_util::FutureExt::now_or_never(sent).unwrap();
        assert_eq!(sent.len(), 1);
        let error = sent.pop().unwrap().unwrap_err();
        let extensions = error.extensions.unwrap();
        assert_eq!(extensions.get("reason"), Some(&Value::from(TOO_SLOW)));
    }
}
