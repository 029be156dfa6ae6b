//! What happens, as it happens: news of this and other instances, handed to whoever follows their subject.
//!
//! A subject is read once for all its followers, so news carry what subscribers may ask of them. Subscribers that read
//! slowly get the newest state instead of every event, and are let go in the end; nobody delays anybody.

mod followers;
mod mailbox;

use std::sync::Arc;

use async_graphql::Result as FieldResult;
use db::mining::{CircleSeen, MinerSeen};
use db::outbox::Event;
use domain::ids::{CircleId, UserId};
use domain::mining::Configuration;
use domain::money::CurrencyCode;
use domain::time::Timestamp;
use domain::wallets::Wallet;
use futures_util::{Stream, StreamExt};
use tokio::sync::Notify;

use crate::errors::ApiError;

pub use followers::{Follower, Followers};
pub use mailbox::{News, PATIENCE, TooSlow};

/// Hands news to subscribers of this instance. Clones share one.
#[derive(Clone, Debug, Default)]
pub struct EventBus {
    /// What happens to miners, by their person.
    pub miners: Followers<UserId, MinerNews>,
    /// What moves in the wallets of a person.
    pub wallets: Followers<UserId, WalletNews>,
    /// What happens to circles, as each member sees it and by circle.
    pub circles: Followers<CircleSubject, CircleNews>,
    /// Changes of the leaderboard's top.
    pub leaderboard: Followers<(), LeaderboardNews>,
    leaderboard_touched: Arc<Notify>,
}

/// Something that happened to a miner.
#[derive(Clone, Debug)]
pub struct MinerNews {
    /// What happened.
    pub kind: MinerNewsKind,
    /// The event as it was written.
    pub event: Event,
    /// The miner after it.
    pub miner: MinerSeen,
    /// What streaks and rates are judged by.
    pub configuration: Arc<Configuration>,
}

/// What subscribers are told of miners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinerNewsKind {
    /// A session began.
    SessionStarted,
    /// A session was paid.
    SessionPaid,
    /// The first day of a streak's tier was reached.
    MilestoneReached,
    /// A streak was lost.
    StreakBroken,
    /// Somebody they referred began to count.
    ReferralActivated,
    /// They were suspended or restored.
    StatusChanged,
    /// They are something else to the platform.
    RoleChanged,
    /// Somebody they referred counts no more.
    ReferralDeactivated,
    /// A broken streak was recovered.
    StreakRecovered,
    /// Points were corrected.
    PointsAdjusted,
    /// A session ran to its end.
    SessionCompleted,
    /// A session was not claimed in time, or a ban ended it.
    SessionExpired,
    /// They were invited into a circle.
    InvitationReceived,
}

impl MinerNewsKind {
    /// What an event is to subscribers; none for what they are not told of.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        if event.subject_kind != "miner" {
            return None;
        }
        let source = event.payload.get("source");
        match event.name.as_str() {
            "MiningSessionStarted" => Some(Self::SessionStarted),
            "PointsMined" if source.is_some_and(|source| source == "SESSION") => {
                Some(Self::SessionPaid)
            }
            "StreakMilestoneReached" => Some(Self::MilestoneReached),
            "StreakBroken" => Some(Self::StreakBroken),
            "ReferralActivated" => Some(Self::ReferralActivated),
            "MinerSuspended" | "MinerRestored" | "MinerBanned" => Some(Self::StatusChanged),
            "MinerRoleChanged" => Some(Self::RoleChanged),
            "ReferralDeactivated" => Some(Self::ReferralDeactivated),
            "StreakRecovered" => Some(Self::StreakRecovered),
            "PointsAdjusted" => Some(Self::PointsAdjusted),
            "MiningSessionCompleted" => Some(Self::SessionCompleted),
            "MiningSessionExpired" => Some(Self::SessionExpired),
            "CircleInvitationReceived" => Some(Self::InvitationReceived),
            _ => None,
        }
    }
}

/// Something that moved in a wallet.
#[derive(Clone, Debug)]
pub struct WalletNews {
    /// The wallet after it.
    pub wallet: Wallet,
    /// When it moved.
    pub occurred_at: Timestamp,
}

/// Whose circle, or which one, is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CircleSubject {
    /// Whichever this person is in at the time.
    Of(UserId),
    /// This one.
    Circle(CircleId),
}

