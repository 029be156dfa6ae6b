//! The result of a posting.

use super::{Entry, WalletKey};
use crate::ids::TransactionId;
use crate::money::Minor;
use crate::time::Timestamp;

/// A written posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Id of the event.
    pub transaction_id: TransactionId,
    /// Time of the posting.
    pub posted_at: Timestamp,
    /// Transfers.
    pub entries: Vec<Entry>,
}

impl Posted {
    /// Balances of the wallets that keep one, after each transfer in their order.
    pub fn balances(&self) -> impl Iterator<Item = (WalletKey, Minor)> {
        let sides = self.entries.iter().flat_map(|entry| {
            [
                (entry.leg.debit.wallet, entry.debit),
                (entry.leg.credit.wallet, entry.credit),
            ]
        });
        sides.filter_map(|(wallet, side)| Some((wallet, side?.after)))
    }
}
