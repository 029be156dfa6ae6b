//! The model's rules: the refusal or the effect of each command, in plain words of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::books::{Amount, Books, Bucket, Code, scale};

/// Open pairs: from, to, the rate as a fraction, and the fee in basis points.
pub const PAIRS: [(Code, Code, i128, i128, i128); 4] = [
    ("MP", "PT", 3, 1, 25),
    ("PT", "MP", 3_333, 10_000, 0),
    ("PT", "STAR", 7, 100, 0),
    ("STAR", "PT", 1_425, 100, 30),
];

/// Number of verified people of a program; one more is not verified.
pub const VERIFIED: usize = 2;
/// Days after placing beyond which no hold lasts.
const MOST_DAYS: i64 = 60;

/// Code of a refusal.
pub type Refusal = &'static str;

/// State of a hold or of a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Held,
    Released,
    Settled,
    Requested,
    Processing,
    Ended,
}

/// A hold of a service.
#[derive(Clone, Debug)]
pub struct Hold {
    pub owner: usize,
    pub amount: i128,
    pub code: Code,
    pub bet: usize,
    pub state: State,
    /// Hour since the start within which it expires.
    pub expires: i64,
    placed: i64,
}

/// A withdrawal.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    pub owner: usize,
    pub state: State,
    amount: i128,
    code: Code,
}

/// A settlement as a service requests it.
#[derive(Clone, Debug)]
pub struct Settling {
    pub hold: usize,
    pub is_win: bool,
    /// None settles the whole hold.
    pub amount: Option<Amount>,
    /// None pays what was settled to the hold's owner.
    pub payouts: Option<Vec<(usize, Amount)>>,
}

/// The objects of a program.
#[derive(Default)]
pub struct Model {
    /// Hours since the start.
    pub now: i64,
    pub books: Books,
    pub holds: Vec<Hold>,
    pub withdrawals: Vec<Withdrawal>,
    /// Balances of clearing accounts, by bet and currency.
    pub clearing: BTreeMap<(usize, Code), i128>,
    /// Balance of the treasury of the program's campaign.
    pub treasury: i128,
    /// Credited payments with their owners and amounts.
    pub deposits: BTreeMap<usize, (Option<usize>, Amount)>,
    /// Frozen people.
    pub frozen: BTreeSet<usize>,
    payouts: BTreeSet<usize>,
    rewards: BTreeMap<(usize, usize), i128>,
}

fn check(is_so: bool, refusal: Refusal) -> Result<(), Refusal> {
    if is_so { Ok(()) } else { Err(refusal) }
}

/// Result of a conversion; none when the pair is closed.
pub fn received(amount: i128, from: Code, to: Code) -> Option<i128> {
    let (_, _, rate, per, fee) = PAIRS.iter().find(|pair| (pair.0, pair.1) == (from, to))?;
    let (up, down) = (10_i128.pow(scale(to)), 10_i128.pow(scale(from)));
    Some(amount * rate * up * (10_000 - fee) / (per * down * 10_000))
}

impl Model {
    /// A payment is credited once; without an owner it waits.
    pub fn deposit(
        &mut self,
        owner: Option<usize>,
        amount: Amount,
        payment: usize,
    ) -> Result<(), Refusal> {
        if self.deposits.get(&payment) == Some(&(owner, amount)) {
            return Ok(());
        }
        check(amount.is_valid(), "AMOUNT_INVALID")?;
        check(!self.deposits.contains_key(&payment), "DEPOSIT_MISMATCH")?;
        self.deposits.insert(payment, (owner, amount));
        if let Some(owner) = owner {
            let whose = (owner, amount.code);
            self.books
                .credit(whose, Bucket::Available, amount.minor, "DEPOSIT");
        }
        Ok(())
    }

