//! Root fields of Mutation about reconciliation.

use db::wallets::reconciliation::commands;

use super::objects::ReconciliationRun;
use super::refusals::ReconciliationUserError;
use crate::prelude::*;

mutations! {
    /// Commands on reconciliation.
    ReconciliationMutation;

    /// Starts a run of the ledger's checker.
    reconciliation_run = commands::RECONCILIATION_RUN, |call| {
        commands::reconciliation_run(call.tx, call.request, &call.input.reason).boxed()
    };
    ReconciliationRunInput(Optional) {
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    ReconciliationRunPayload(ReconciliationUserError) = |ctx, id: Uuid| {
        /// The started run; null when refused.
        run: Loaded<ReconciliationRun> = load(ctx, ReconciliationRunId(id)).await,
    }
}
