//! Mining in GraphQL.

mod ahead;
pub(crate) mod circle_invitations;
pub(crate) mod circle_mutations;
pub(crate) mod circle_queries;
pub(crate) mod circle_subscriptions;
pub(crate) mod decisions;
pub(crate) mod live;
pub(crate) mod loaders;
pub(crate) mod mutations;
pub(crate) mod objects;
pub(crate) mod queries;
pub(crate) mod ranks;
pub(crate) mod referrals;
pub(crate) mod subscriptions;