    /// `hours` from now, and half an hour.
    pub fn place(
        &mut self,
        owner: usize,
        amount: Amount,
        bet: usize,
        hours: i64,
    ) -> Result<(), Refusal> {
        check(amount.is_valid(), "AMOUNT_INVALID")?;
        check((0..MOST_DAYS * 24).contains(&hours), "EXPIRY_INVALID")?;
        self.spend(owner, amount, "HOLD_PLACED")?;
        self.holds.push(Hold {
            owner,
            amount: amount.minor,
            code: amount.code,
            bet,
            state: State::Held,
            expires: self.now + hours,
            placed: self.now,
        });
        Ok(())
    }

    /// Moves an available amount to the held ones.
    fn spend(&mut self, owner: usize, amount: Amount, reason: &'static str) -> Result<(), Refusal> {
        self.check_spendable(owner, amount)?;
        let whose = (owner, amount.code);
        self.books
            .shift(whose, Bucket::Available, amount.minor, reason);
        Ok(())
    }

    fn check_spendable(&self, owner: usize, amount: Amount) -> Result<(), Refusal> {
        check(!self.frozen.contains(&owner), "WALLET_FROZEN")?;
        let available = self.books.available(owner, amount.code);
        check(available >= amount.minor, "INSUFFICIENT_FUNDS")
    }

    fn check_held(&self, hold: usize) -> Result<(), Refusal> {
        match self.holds[hold].state {
            State::Released => Err("HOLD_ALREADY_RELEASED"),
            State::Settled => Err("HOLD_ALREADY_SETTLED"),
            _ => Ok(()),
        }
    }

    fn check_settleable(&self, hold: usize) -> Result<(), Refusal> {
        self.check_held(hold)?;
        check(self.holds[hold].expires >= self.now, "HOLD_EXPIRED")
    }

    pub fn extend(&mut self, hold: usize, hours: i64) -> Result<(), Refusal> {
        self.check_settleable(hold)?;
        let until = self.now + hours;
        let Hold {
            expires, placed, ..
        } = self.holds[hold];
        let is_later = until > expires && until < placed + MOST_DAYS * 24;
        check(is_later, "EXPIRY_INVALID")?;
        self.holds[hold].expires = until;
        Ok(())
    }

    pub fn release(&mut self, hold: usize) -> Result<(), Refusal> {
        self.check_held(hold)?;
        self.end_hold(hold, "HOLD_RELEASED");
        Ok(())
    }

    fn end_hold(&mut self, hold: usize, reason: &'static str) {
        let Hold {
            owner,
            code,
            amount,
            ..
        } = self.holds[hold];
        self.books
            .shift((owner, code), Bucket::Held, amount, reason);
        self.holds[hold].state = State::Released;
    }

    /// The job that releases expired holds, those that expired first before the others.
    pub fn expire(&mut self) {
        let is_due = |hold: &&usize| {
            let hold = &self.holds[**hold];
            hold.state == State::Held && hold.expires < self.now
        };
        let all: Vec<usize> = (0..self.holds.len()).collect();
        let mut due: Vec<usize> = all.iter().filter(is_due).copied().collect();
        due.sort_by_key(|hold| (self.holds[*hold].expires, *hold));
        for hold in due {
            self.end_hold(hold, "HOLD_EXPIRED");
        }
    }

    /// The amount that goes to the clearing account, and the payouts that leave it.
    fn judge(&self, wanted: &Settling) -> Result<(i128, Vec<(usize, i128)>), Refusal> {
        self.check_settleable(wanted.hold)?;
        let hold = &self.holds[wanted.hold];
        let amount = match wanted.amount {
            None => hold.amount,
            Some(amount) => {
                let is_valid =
                    amount.code == hold.code && amount.is_valid() && amount.minor <= hold.amount;
                check(is_valid, "AMOUNT_INVALID")?;
                amount.minor
            }
        };
        let payouts = match (&wanted.payouts, wanted.is_win) {
            (None, false) => Vec::new(),
            (None, true) => vec![(hold.owner, amount)],
            (Some(payouts), is_win) => {
                check(is_win && !payouts.is_empty(), "PAYOUTS_INVALID")?;
                let owners: BTreeSet<_> = payouts.iter().map(|(owner, _)| owner).collect();
                check(owners.len() == payouts.len(), "PAYOUTS_INVALID")?;
                let is_same = payouts.iter().all(|(_, amount)| amount.code == hold.code);
                check(is_same, "PAYOUT_CURRENCY_MISMATCH")?;
                let is_valid = payouts.iter().all(|(_, amount)| amount.is_valid());
                check(is_valid, "AMOUNT_INVALID")?;
                payouts
                    .iter()
                    .map(|(owner, amount)| (*owner, amount.minor))
                    .collect()
            }
        };
        Ok((amount, payouts))
    }

