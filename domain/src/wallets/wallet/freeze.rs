//! Freezes: nothing leaves the wallets of a frozen owner.

use std::collections::BTreeSet;

use super::WalletRefusal;
use crate::named::named;

named! {
    /// Causes of a freeze, each lifted by itself.
    FreezeCause;

    /// The person's miner is banned.
    Ban = "BAN";
    /// Frozen by finance.
    Finance = "FINANCE";
}

impl FreezeCause {
    /// Whether lifting it always needs a second person.
    #[must_use]
    pub const fn needs_second_person(self) -> bool {
        matches!(self, Self::Ban)
    }
}

/// Causes for which an owner is frozen; empty if none.
pub type Freezes = BTreeSet<FreezeCause>;

/// Adds a cause; returns the causes in force.
///
/// Refusal: [`WalletRefusal::Frozen`].
pub fn freeze(freezes: &Freezes, cause: FreezeCause) -> Result<Freezes, WalletRefusal> {
    let mut after = freezes.clone();
    if after.insert(cause) {
        Ok(after)
    } else {
        Err(WalletRefusal::Frozen)
    }
}

/// Lifts a cause; returns the causes that remain.
///
/// Refusal: [`WalletRefusal::NotFrozen`].
pub fn lift(freezes: &Freezes, cause: FreezeCause) -> Result<Freezes, WalletRefusal> {
    let mut after = freezes.clone();
    if after.remove(&cause) {
        Ok(after)
    } else {
        Err(WalletRefusal::NotFrozen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifts_each_cause_by_itself() {
        use FreezeCause::{Ban, Finance};
        let banned = freeze(&Freezes::new(), Ban).expect("a first cause");
        assert_eq!(freeze(&banned, Ban), Err(WalletRefusal::Frozen));
        assert_eq!(lift(&banned, Finance), Err(WalletRefusal::NotFrozen));
        let both = freeze(&banned, Finance).expect("a second cause");
        assert_eq!(lift(&both, Ban), Ok(Freezes::from([Finance])));
        assert_eq!(lift(&both, Finance), Ok(banned));
        assert!(Ban.needs_second_person() && !Finance.needs_second_person());
    }
}
