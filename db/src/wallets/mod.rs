//! The ledger. Only this folder names its tables; other contexts post through [`posting`].

pub mod configuration;
mod constants;
pub mod conversion;
pub mod deposit;
mod directory;
pub mod hold;
mod issuer;
mod locks;
pub mod posting;
pub mod proposed;
pub mod reconciliation;
pub mod settlement;
pub mod velocity;
pub mod wallet;
pub mod withdrawal;
mod writes;

use domain::wallets::WalletOwner;
use domain::wallets::conversion::ConversionRefusal;
use domain::wallets::deposit::DepositRefusal;
use domain::wallets::hold::HoldRefusal;
use domain::wallets::reconciliation::ReconciliationRefusal;
use domain::wallets::settlement::SettlementRefusal;
use domain::wallets::wallet::WalletRefusal;
use domain::wallets::withdrawal::WithdrawalRefusal;

use crate::Owner;
use crate::command::{Described, refusable};
use crate::prelude::Uuid;

pub(crate) use constants::{Constants, CurrentConstants, constants, constants_subject};
pub use wallet::LedgerEntry;
pub(crate) use wallet::commands::left_to_issue;
pub(crate) use wallet::freeze_all_of;
pub(crate) use wallet::rows::currency_of;

/// Descriptors of the context's commands.
pub const COMMANDS: &[&[Described]] = &[
    configuration::commands::COMMANDS,
    conversion::commands::COMMANDS,
    deposit::commands::COMMANDS,
    hold::commands::COMMANDS,
    reconciliation::commands::COMMANDS,
    settlement::commands::SETTLEMENTS,
    settlement::commands::RELEASES,
    wallet::commands::FREEZES,
    wallet::commands::FUNDINGS,
    wallet::commands::REWARDS,
    wallet::commands::HOUSE_TRANSFERS,
    wallet::commands::REVERSALS,
    withdrawal::commands::COMMANDS,
];

refusable!(
    ConversionRefusal,
    DepositRefusal,
    HoldRefusal,
    ReconciliationRefusal,
    SettlementRefusal,
    WalletRefusal,
    WithdrawalRefusal
);

impl From<WalletOwner> for Owner {
    fn from(owner: WalletOwner) -> Self {
        Self {
            id: owner.id,
            kind: owner.kind.name(),
        }
    }
}

/// The condition that a row's owner is one of these. Ids alone don't tell, because equal ids of two kinds are two owners.
macro_rules! owned_by {
    ($table:literal, $owners:expr) => {{
        let kinds: Vec<&str> = $owners.iter().map(|owner| owner.kind.name()).collect();
        diesel::dsl::sql::<diesel::sql_types::Bool>(concat!(
            "(",
            $table,
            ".owner_id, ",
            $table,
            ".owner_kind) IN (SELECT * FROM unnest("
        ))
        .bind::<diesel::sql_types::Array<diesel::sql_types::Uuid>, _>($crate::wallets::ids_of(
            $owners,
        ))
        .sql(", ")
        .bind::<diesel::sql_types::Array<diesel::sql_types::Text>, _>(kinds)
        .sql("))")
    }};
}
use owned_by;

/// Declares the read of an object's id by its uuid alone.
macro_rules! by_uuid {
    ($table:ident, $id:ty) => {
        /// The id by the uuid alone; a read over all shards.
        pub async fn by_uuid(conn: &mut Connection, uuid: Uuid) -> Result<Option<$id>> {
            let owner: Option<Uuid> = $table::table
                .filter($table::id.eq(uuid))
                .select($table::owner_id)
                .first(conn)
                .await
                .optional()?;
            Ok(owner.map(|owner| [owner, uuid].into()))
        }
    };
}
use by_uuid;

/// Declares the read of an object's id by its external id. A table without the owner's kind has rows of users only.
macro_rules! by_external_id {
    ($table:ident, $id:ty $(, $kind:ident)?) => {
        /// The id by the key that its issuer gave.
        pub async fn by_external_id(
            mut conn: &Connection,
            owner: domain::wallets::WalletOwner,
            issuer: &str,
            external_id: &str,
        ) -> Result<Option<$id>> {
            let found: Option<Uuid> = $table::table
                .filter($table::owner_id.eq(owner.id))
                $(.filter($table::$kind.eq(owner.kind.name())))?
                .filter($table::issuer.eq(issuer))
                .filter($table::external_id.eq(external_id))
                .select($table::id)
                .first(&mut conn)
                .await
                .optional()?;
            Ok(found.map(|uuid| [owner.id, uuid].into()))
        }
    };
}
use by_external_id;

/// Ids of owners.
fn ids_of(owners: &[WalletOwner]) -> Vec<Uuid> {
    owners.iter().map(|owner| owner.id).collect()
}