    /// Settles holds together: all or none, and what they give before what they pay. Returns the refusal of each one.
    pub fn settle(&mut self, wanted: &[Settling]) -> Result<(), Vec<Option<Refusal>>> {
        let judged: Vec<_> = wanted.iter().map(|one| self.judge(one)).collect();
        if judged.iter().any(Result::is_err) {
            return Err(judged.into_iter().map(Result::err).collect());
        }
        let judged: Vec<_> = judged.into_iter().flatten().collect();
        let mut clearing = self.clearing.clone();
        for (one, (amount, _)) in wanted.iter().zip(&judged) {
            *clearing.entry(self.account_of(one)).or_default() += amount;
        }
        let mut short = Vec::new();
        for (one, (_, payouts)) in wanted.iter().zip(&judged) {
            let balance = clearing.get_mut(&self.account_of(one)).unwrap();
            let sum: i128 = payouts.iter().map(|(_, amount)| amount).sum();
            let is_short = sum > *balance;
            if !is_short {
                *balance -= sum;
            }
            short.push(is_short.then_some("CLEARING_SHORT"));
        }
        if short.iter().any(Option::is_some) {
            return Err(short);
        }
        self.clearing = clearing;
        for (one, (amount, _)) in wanted.iter().zip(&judged) {
            let hold = &mut self.holds[one.hold];
            hold.state = State::Settled;
            let (whose, rest) = ((hold.owner, hold.code), hold.amount - amount);
            self.books
                .debit(whose, Bucket::Held, *amount, "HOLD_SETTLED");
            if rest > 0 {
                self.books.shift(whose, Bucket::Held, rest, "HOLD_RELEASED");
            }
        }
        for (one, (_, payouts)) in wanted.iter().zip(&judged) {
            for (owner, amount) in payouts {
                let whose = (*owner, self.holds[one.hold].code);
                self.books
                    .credit(whose, Bucket::Available, *amount, "PAYOUT");
            }
        }
        Ok(())
    }

    fn account_of(&self, one: &Settling) -> (usize, Code) {
        (self.holds[one.hold].bet, self.holds[one.hold].code)
    }

    /// Pays from a clearing account; without a payee to the platform.
    pub fn clear(
        &mut self,
        bet: usize,
        amount: Amount,
        payee: Option<usize>,
    ) -> Result<(), Refusal> {
        check(amount.is_valid(), "AMOUNT_INVALID")?;
        let balance = self
            .clearing
            .get_mut(&(bet, amount.code))
            .ok_or("CLEARING_NOT_FOUND")?;
        check(*balance >= amount.minor, "CLEARING_SHORT")?;
        *balance -= amount.minor;
        if let Some(payee) = payee {
            let whose = (payee, amount.code);
            self.books
                .credit(whose, Bucket::Available, amount.minor, "CLEARING_RELEASED");
        }
        Ok(())
    }

    pub fn convert(&mut self, person: usize, amount: Amount, to: Code) -> Result<(), Refusal> {
        check(amount.code != to, "PAIR_INVALID")?;
        check(amount.is_valid(), "AMOUNT_INVALID")?;
        check(person < VERIFIED, "KYC_REQUIRED")?;
        let received = received(amount.minor, amount.code, to).ok_or("PAIR_CLOSED")?;
        check(received > 0, "AMOUNT_TOO_SMALL")?;
        self.check_spendable(person, amount)?;
        let (from, to) = ((person, amount.code), (person, to));
        self.books
            .debit(from, Bucket::Available, amount.minor, "CONVERSION");
        self.books
            .credit(to, Bucket::Available, received, "CONVERSION");
        Ok(())
    }

