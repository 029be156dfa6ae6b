//! Edges of mining, loaded for all parents of a level at once.

use db::mining::miner::queries::HistoryFilter;
use db::mining::referral::queries::{Place, Totals};
use db::mining::{
    InvitationSeen, MinerSeen, Referral, SessionSeen, circle, configuration, miner, referral,
    session,
};
use db::{Count, Page, Slice};
use domain::mining::{
    Circle, CircleMember, Configuration, HistoryEntry, RateFacts, ReferralStatus,
};

use crate::loading::{by_key, grouped, loader, pages};
use crate::prelude::*;

loader! {
    /// Loads edges of mining.
    MiningLoader
}

/// Declares keys of edges.
macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident($($part:ty),+);)+) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub(crate) struct $key($(pub $part),+);)+
    };
}

keys! {
    /// Members of a circle.
    MembersOf(CircleId);
    /// Pending invitations of a circle.
    PendingOf(CircleId);
    /// Facts that a miner's rate follows from.
    RateFactsOf(UserId);
    /// Newest session of a miner.
    LatestSessionOf(UserId);
    /// Numbers of a miner's referrals.
    ReferralTotalsOf(UserId);
    /// Referral by the users of referrer and referred miner.
    ReferralOf(UserId, UserId);
    /// Page of a miner's history.
    HistoryOf(UserId, (HistoryFilter, Page<(Timestamp, Uuid)>));
    /// Length of a miner's history.
    HistoryCountOf(UserId, HistoryFilter);
    /// Page of a miner's referrals.
    ReferralsOf(UserId, (Option<ReferralStatus>, Page<Place>));
}

/// The configuration in force.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConfigurationInForce;

by_key!(MiningLoader, ConfigurationInForce => Arc<Configuration>,
    |conn, _keys| async {
        let in_force = configuration::in_force(conn).await?;
        Ok::<_, db::DbError>(vec![Arc::new(in_force)])
    },
    |configuration| (ConfigurationInForce, configuration));

by_key!(MiningLoader, UserId => MinerSeen,
    |conn, ids| miner::queries::miners_by_user(conn, &ids),
    |seen| (seen.miner.id.user, seen));

by_key!(MiningLoader, RateFactsOf => RateFacts,
    |conn, keys| async { miner::queries::rate_facts(conn, &ids(&keys, |key| key.0)).await },
    |(id, facts)| (RateFactsOf(id), facts));

by_key!(MiningLoader, HistoryId => HistoryEntry,
    |conn, ids| miner::queries::history_by_id(conn, &ids),
    |entry| (entry.id, entry));

by_key!(MiningLoader, SessionId => SessionSeen,
    |conn, ids| session::queries::sessions_by_id(conn, &ids),
    |seen| (seen.session.id, seen));

by_key!(MiningLoader, LatestSessionOf => SessionSeen,
    |conn, keys| async { session::queries::latest_sessions(conn, &ids(&keys, |key| key.0)).await },
    |seen| (LatestSessionOf(seen.session.id.user), seen));

by_key!(MiningLoader, CircleId => Circle,
    |conn, ids| circle::queries::by_id(conn, &ids),
    |circle| (circle.id, circle));

by_key!(MiningLoader, CircleInvitationId => InvitationSeen,
    |conn, ids| circle::queries::invitations_by_id(conn, &ids),
    |seen| (seen.invitation.id, seen));

by_key!(MiningLoader, MembersOf => Vec<CircleMember>,
    |conn, keys| async {
        let members = circle::queries::members(conn, &ids(&keys, |key| key.0)).await?;
        Ok::<_, db::DbError>(grouped(members, |member| MembersOf(member.circle_id)))
    },
    |group| group);

by_key!(MiningLoader, PendingOf => Vec<InvitationSeen>,
    |conn, keys| async {
        let pending = circle::queries::pending_invitations(conn, &ids(&keys, |key| key.0)).await?;
        Ok::<_, db::DbError>(grouped(pending, |seen| PendingOf(seen.invitation.id.circle)))
    },
    |group| group);

by_key!(MiningLoader, ReferralId => Referral,
    |conn, ids| referral::queries::by_id(conn, &ids),
    |referral| (referral.id, referral));

by_key!(MiningLoader, ReferralOf => Referral,
    |conn, keys| async { referral::queries::by_people(conn, &ids(&keys, |key| (key.0, key.1))).await },
    |referral| (ReferralOf(referral.referrer_id.user, referral.referred_id.user), referral));

by_key!(MiningLoader, ReferralTotalsOf => Totals,
    |conn, keys| async { referral::queries::totals(conn, &ids(&keys, |key| key.0)).await },
    |(id, totals)| (ReferralTotalsOf(id), totals));

pages!(MiningLoader, ReferralsOf(UserId, (Option<ReferralStatus>, Page<Place>)) => Slice<Referral>,
    |conn, users, args| async { referral::queries::pages(conn, &users, args.0, &args.1).await });

pages!(MiningLoader, HistoryOf(UserId, (HistoryFilter, Page<(Timestamp, Uuid)>)) => Slice<HistoryEntry>,
    |conn, users, args| async { miner::queries::histories(conn, &users, &args.0, &args.1).await });

pages!(MiningLoader, HistoryCountOf(UserId, HistoryFilter) => Count,
    |conn, users, filter| async { miner::queries::history_counts(conn, &users, &filter).await });

fn ids<K, I>(keys: &[K], id: impl Fn(&K) -> I) -> Vec<I> {
    keys.iter().map(id).collect()
}
