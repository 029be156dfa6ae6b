//! Mining's edges, loaded for all parents of a level at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use db::mining::referrals::{self, Place, Totals};
use db::mining::{InvitationSeen, MinerSeen, Referral, SessionSeen, circles, queries};
use db::{Count, Db, DbError, Page, Slice};
use domain::ids::{CircleId, CircleInvitationId, MinerId, ReferralId, SessionId, UserId};
use domain::mining::{
    Circle, CircleMember, Configuration, HistoryEntry, RateFacts, ReferralStatus,
};
use domain::time::Timestamp;
use uuid::Uuid;

/// Loads mining's edges.
pub(crate) struct MiningLoader {
    db: Db,
}

impl MiningLoader {
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

/// What mining is configured by at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConfigurationInForce;

/// The members of a circle.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MembersOf(pub CircleId);

/// The invitations of a circle that can still be answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PendingOf(pub CircleId);

/// What a miner's rate depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RateFactsOf(pub MinerId);

/// The newest session of a miner.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LatestSessionOf(pub MinerId);

/// A page of a miner's history.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct HistoryOf(pub MinerId, pub Page<(Timestamp, Uuid)>);

/// How long a miner's history is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct HistoryCountOf(pub MinerId);

/// What the people a miner brought come to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ReferralTotalsOf(pub MinerId);

/// A page of the people a miner brought, with a status or all.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ReferralsOf(pub MinerId, pub Option<ReferralStatus>, pub Page<Place>);

type Loaded<K, V> = Result<HashMap<K, V>, Arc<DbError>>;

impl Loader<ConfigurationInForce> for MiningLoader {
    type Value = Arc<Configuration>;
    type Error = Arc<DbError>;

    async fn load(
        &self,
        _: &[ConfigurationInForce],
    ) -> Loaded<ConfigurationInForce, Arc<Configuration>> {
        let configuration = self
            .db
            .read(async |conn| db::configuration::mining(conn).await)
            .await?;
        Ok(HashMap::from([(
            ConfigurationInForce,
            Arc::new(configuration),
        )]))
    }
}

impl Loader<MinerId> for MiningLoader {
    type Value = MinerSeen;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[MinerId]) -> Loaded<MinerId, MinerSeen> {
        let ids = keys.to_vec();
        let miners = self
            .db
            .read(async move |conn| queries::miners_by_id(conn, &ids).await)
            .await?;
        Ok(miners
            .into_iter()
            .map(|seen| (seen.miner.id, seen))
            .collect())
    }
}

impl Loader<UserId> for MiningLoader {
    type Value = MinerSeen;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[UserId]) -> Loaded<UserId, MinerSeen> {
        let ids = keys.to_vec();
        let miners = self
            .db
            .read(async move |conn| queries::miners_by_user(conn, &ids).await)
            .await?;
        Ok(miners
            .into_iter()
            .map(|seen| (seen.miner.user_id, seen))
            .collect())
    }
}

impl Loader<CircleId> for MiningLoader {
    type Value = Circle;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[CircleId]) -> Loaded<CircleId, Circle> {
        let ids = keys.to_vec();
        let circles = self
            .db
            .read(async move |conn| circles::by_id(conn, &ids).await)
            .await?;
        Ok(circles
            .into_iter()
            .map(|circle| (circle.id, circle))
            .collect())
    }
}

impl Loader<MembersOf> for MiningLoader {
    type Value = Vec<CircleMember>;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[MembersOf]) -> Loaded<MembersOf, Vec<CircleMember>> {
        let ids: Vec<CircleId> = keys.iter().map(|key| key.0).collect();
        let members = self
            .db
            .read(async move |conn| circles::members(conn, &ids).await)
            .await?;
        let mut of_circle: HashMap<_, Vec<_>> = HashMap::new();
        for member in members {
            of_circle
                .entry(MembersOf(member.circle_id))
                .or_default()
                .push(member);
        }
        Ok(of_circle)
    }
}

impl Loader<CircleInvitationId> for MiningLoader {
    type Value = InvitationSeen;
    type Error = Arc<DbError>;

    async fn load(
        &self,
        keys: &[CircleInvitationId],
    ) -> Loaded<CircleInvitationId, InvitationSeen> {
        let ids = keys.to_vec();
        let invitations = self
            .db
            .read(async move |conn| circles::invitations_by_id(conn, &ids).await)
            .await?;
        Ok(invitations
            .into_iter()
            .map(|seen| (seen.invitation.id, seen))
            .collect())
    }
}

impl Loader<PendingOf> for MiningLoader {
    type Value = Vec<InvitationSeen>;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[PendingOf]) -> Loaded<PendingOf, Vec<InvitationSeen>> {
        let ids: Vec<CircleId> = keys.iter().map(|key| key.0).collect();
        let invitations = self
            .db
            .read(async move |conn| circles::pending_invitations(conn, &ids).await)
            .await?;
        let mut of_circle: HashMap<_, Vec<_>> = HashMap::new();
        for seen in invitations {
            of_circle
                .entry(PendingOf(seen.invitation.circle_id))
                .or_default()
                .push(seen);
        }
        Ok(of_circle)
    }
}

