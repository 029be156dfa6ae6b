//! A subscription while it goes on: counted and remembered once it has turned out to be one, each event paid for.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_graphql::Response;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::rate::{Buckets, Payer};
use super::reply::is_request_error;

/// Runs something after the first look at a subscription, with whether it was executed: the engine has looked at the
/// document before it first answers or waits.
pub fn after_first_look(
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

/// Takes what an event costs from its caller's budget before the next one is looked at. Where that is spent, the
/// subscription waits, and what happens meanwhile is coalesced.
pub fn paid(
    responses: BoxStream<'static, Response>,
    buckets: Arc<Buckets>,
    payer: Payer,
    cost: u64,
) -> BoxStream<'static, Response> {
    let pay = async move |is_paid: bool| {
        if is_paid {
            return;
        }
        while let Err(too_much) = buckets.pay(&payer, cost) {
            let seconds = too_much.retry_after_seconds.max(1);
            tokio::time::sleep(Duration::from_secs(seconds.into())).await;
        }
    };
    stream::unfold(
        (responses, pay, true),
        async |(mut responses, pay, is_paid)| {
            pay(is_paid).await;
            let response = responses.next().await?;
            Some((response, (responses, pay, false)))
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
    async fn events_come_as_fast_as_they_are_paid_for() {
        let rates = Rates {
            anonymous: 10,
            ..Rates::default()
        };
        let buckets = Arc::new(Buckets::new(rates, resolvers::limits::Mode::Enforce));
        let payer = Payer::Address([192, 0, 2, 1].into());
        let events = stream::repeat_with(|| Response::new(true)).boxed();
        let mut paid = paid(events, buckets, payer, 50);
        // The first was paid for by asking; two more empty the bucket of 100 points.
        for _ in 0..3 {
            assert!(paid.next().now_or_never().is_some());
        }
        let began_at = tokio::time::Instant::now();
        for _ in 0..4 {
            assert!(paid.next().await.is_some());
        }
        let took = began_at.elapsed().as_secs();
        assert!((19..=24).contains(&took), "4 × 50 points in {took} s");
    }
}
