//! Reconciliation: runs of the ledger's checker.

mod refusal;

pub use refusal::{ReconciliationRefusal, ReconciliationRefusalKind};

use crate::named::named;

named! {
    /// States of a run of the checker.
    ReconciliationStatus;

    /// Ended by a fault.
    Aborted = "ABORTED";
    /// Found mismatches.
    Failed = "FAILED";
    /// Found no mismatch.
    Passed = "PASSED";
    /// The run is in progress.
    Running = "RUNNING";
}

named! {
    /// Invariants of the ledger.
    ReconciliationCheck;

    /// A wallet's balance is the sum of its entries.
    Balance = "BALANCE";
    /// A clearing account has its reference, and its settlements, payouts and releases moved their amounts.
    Clearing = "CLEARING";
    /// A conversion's transfers agree with it.
    Conversion = "CONVERSION";
    /// All accounts of a currency add up to zero.
    CurrencySum = "CURRENCY_SUM";
    /// A deposit's transfers agree with it, and those without an owner are in SUSPENSE.
    Deposit = "DEPOSIT";
    /// A campaign's escrow covers its vouchers and pending redemptions.
    Escrow = "ESCROW";
    /// A wallet is frozen when its owner is.
    Freeze = "FREEZE";
    /// A wallet's held amount is the sum of its active holds.
    Held = "HELD";
    /// Fundings of treasuries and transfers of the house moved their amounts.
    House = "HOUSE";
    /// The points mined on a day are within its issuance ceiling, except claims within the second of a count.
    Issuance = "ISSUANCE";
    /// A campaign's proceeds are the prices that its vouchers and pending redemptions have not earned.
    Proceeds = "PROCEEDS";
    /// A reversal is its transaction the other way round.
    Reversal = "REVERSAL";
    /// Rewards agree with sessions, history, adjustments and treasuries of campaigns.
    Reward = "REWARD";
    /// A wallet's entries are numbered without gaps and each balance follows from the one before.
    Sequence = "SEQUENCE";
    /// Each transaction has its key, events and audit entry, and each transfer fits its reason.
    Trace = "TRACE";
    /// TRANSIT is zero after each transaction.
    Transit = "TRANSIT";
    /// Figures of campaigns, orders and directories agree with vouchers and redemptions.
    Vouchers = "VOUCHERS";
    /// A withdrawal's transfers agree with it.
    Withdrawal = "WITHDRAWAL";
}
