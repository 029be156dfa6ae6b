//! The boundary to providers that pay withdrawals out.
//!
//! A provider is asked after a withdrawal is `PROCESSING`, outside of any transaction, and asked again while it gives no
//! clear answer. The order's id is the key by which it has to recognize an order that it has seen.

use std::time::Duration;

use db::wallets::withdrawal::payout::PayoutAnswer;
use domain::wallets::withdrawal::Withdrawal;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// Longest wait for an answer. A later one is heard by the next question.
const PATIENCE: Duration = Duration::from_secs(10);

/// A provider that pays withdrawals out.
pub trait CustodyAdapter: Send + Sync {
    /// Pays an order, or says what became of it. Any error is an unclear answer.
    fn pay<'a>(&'a self, order: &'a Withdrawal) -> BoxFuture<'a, anyhow::Result<PayoutAnswer>>;
}

/// People pay by hand: FINANCE, or a service, records the outcome with `withdrawalComplete` or `withdrawalFail`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ManualCustody;

impl CustodyAdapter for ManualCustody {
    fn pay<'a>(&'a self, _: &'a Withdrawal) -> BoxFuture<'a, anyhow::Result<PayoutAnswer>> {
        async { Ok(PayoutAnswer::Taken) }.boxed()
    }
}

/// Asks a provider about an order. No answer in time, and an error, are [`PayoutAnswer::Unclear`].
pub async fn ask(adapter: &dyn CustodyAdapter, order: &Withdrawal) -> PayoutAnswer {
    let withdrawal = order.id.uuid;
    match tokio::time::timeout(PATIENCE, adapter.pay(order)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::warn!(%withdrawal, %error, "the provider failed; it is asked again");
            PayoutAnswer::Unclear
        }
        Err(_) => {
            tracing::warn!(%withdrawal, "the provider gave no answer in time; it is asked again");
            PayoutAnswer::Unclear
        }
    }
}
