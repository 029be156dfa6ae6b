//! What a posting wrote.

use super::{Posted, WalletKey};
use crate::money::Minor;

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
