//! GraphQL in, GraphQL out: no SQL, no rules.
//!
//! Each context has `objects` (types), `queries`, `mutations`, `subscriptions` (root fields) and `loaders` (edges, with
//! the check whether the caller may see what was loaded). [`request`] is what an operation carries, [`errors`] what can
//! go wrong, `outcome` what becomes of a command, [`paging`] how lists are cut.

mod driver;
pub mod errors;
pub mod events;
mod inputs;
pub mod language;
pub mod limits;
pub mod live;
mod mining;
mod node;
mod outcome;
pub mod paging;
mod plain;
mod platform;
pub mod request;
pub mod scalars;
mod shape;
mod variables;
mod wallets;

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions, Schema as AnySchema};

pub use mining::queries::LARGEST_LEADERBOARD;
pub use mining::ranks::Ranks;

/// The root of reads. Fields are null when they fail, or when what they name is not there for this caller.
#[derive(MergedObject, Default)]
pub struct Query(
    platform::queries::PlatformQuery,
    mining::queries::MiningQuery,
    mining::circle_queries::CircleQuery,
    wallets::queries::WalletsQuery,
);

/// The root of commands. Each does one thing, wholly or not at all; `userErrors` says what a person can mend.
#[derive(MergedObject, Default)]
pub struct Mutation(
    mining::mutations::MiningMutation,
    mining::circle_mutations::CircleMutation,
    mining::circle_invitations::CircleInvitationMutation,
    mining::decisions::MinerDecisionMutation,
    mining::referrals::ReferralMutation,
    platform::mutations::PlatformMutation,
    platform::approvals::ApprovalMutation,
);

/// The root of live updates. After a reconnect, query: nothing relies on having seen every event.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    mining::subscriptions::MiningSubscription,
    mining::circle_subscriptions::CircleSubscription,
    wallets::subscriptions::WalletsSubscription,
);

/// The schema.
pub type Schema = AnySchema<Query, Mutation, Subscription>;

/// Builds the schema. It has no extensions: each would box every field.
#[must_use]
pub fn schema() -> Schema {
    Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .register_output_type::<node::Node>()
    .register_output_type::<errors::UserError>()
    .disable_suggestions()
    // Of the same: `limits` refuses what is deeper, and says so.
    .limit_recursive_depth(2 * usize::try_from(limits::NESTING).unwrap_or(usize::MAX))
    .finish()
}

/// Prints the schema as it is committed.
#[must_use]
pub fn sdl(schema: &Schema) -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_enum_items()
        .include_specified_by()
        .use_space_ident();
    let mut sdl = schema.sdl_with_options(options);
    sdl.truncate(sdl.trim_end().len());
    sdl.push('\n');
    sdl
}
