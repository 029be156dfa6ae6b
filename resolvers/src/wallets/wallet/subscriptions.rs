//! Root fields of Subscription about wallets.

use std::collections::HashMap;
use std::time::Duration;

use async_graphql::Subscription;
use db::wallets::wallet::queries::wallets_of;
use domain::access::Denied;
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, sleep_until};

use super::objects::Wallet;
use crate::events::events;
use crate::prelude::*;
use crate::wallets::live::{WalletTopic, WalletUpdate};

/// Least time between two events of a subscription.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// Live updates of wallets.
#[derive(Default)]
pub struct WalletSubscription;

#[Subscription]
impl WalletSubscription {
    /// Wallets of a person after a change, the last state at most 10 times a second.
    async fn wallet_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Person to follow, for staff; null for the caller.")] user_id: Option<
            OwnerKey,
        >,
    ) -> FieldResult<impl Stream<Item = FieldResult<WalletEvent>> + use<>> {
        let user = followed(ctx, user_id)?;
        let operation = ctx.shared_operation();
        // Reads the versions, then subscribes, as for miners.
        let db = ctx.db().clone();
        let now = ctx
            .db()
            .read(async move |conn| wallets_of(&db, conn, user.into()).await)
            .await
            .map_err(ApiError::from)?;
        let mut last: HashMap<_, _> = now
            .into_iter()
            .map(|wallet| (wallet.currency.code, wallet.version))
            .collect();
        let subscribers = operation.services.events.subscribers::<WalletTopic>();
        let updates = subscribers.subscribe(user);
        let event = move |update: Arc<WalletUpdate>| {
            let wallet = &update.wallet;
            let is_new = last
                .get(&wallet.currency.code)
                .is_none_or(|last| wallet.version > *last);
            let principal = &operation.caller.principal;
            let shown = is_new.then(|| Wallet::for_principal(principal, wallet));
            let event = WalletEvent::of(&update, shown.flatten()?);
            last.insert(wallet.currency.code, wallet.version);
            Some(event)
        };
        Ok(events(paced(updates), event))
    }
}

/// The person whose wallets are followed, if the caller may.
fn followed(ctx: &Context<'_>, user_id: Option<OwnerKey>) -> Result<UserId> {
    let principal = ctx.principal();
    let caller = principal.person().map(|person| person.id);
    let user = user_id.map(UserId::from).or(caller);
    let relation = match user {
        Some(user) if user_id.is_some() => principal.relation_to(user),
        _ => true.into(),
    };
    principal.check(Action::WalletFollow, relation)?;
    user.ok_or_else(|| Denied::Forbidden.into())
}

/// Leaves the least time between two items. Items that wait can still be replaced by newer ones.
fn paced<S: Stream + Unpin>(updates: S) -> impl Stream<Item = S::Item> {
    futures_util::stream::unfold((updates, None::<Instant>), async |(mut updates, last)| {
        if let Some(last) = last {
            sleep_until(last + MIN_INTERVAL).await;
        }
        let item = updates.next().await?;
        Some((item, (updates, Some(Instant::now()))))
    })
}

object! {
    /// A wallet after a change.
    WalletEvent(update: &WalletUpdate, wallet: Wallet) {
        /// Time of the change.
        occurred_at: DateTime = update.occurred_at.into(),
        /// `Wallet.version` after the change; it never decreases, a gap means that events were merged.
        sequence: BigInt = BigInt(update.wallet.version),
        /// The wallet as it is now.
        wallet: Wallet = wallet,
    }
}
