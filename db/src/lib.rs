//! The only SQL: loads values, applies rules of `domain`, and stores results, inside one transaction.
//!
//! Start at [`Db`]: [`Db::read`] runs queries on a connection, [`Db::write`] is the only way to open a transaction and
//! hands commands a [`Tx`]. Each context has a folder per aggregate with `rows` (tables as structs), `queries` (take a
//! connection) and `commands` (take a `Tx`). Rules are in `domain`.

mod async_fn;
pub mod clock;
pub mod command;
pub mod demo;
mod demo_promotions;
mod demo_wallets;
mod error;
pub mod idempotency;
mod ids;
mod instrumentation;
mod key_quota;
mod last_writes;
pub mod links;
mod listener;
pub mod migrate;
pub mod mining;
pub mod operation_trace;
pub mod outbox;
mod owners;
mod paging;
pub mod platform;
mod pool;
mod prelude;
mod prepared;
pub mod promotions;
pub mod proof;
mod read_after;
mod replica;
mod row_locks;
pub mod schema;
mod search;
mod service_refusals;
mod standby;
mod stock;
pub mod tables;
mod text;
mod tx;
pub mod wallets;
mod wire;

pub use deadpool::Status;
pub use error::{DbError, Result};
pub use ids::Ids;
pub use key_quota::KEYS_PER_HOUR;
pub use listener::Listener;
pub use owners::Owner;
pub use paging::{Count, Page, Slice};
pub use pool::{Connection, Db, Settings, connect_as_migrator, ping};
pub use read_after::{NoPosition, Position, ReadAfter};
pub use replica::ReadFrom;
pub use tx::Tx;
pub use wire::Tls;

use command::Described;
use domain::mining::{MiningConfiguration, ReferralConfiguration, StreakConfiguration};
use domain::promotions::PromotionConfiguration;
use domain::wallets::WalletConfiguration;
use mining::configuration::commands::{MiningUpdate, ReferralUpdate, StreakUpdate};
use platform::approval::Registered;
use platform::configuration::commands::SystemUpdate;
use platform::configuration::{Section, SectionInfo, SectionsProposal};
use promotions::configuration::commands::PromotionUpdate;
use wallets::configuration::commands::WalletUpdate;

/// Descriptors of all commands, by context and aggregate.
pub const COMMANDS: &[&[&[Described]]] = &[
    platform::COMMANDS,
    mining::COMMANDS,
    promotions::COMMANDS,
    wallets::COMMANDS,
];

/// Commands that can wait for a second person.
pub static PROPOSALS: &[Registered] = &[
    Registered::of::<mining::miner::commands::PointsProposal>(),
    Registered::of::<wallets::deposit::commands::DepositAssignProposal>(),
    Registered::of::<wallets::deposit::commands::DepositCreditProposal>(),
    Registered::of::<wallets::withdrawal::commands::WithdrawalFailProposal>(),
    Registered::of::<SectionsProposal<MiningUpdate>>(),
    Registered::of::<SectionsProposal<StreakUpdate>>(),
    Registered::of::<SectionsProposal<ReferralUpdate>>(),
    Registered::of::<SectionsProposal<PromotionUpdate>>(),
    Registered::of::<SectionsProposal<WalletUpdate>>(),
    Registered::of::<SectionsProposal<SystemUpdate>>(),
    Registered::of::<wallets::settlement::commands::ReleaseProposal>(),
    Registered::of::<wallets::wallet::commands::UnfreezeProposal>(),
    Registered::of::<promotions::campaign::commands::RevocationProposal>(),
    Registered::of::<wallets::wallet::commands::FundingProposal>(),
    Registered::of::<wallets::wallet::commands::HouseTransferProposal>(),
    Registered::of::<wallets::wallet::commands::ReversalProposal>(),
];

/// Sections of the configuration.
pub static SECTIONS: &[&SectionInfo] = &[
    MiningConfiguration::INFO,
    StreakConfiguration::INFO,
    ReferralConfiguration::INFO,
    PromotionConfiguration::INFO,
    WalletConfiguration::INFO,
];
