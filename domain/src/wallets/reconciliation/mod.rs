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
    /// A conversion's transfers have its amounts and accounts.
    Conversion = "CONVERSION";
    /// All accounts of a currency add up to zero.
    CurrencySum = "CURRENCY_SUM";
    /// A deposit's transfers have its amount and accounts; a deposit without an owner is in SUSPENSE.
    Deposit = "DEPOSIT";
    /// A campaign's escrow covers its vouchers and pending redemptions.
    Escrow = "ESCROW";
    /// A wallet is frozen when its owner is.
    Freeze = "FREEZE";
    /// A wallet's held amount is the sum of its active holds.
    Held = "HELD";
    /// Fundings of treasuries and transfers of the house moved their amounts.
    House = "HOUSE";
    /// The points mined on a UTC day do not exceed the issuance ceiling of that day. What is claimed in the
    /// second in which the ceiling is reached may exceed it.
    Issuance = "ISSUANCE";
    /// The balance of a campaign's proceeds account is what holders paid for vouchers that are not redeemed yet or whose
    /// redemption is pending.
    Proceeds = "PROCEEDS";
    /// A reversal has the transfers of the reversed transaction, with debit and credit swapped.
    Reversal = "REVERSAL";
    /// Transfers of rewards have the amounts of the sessions, adjustments and campaign treasuries that they pay; the mining
    /// history has the same amounts.
    Reward = "REWARD";
    /// A wallet's entries are numbered without gaps and each balance follows from the one before.
    Sequence = "SEQUENCE";
    /// Each transaction has its idempotency key, events and audit entry, and each transfer is between the accounts that its
    /// reason allows.
    Trace = "TRACE";
    /// The balance of the system account TRANSIT is zero after each transaction.
    Transit = "TRANSIT";
    /// Counts and amounts stored with campaigns, orders and holders equal those of the vouchers and redemptions.
    Vouchers = "VOUCHERS";
    /// A withdrawal's transfers have its amount and accounts and follow from its status.
    Withdrawal = "WITHDRAWAL";
}
