//! Root fields of Query about reconciliation.

use super::objects::Reconciliation;
use crate::prelude::*;

/// Results of the checker.
#[derive(Default)]
pub struct ReconciliationQuery;

#[Object]
impl ReconciliationQuery {
    /// Results of the ledger's checker and what waits for attention.
    async fn reconciliation(&self, ctx: &Context<'_>) -> Loaded<Reconciliation> {
        let denied = ctx.check_staff(Action::ReconciliationRead).err();
        Some(denied.map_or(Ok(Reconciliation), Err))
    }
}
