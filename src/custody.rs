//! The boundary to providers that pay withdrawals out.
//!
//! A provider is asked after a withdrawal is `PROCESSING`, outside of any transaction, and asked again while it gives no
//! clear answer. The order's id is the key by which it has to recognize an order that it has seen.

use std::time::Duration;

use db::wallets::withdrawal::payout::PayoutAnswer;
use domain::reason::Reason;
use domain::wallets::ProviderPayment;
use domain::wallets::withdrawal::Withdrawal;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// Longest wait for an answer. One that arrives later is read by the next request.
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
        Ok(Ok(answer)) if is_valid(&answer) => answer,
        Ok(Ok(answer)) => {
            tracing::error!(%withdrawal, ?answer, "the provider's answer is invalid; it is asked again");
            PayoutAnswer::Unclear
        }
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

/// Whether the texts of an answer can be stored.
fn is_valid(answer: &PayoutAnswer) -> bool {
    match answer {
        PayoutAnswer::Paid(payout) => {
            ProviderPayment::is_provider(&payout.provider)
                && ProviderPayment::is_reference(&payout.reference)
        }
        PayoutAnswer::Rejected(reason) => Reason::parse(reason).is_some(),
        PayoutAnswer::Taken | PayoutAnswer::Unclear => true,
    }
}
