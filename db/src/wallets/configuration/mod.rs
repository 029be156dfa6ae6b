//! The section `wallet` of the configuration.

pub mod commands;
mod rows;

use std::collections::BTreeSet;

use diesel::dsl::exists;
use diesel::sql_types::{SmallInt, Text};
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, select};
use diesel_async::RunQueryDsl;
use domain::money::{CurrencyCode, Minor};
use domain::wallets::WalletConfiguration;

use crate::platform::configuration::section;
use crate::schema::{clearing_accounts, holds};
use crate::{Connection, Result, Tx};

#[diesel::declare_sql_function]
extern "SQL" {
    /// Whether a currency has postings; locks it against the first one.
    fn currency_is_used(code: Text) -> Bool;
}

/// Reads the section in force.
pub async fn in_force(conn: &mut Connection) -> Result<WalletConfiguration> {
    pipelined(conn).await
}

/// [`in_force`] behind the statements that were sent before on this connection, without waiting for them.
pub(super) async fn pipelined(conn: &Connection) -> Result<WalletConfiguration> {
    section(conn).await
}

/// Largest gross sum that a person moves alone: what the section in force says, and nothing for other currencies.
pub(crate) async fn dual_control_limit(
    conn: &mut Connection,
    currency: CurrencyCode,
) -> Result<Minor> {
    let configuration = in_force(conn).await?;
    let settings = configuration.currency(currency);
    Ok(settings.map_or(Minor::ZERO, |settings| settings.dual_control_limit))
}

/// The currencies with postings among those whose scale would change. They get none until the end of the transaction.
async fn used(
    tx: &mut Tx,
    after: &WalletConfiguration,
    before: &WalletConfiguration,
) -> Result<BTreeSet<CurrencyCode>> {
    let mut used = BTreeSet::new();
    for (_, code) in after.rescaled(before) {
        let is_used = select(currency_is_used(code.as_str()));
        if is_used.get_result(tx.conn()).await? {
            used.insert(code);
        }
    }
    Ok(used)
}

/// The names under which holds or clearing accounts exist, among those that would change their service.
async fn used_issuers(
    tx: &mut Tx,
    after: &WalletConfiguration,
    before: &WalletConfiguration,
) -> Result<BTreeSet<String>> {
    let mut used = BTreeSet::new();
    for (name, _) in after.reassigned(before) {
        let held = exists(holds::table.filter(holds::issuer.eq(name)));
        let cleared = exists(clearing_accounts::table.filter(clearing_accounts::issuer.eq(name)));
        let is_used = select(held.or(cleared));
        if is_used.get_result(tx.conn()).await? {
            used.insert(name.to_owned());
        }
    }
    Ok(used)
}

/// Stores new and changed currencies in the ledger.
async fn set_currencies(
    tx: &mut Tx,
    after: &WalletConfiguration,
    before: &WalletConfiguration,
) -> Result<()> {
    for currency in &after.currencies {
        let decimals = (currency.scale, currency.display_decimals);
        let known = before.currency(currency.code);
        if known.is_some_and(|known| (known.scale, known.display_decimals) == decimals) {
            continue;
        }
        diesel::sql_query("SELECT set_currency($1, $2, $3)")
            .bind::<Text, _>(currency.code.as_str())
            .bind::<SmallInt, _>(i16::from(currency.scale))
            .bind::<SmallInt, _>(i16::from(currency.display_decimals))
            .execute(tx.conn())
            .await?;
        tx.changes_currencies = true;
    }
    Ok(())
}
