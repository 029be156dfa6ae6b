//! The ledger's live updates.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Result as FieldResult, SimpleObject, Subscription};
use domain::access::{Action, Denied, Principal, Relation};
use domain::ids::UserId;
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::live::{WalletTopic, WalletUpdate};
use super::objects::Wallet;
use crate::errors::ApiError;
use crate::events::events;
use crate::request::Asked;
use crate::scalars::DateTime;

/// The least time between two events of a subscription.
const PAUSE: Duration = Duration::from_millis(100);

/// The ledger's live updates.
#[derive(Default)]
pub struct WalletsSubscription;

#[Subscription]
impl WalletsSubscription {
    /// The caller's wallets, or as staff those of another person, after something moved in them: the newest state, at
    /// most ten times a second. `sequence` never goes back; a gap means that something was left out. Requires: a
    /// signed-in user; with `userId`, role SUPPORT, FINANCE or ADMIN.
    async fn wallet_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Somebody else's wallets; staff only.")] user_id: Option<Uuid>,
    ) -> FieldResult<impl Stream<Item = FieldResult<WalletEvent>> + use<>> {
        let user = followed(ctx, user_id)?;
        let operation = ctx.shared_operation();
        // First what there is, then what happens, as with miners.
        let db = ctx.db().clone();
        let now = ctx
            .db()
            .read(async move |conn| db::wallets::queries::wallets_of(&db, conn, user.into()).await)
            .await
            .map_err(ApiError::from)?;
        let mut last: HashMap<_, _> = now
            .into_iter()
            .map(|wallet| (wallet.currency.code, wallet))
            .collect();
        let news = operation
            .services
            .events
            .subscribers::<WalletTopic>()
            .subscribe(user);
        let event = move |news: Arc<WalletUpdate>| {
            let wallet = &news.wallet;
            let is_new = last.get(&wallet.currency.code).is_none_or(|last| {
                wallet.sequence > last.sequence
                    || (wallet.sequence == last.sequence && wallet != last)
            });
            let event = is_new
                .then(|| WalletEvent::of(&operation.caller.principal, &news))
                .flatten()?;
            last.insert(wallet.currency.code, wallet.clone());
            Some(event)
        };
        Ok(events(paced(news), event))
    }
}

/// Whose wallets a subscription follows, if the caller may.
fn followed(ctx: &Context<'_>, user_id: Option<Uuid>) -> Result<UserId, ApiError> {
    let caller = ctx.principal().person().map(|person| person.id);
    let own = user_id.is_none() || user_id == caller.map(|id| id.0);
    ctx.principal()
        .check(Action::WalletFollow, Relation::from(own))?;
    let user = user_id.map(UserId).or(caller);
    user.ok_or_else(|| Denied::Forbidden.into())
}

/// Leaves the least time between two items. What comes meanwhile waits where it can still be replaced by newer state.
fn paced<S: Stream + Unpin>(news: S) -> impl Stream<Item = S::Item> {
    futures_util::stream::unfold((news, None::<Instant>), async |(mut news, last)| {
        if let Some(last) = last {
            sleep_until(last + PAUSE).await;
        }
        let item = news.next().await?;
        Some((item, (news, Some(Instant::now()))))
    })
}

/// A wallet after something moved in it.
#[derive(SimpleObject)]
pub struct WalletEvent {
    /// The wallet after it.
    pub wallet: Wallet,
    /// The wallet's own count of entries: it never goes back, gaps mean that something was left out.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
}

impl WalletEvent {
    /// The event as subscribers see it; none for who may not see it any more.
    fn of(principal: &Principal, news: &WalletUpdate) -> Option<Self> {
        Some(Self {
            wallet: Wallet::for_principal(principal, &news.wallet)?,
            sequence: i32::try_from(news.wallet.sequence).unwrap_or(i32::MAX),
            occurred_at: news.occurred_at.into(),
        })
    }
}