/// A circle after something happened to it.
#[derive(Clone, Debug)]
pub struct CircleNews {
    /// The circle with who is in it; none for a person who is in none any more.
    pub circle: Option<Arc<CircleSeen>>,
    /// The system's time when that was read.
    pub at: Timestamp,
}

/// The leaderboard's top, after it changed.
#[derive(Clone, Debug)]
pub struct LeaderboardNews {
    /// The miners, from the first place down.
    pub top: Vec<Arc<MinerSeen>>,
    /// The system's time when they were read.
    pub at: Timestamp,
    /// What streaks are judged by.
    pub configuration: Arc<Configuration>,
}

impl News for MinerNews {
    type Kind = MinerNewsKind;
    const TOPIC: &'static str = "miner";
    const KEEP: usize = 64;

    fn kind(&self) -> MinerNewsKind {
        self.kind
    }
}

impl News for WalletNews {
    type Kind = CurrencyCode;
    const TOPIC: &'static str = "wallet";
    const KEEP: usize = 0;

    fn kind(&self) -> CurrencyCode {
        self.wallet.currency.code
    }
}

impl News for CircleNews {
    type Kind = ();
    const TOPIC: &'static str = "circle";
    const KEEP: usize = 0;

    fn kind(&self) {}
}

impl News for LeaderboardNews {
    type Kind = ();
    const TOPIC: &'static str = "leaderboard";
    const KEEP: usize = 0;

    fn kind(&self) {}
}

impl EventBus {
    /// Whether anybody follows anything.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.counts().iter().any(|(_, count)| *count > 0)
    }

    /// How many follow something, by topic.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, usize); 4] {
        [
            (MinerNews::TOPIC, self.miners.count()),
            (WalletNews::TOPIC, self.wallets.count()),
            (CircleNews::TOPIC, self.circles.count()),
            (LeaderboardNews::TOPIC, self.leaderboard.count()),
        ]
    }

    /// How many follow something.
    #[must_use]
    pub fn count(&self) -> usize {
        self.counts().iter().map(|(_, count)| count).sum()
    }

    /// Tells that the leaderboard may have changed.
    pub fn touch_leaderboard(&self) {
        if self.leaderboard.is_followed() {
            self.leaderboard_touched.notify_one();
        }
    }

    /// Waits until the leaderboard may have changed; once for all that was told since the last time.
    pub async fn leaderboard_touched(&self) {
        self.leaderboard_touched.notified().await;
    }
}

/// What a subscriber gets of what it follows: the events that news make, if they make one, and that it was too slow.
pub(crate) fn events<S, N, E>(
    news: S,
    mut event: impl FnMut(Arc<N>) -> Option<E> + Send + 'static,
) -> impl Stream<Item = FieldResult<E>>
where
    S: Stream<Item = Result<Arc<N>, TooSlow>>,
{
    news.filter_map(move |news| {
        std::future::ready(match news {
            Ok(news) => event(news).map(Ok),
            Err(slow) => Some(Err(ApiError::from(slow).into())),
        })
    })
}

impl LeaderboardNews {
    /// Whether the first places show something else than before.
    #[must_use]
    pub fn differs(&self, before: &Self, places: usize) -> bool {
        let first = |news: &Self| news.top.len().min(places);
        first(self) != first(before)
            || self
                .top
                .iter()
                .zip(&before.top)
                .take(places)
                .any(|(after, before)| !shows_the_same(after, before))
    }
}

/// Whether others see the same of a miner: versions and sessions are not shown.
fn shows_the_same(a: &MinerSeen, b: &MinerSeen) -> bool {
    let shown = |seen: &MinerSeen| (seen.miner.id, seen.miner.role, seen.miner.lifetime_points);
    shown(a) == shown(b) && a.display_name == b.display_name && a.miner.streak == b.miner.streak
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;

    use super::*;
    use crate::errors::TOO_SLOW;

    #[test]
    fn who_is_too_slow_is_told_so_at_the_end() {
        let news = futures_util::stream::iter([Err::<Arc<()>, _>(TooSlow)]);
        let told = events(news, |_| Some(1)).collect::<Vec<_>>();
        let mut told = futures_util::FutureExt::now_or_never(told).unwrap();
        assert_eq!(told.len(), 1);
        let error = told.pop().unwrap().unwrap_err();
        let extensions = error.extensions.unwrap();
        assert_eq!(extensions.get("reason"), Some(&Value::from(TOO_SLOW)));
    }
}