    pub fn withdraw(&mut self, person: usize, amount: Amount) -> Result<(), Refusal> {
        check(amount.is_valid(), "AMOUNT_INVALID")?;
        check(person < VERIFIED, "KYC_REQUIRED")?;
        self.spend(person, amount, "WITHDRAWAL_REQUESTED")?;
        self.withdrawals.push(Withdrawal {
            owner: person,
            amount: amount.minor,
            code: amount.code,
            state: State::Requested,
        });
        Ok(())
    }

    /// Ends a withdrawal that is in one of these states.
    fn end_withdrawal(
        &mut self,
        withdrawal: usize,
        from: &[State],
        reason: &'static str,
    ) -> Result<(), Refusal> {
        let one = &mut self.withdrawals[withdrawal];
        check(from.contains(&one.state), "WITHDRAWAL_STATUS_INVALID")?;
        one.state = State::Ended;
        let whose = (one.owner, one.code);
        if reason == "WITHDRAWAL_COMPLETED" {
            self.books.debit(whose, Bucket::Held, one.amount, reason);
        } else {
            self.books.shift(whose, Bucket::Held, one.amount, reason);
        }
        Ok(())
    }

    pub fn cancel(&mut self, withdrawal: usize) -> Result<(), Refusal> {
        self.end_withdrawal(withdrawal, &[State::Requested], "WITHDRAWAL_CANCELLED")
    }

    pub fn process(&mut self, withdrawal: usize) -> Result<(), Refusal> {
        let one = &mut self.withdrawals[withdrawal];
        check(one.state == State::Requested, "WITHDRAWAL_STATUS_INVALID")?;
        check(!self.frozen.contains(&one.owner), "WALLET_FROZEN")?;
        one.state = State::Processing;
        Ok(())
    }

    pub fn complete(&mut self, withdrawal: usize, payout: usize) -> Result<(), Refusal> {
        let is_processing = self.withdrawals[withdrawal].state == State::Processing;
        check(is_processing, "WITHDRAWAL_STATUS_INVALID")?;
        check(self.payouts.insert(payout), "PAYOUT_REFERENCE_USED")?;
        self.end_withdrawal(withdrawal, &[State::Processing], "WITHDRAWAL_COMPLETED")
    }

    pub fn fail(&mut self, withdrawal: usize) -> Result<(), Refusal> {
        let open = [State::Requested, State::Processing];
        self.end_withdrawal(withdrawal, &open, "WITHDRAWAL_FAILED")
    }

    pub fn freeze(&mut self, person: usize) -> Result<(), Refusal> {
        check(self.frozen.insert(person), "WALLET_FROZEN")
    }

    pub fn unfreeze(&mut self, person: usize) -> Result<(), Refusal> {
        check(self.frozen.remove(&person), "WALLET_NOT_FROZEN")
    }

    pub fn fund(&mut self, amount: Amount) -> Result<(), Refusal> {
        check(amount.is_valid(), "AMOUNT_INVALID")?;
        self.treasury += amount.minor;
        Ok(())
    }

    /// A claim is paid once.
    pub fn mint(&mut self, person: usize, amount: Amount, claim: usize) -> Result<(), Refusal> {
        check(amount.is_valid(), "AMOUNT_INVALID")?;
        if let Some(first) = self.rewards.get(&(person, claim)) {
            return check(*first == amount.minor, "REWARD_ALREADY_MINTED");
        }
        check(self.treasury >= amount.minor, "TREASURY_SHORT")?;
        self.treasury -= amount.minor;
        self.rewards.insert((person, claim), amount.minor);
        let whose = (person, amount.code);
        self.books
            .credit(whose, Bucket::Available, amount.minor, "REWARD");
        Ok(())
    }
}
