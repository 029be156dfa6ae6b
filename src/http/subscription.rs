//! Wrappers of a subscription's stream of responses.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_graphql::Response;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::rate::{Buckets, RateKey};
use super::reply::is_request_error;

/// Calls `then` after the first poll, with whether the subscription was executed. The engine validates the document during
/// the first poll.
pub fn after_first_poll(
    mut responses: BoxStream<'static, Response>,
    then: impl FnOnce(bool) + Send + 'static,
) -> BoxStream<'static, Response> {
    let mut then = Some(then);
    stream::poll_fn(move |context| {
        let polled = responses.poll_next_unpin(context);
        if let Some(then) = then.take() {
            let is_refused =
                matches!(&polled, Poll::Ready(Some(response)) if is_request_error(response));
            then(!is_refused);
        }
        polled
    })
    .boxed()
}

/// Charges the caller for each event before the next one is polled. Without enough points the stream waits; updates are
/// coalesced meanwhile.
pub fn charged(
    responses: BoxStream<'static, Response>,
    buckets: Arc<Buckets>,
    key: RateKey,
    cost: u64,
) -> BoxStream<'static, Response> {
    let charge = async move |is_charged: bool| {
        if is_charged {
            return;
        }
        while let Err(exceeded) = buckets.charge_operation(&key, cost) {
            let seconds = exceeded.retry_after_seconds.max(1);
            tokio::time::sleep(Duration::from_secs(seconds.into())).await;
        }
    };
    stream::unfold(
        (responses, charge, true),
        async |(mut responses, charge, is_charged)| {
            charge(is_charged).await;
            let response = responses.next().await?;
            Some((response, (responses, charge, false)))
        },
    )
    .boxed()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::super::rate::Rates;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn delays_events_until_they_are_charged() {
        let rates = Rates {
            anonymous: 10,
            ..Rates::default()
        };
        let buckets = Arc::new(Buckets::new(rates, resolvers::limits::Mode::Enforce));
        let key = RateKey::Address([192, 0, 2, 1].into());
        let events = stream::repeat_with(|| Response::new(true)).boxed();
        let mut events = charged(events, buckets, key, 50);
        // The operation was charged for the first event; two more empty the bucket of 100 points.
        for _ in 0..3 {
            assert!(events.next().now_or_never().is_some());
        }
        let started_at = tokio::time::Instant::now();
        for _ in 0..4 {
            assert!(events.next().await.is_some());
        }
        let took = started_at.elapsed().as_secs();
        assert!((19..=24).contains(&took), "4 × 50 points in {took} s");
    }
}