impl Loader<RateFactsOf> for MiningLoader {
    type Value = RateFacts;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[RateFactsOf]) -> Loaded<RateFactsOf, RateFacts> {
        let ids: Vec<MinerId> = keys.iter().map(|key| key.0).collect();
        let facts = self
            .db
            .read(async move |conn| queries::rate_facts(conn, &ids).await)
            .await?;
        Ok(facts
            .into_iter()
            .map(|(id, facts)| (RateFactsOf(id), facts))
            .collect())
    }
}

impl Loader<LatestSessionOf> for MiningLoader {
    type Value = SessionSeen;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[LatestSessionOf]) -> Loaded<LatestSessionOf, SessionSeen> {
        let ids: Vec<MinerId> = keys.iter().map(|key| key.0).collect();
        let sessions = self
            .db
            .read(async move |conn| queries::latest_sessions(conn, &ids).await)
            .await?;
        Ok(sessions
            .into_iter()
            .map(|seen| (LatestSessionOf(seen.session.miner_id), seen))
            .collect())
    }
}

impl Loader<SessionId> for MiningLoader {
    type Value = SessionSeen;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[SessionId]) -> Loaded<SessionId, SessionSeen> {
        let ids = keys.to_vec();
        let sessions = self
            .db
            .read(async move |conn| queries::sessions_by_id(conn, &ids).await)
            .await?;
        Ok(sessions
            .into_iter()
            .map(|seen| (seen.session.id, seen))
            .collect())
    }
}

impl Loader<ReferralId> for MiningLoader {
    type Value = Referral;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[ReferralId]) -> Loaded<ReferralId, Referral> {
        let ids = keys.to_vec();
        let loaded = self
            .db
            .read(async move |conn| referrals::by_id(conn, &ids).await)
            .await?;
        Ok(loaded
            .into_iter()
            .map(|referral| (referral.id, referral))
            .collect())
    }
}

impl Loader<ReferralTotalsOf> for MiningLoader {
    type Value = Totals;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[ReferralTotalsOf]) -> Loaded<ReferralTotalsOf, Totals> {
        let ids: Vec<MinerId> = keys.iter().map(|key| key.0).collect();
        let totals = self
            .db
            .read(async move |conn| referrals::totals(conn, &ids).await)
            .await?;
        Ok(totals
            .into_iter()
            .map(|(id, totals)| (ReferralTotalsOf(id), totals))
            .collect())
    }
}

impl Loader<ReferralsOf> for MiningLoader {
    type Value = Slice<Referral>;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[ReferralsOf]) -> Loaded<ReferralsOf, Slice<Referral>> {
        let mut of_page: HashMap<_, Vec<MinerId>> = HashMap::new();
        for ReferralsOf(miner, status, page) in keys {
            of_page.entry((*status, page)).or_default().push(*miner);
        }
        let mut loaded = HashMap::new();
        // One statement for each distinct page asked for, whatever the number of miners.
        for ((status, page), ids) in of_page {
            let asked = page.clone();
            let slices = self
                .db
                .read(async move |conn| referrals::pages(conn, &ids, status, &asked).await)
                .await?;
            loaded.extend(
                slices
                    .into_iter()
                    .map(|(id, slice)| (ReferralsOf(id, status, page.clone()), slice)),
            );
        }
        Ok(loaded)
    }
}

impl Loader<HistoryOf> for MiningLoader {
    type Value = Slice<HistoryEntry>;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[HistoryOf]) -> Loaded<HistoryOf, Slice<HistoryEntry>> {
        let mut of_page: HashMap<&Page<_>, Vec<MinerId>> = HashMap::new();
        for HistoryOf(miner, page) in keys {
            of_page.entry(page).or_default().push(*miner);
        }
        let mut loaded = HashMap::new();
        // One statement for each distinct page asked for, whatever the number of miners.
        for (page, ids) in of_page {
            let asked = page.clone();
            let slices = self
                .db
                .read(async move |conn| queries::histories(conn, &ids, &asked).await)
                .await?;
            loaded.extend(
                slices
                    .into_iter()
                    .map(|(id, slice)| (HistoryOf(id, page.clone()), slice)),
            );
        }
        Ok(loaded)
    }
}

impl Loader<HistoryCountOf> for MiningLoader {
    type Value = Count;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[HistoryCountOf]) -> Loaded<HistoryCountOf, Count> {
        let ids: Vec<MinerId> = keys.iter().map(|key| key.0).collect();
        let counts = self
            .db
            .read(async move |conn| queries::history_counts(conn, &ids).await)
            .await?;
        Ok(counts
            .into_iter()
            .map(|(id, count)| (HistoryCountOf(id), count))
            .collect())
    }
}
