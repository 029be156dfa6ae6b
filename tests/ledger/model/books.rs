//! The model's books: wallets as sums and lists of entries, in whole numbers of 128 bits.

use std::collections::BTreeMap;

/// Currencies with their scales.
pub const CURRENCIES: [(Code, u32); 3] = [("MP", 4), ("PT", 4), ("STAR", 0)];

/// Code of a currency.
pub type Code = &'static str;

/// An amount in the smallest unit of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    pub minor: i128,
    pub code: Code,
    /// Whether its text has one decimal more than the currency allows.
    pub is_finer: bool,
}

impl Amount {
    /// Whether a command accepts it.
    pub fn is_valid(self) -> bool {
        self.minor > 0 && !self.is_finer
    }

    /// The text of a request.
    pub fn text(self) -> String {
        let text = decimal(self.minor, self.code);
        match (self.is_finer, text.contains('.')) {
            (false, _) => text,
            (true, true) => text + "1",
            (true, false) => text + ".1",
        }
    }
}

/// Decimals of a currency.
pub fn scale(code: Code) -> u32 {
    let found = CURRENCIES.iter().find(|(known, _)| *known == code);
    found.unwrap().1
}

/// A number of smallest units as the API writes it.
pub fn decimal(minor: i128, code: Code) -> String {
    let unit = 10_i128.pow(scale(code));
    let (whole, rest) = (minor / unit, minor % unit);
    match scale(code) {
        0 => whole.to_string(),
        width => format!("{whole}.{rest:0width$}", width = width as usize),
    }
}

/// Part of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    Available,
    Held,
}

/// An entry of a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub bucket: Bucket,
    pub is_credit: bool,
    pub amount: i128,
    pub after: i128,
    pub reason: &'static str,
}

/// A wallet. The sequence of an entry is its place, from 1.
#[derive(Clone, Debug, Default)]
pub struct Wallet {
    pub available: i128,
    pub held: i128,
    pub lines: Vec<Line>,
}

/// Wallets of people, by number and currency.
#[derive(Clone, Debug, Default)]
pub struct Books(pub BTreeMap<(usize, Code), Wallet>);

impl Books {
    /// A person's available balance.
    pub fn available(&self, person: usize, code: Code) -> i128 {
        let wallet = self.0.get(&(person, code));
        wallet.map_or(0, |wallet| wallet.available)
    }

    /// Adds to a bucket.
    pub fn credit(
        &mut self,
        whose: (usize, Code),
        bucket: Bucket,
        amount: i128,
        reason: &'static str,
    ) {
        self.write(whose, bucket, amount, reason);
    }

    /// Takes from a bucket, which has enough.
    pub fn debit(
        &mut self,
        whose: (usize, Code),
        bucket: Bucket,
        amount: i128,
        reason: &'static str,
    ) {
        self.write(whose, bucket, -amount, reason);
    }

    /// Moves an amount from one bucket of a wallet to the other one.
    pub fn shift(
        &mut self,
        whose: (usize, Code),
        from: Bucket,
        amount: i128,
        reason: &'static str,
    ) {
        let to = match from {
            Bucket::Available => Bucket::Held,
            Bucket::Held => Bucket::Available,
        };
        self.debit(whose, from, amount, reason);
        self.credit(whose, to, amount, reason);
    }

    fn write(&mut self, whose: (usize, Code), bucket: Bucket, change: i128, reason: &'static str) {
        let wallet = self.0.entry(whose).or_default();
        let balance = match bucket {
            Bucket::Available => &mut wallet.available,
            Bucket::Held => &mut wallet.held,
        };
        *balance += change;
        assert!(*balance >= 0, "the model overdraws {whose:?}");
        let after = *balance;
        wallet.lines.push(Line {
            bucket,
            is_credit: change > 0,
            amount: change.abs(),
            after,
            reason,
        });
    }
}
