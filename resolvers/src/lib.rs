//! GraphQL: types, resolvers, loaders. No SQL, no rules.
//!
//! Each context has a folder per aggregate with `objects` (types), `queries`, `mutations`, `subscriptions` (root fields)
//! and `refusals` (user errors), and one file of `loaders`. `schema` assembles them; all other files are generic and know
//! no context. [`request`] executes an operation, `command` runs a mutation's command, `node` loads by global id,
//! [`paging`] cuts lists, [`errors`] lists the codes of top-level errors.

mod abstracts;
mod command;
pub mod command_slots;
mod delegation;
mod describe;
mod eager;
mod enums;
pub mod errors;
pub mod events;
mod inputs;
mod introspection;
pub mod language;
pub mod limits;
pub mod links;
pub mod live;
mod loading;
mod merging;
mod mining;
mod node;
mod object;
mod operation;
pub mod paging;
mod platform;
mod prelude;
mod promotions;
pub mod request;
pub mod scalars;
mod schema;
pub mod strings;
pub mod turns;
mod type_index;
mod type_references;
mod unions;
mod user_errors;
mod validation;
pub mod variables;
mod wallets;

pub use mining::{LARGEST_LEADERBOARD, Ranks, ReferralUrls};
pub use promotions::voucher::guesses::Guesses;
pub use promotions::voucher::objects::voucher_id;
pub use schema::{Schema, schema, sdl};
pub use type_index::TypeIndex;
pub use wallets::wallet::objects::wallet_key;
pub use wallets::wallet::statement::StatementLink;
