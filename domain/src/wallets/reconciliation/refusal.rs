//! Refusals of commands on reconciliation.

use crate::refusal::{REASON_INVALID, refusals, texts};

refusals! {
    /// Refusals of commands on reconciliation.
    ReconciliationRefusal, ReconciliationRefusalKind, "Reconciliation";

    /// The reason is empty or longer than 500 characters.
    ReasonInvalid = REASON_INVALID;
    /// A run is in progress.
    Running = texts("RECONCILIATION_RUNNING", "",
        "a run of the checker is in progress",
        "một lượt đối soát đang chạy");
}
