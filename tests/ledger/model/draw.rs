//! Random steps, most of which have an effect: of objects that are still open, with amounts that are there.

use rand::Rng;
use rand::rngs::StdRng;

use super::books::{Amount, CURRENCIES, Code};
use super::rules::{Model, PAIRS, Settling, State, VERIFIED};
use super::steps::{PEOPLE, Step};

/// Objects of the service that holds are about.
const BETS: usize = 2;

/// A source of random steps of a program.
pub struct Draw<'a> {
    pub rng: &'a mut StdRng,
    pub model: &'a Model,
    /// Number of commands that were sent.
    pub sent: usize,
    /// Commands of which the program has many.
    pub focus: Focus,
}

/// Groups of commands that depend on each other.
#[derive(Clone, Copy, Debug)]
pub enum Focus {
    Holds,
    Conversions,
    Withdrawals,
    Rewards,
}

impl Focus {
    /// One of them, holds more often than the others.
    pub fn draw(rng: &mut StdRng) -> Self {
        match rng.random_range(0..10) {
            0..=4 => Self::Holds,
            5 | 6 => Self::Conversions,
            7 | 8 => Self::Withdrawals,
            _ => Self::Rewards,
        }
    }
}

impl Draw<'_> {
    /// The next step. The first ones bring money.
    pub fn step(&mut self) -> Step {
        if self.sent < VERIFIED {
            let minor = self.rng.random_range(50..200) * 10_000;
            return Step::Deposit {
                owner: Some(self.sent),
                amount: Amount {
                    minor,
                    code: "MP",
                    is_finer: false,
                },
                payment: self.sent,
            };
        }
        loop {
            let step = match self.rng.random_range(0..20) {
                0..=9 => self.of_focus(),
                10 | 11 => Some(self.deposit()),
                12 => Some(self.place()),
                13 => self.of_hold(),
                14 => Some(self.convert()),
                15 => Some(self.withdraw()),
                16 => self.of_withdrawal(),
                17 => Some(self.freeze()),
                18 => Some(self.reward()),
                _ => Some(Step::Replay {
                    step: self.rng.random_range(0..self.sent),
                }),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn of_focus(&mut self) -> Option<Step> {
        let kind = self.rng.random_range(0..10);
        match self.focus {
            Focus::Holds => match kind {
                0..=3 => Some(self.place()),
                4..=8 => self.of_hold(),
                _ => self.clear(),
            },
            Focus::Conversions => Some(self.convert()),
            Focus::Withdrawals if kind < 4 => Some(self.withdraw()),
            Focus::Withdrawals => self.of_withdrawal(),
            Focus::Rewards => Some(self.reward()),
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_ratio(percent, 100)
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.rng.random_range(0..list.len())]
    }

    /// A person, mostly one who has money.
    fn person(&mut self) -> usize {
        let most = if self.chance(85) { VERIFIED } else { PEOPLE };
        self.rng.random_range(0..most)
    }

    /// Mostly an open object, if there is one.
    fn mostly(&mut self, open: &[usize], count: usize) -> Option<usize> {
        if !open.is_empty() && self.chance(75) {
            Some(self.one_of(open))
        } else {
            (count > 0).then(|| self.rng.random_range(0..count))
        }
    }

    fn deposit(&mut self) -> Step {
        if self.chance(25) {
            let place = self.rng.random_range(0..self.model.deposits.len());
            let first = self.model.deposits.iter().nth(place).unwrap();
            let (payment, (owner, amount)) = first;
            return Step::Deposit {
                owner: *owner,
                amount: *amount,
                payment: *payment,
            };
        }
        let person = self.rng.random_range(0..PEOPLE);
        let code = self.one_of(&CURRENCIES).0;
        Step::Deposit {
            owner: self.chance(90).then_some(person),
            amount: self.near(100 * 10_i128.pow(super::books::scale(code)), code),
            payment: self.rng.random_range(0..8),
        }
    }

    fn place(&mut self) -> Step {
        let owner = self.person();
        Step::Place {
            owner,
            amount: self.spendable(owner),
            bet: self.rng.random_range(0..BETS),
            hours: self.one_of(&[-1, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 24, 24, 48, 1_439, 1_440]),
        }
    }

    fn of_hold(&mut self) -> Option<Step> {
        let holds = self.model.holds.iter().enumerate();
        let open = holds.filter(|(_, hold)| hold.state == State::Held);
        let open: Vec<usize> = open.map(|(number, _)| number).collect();
        let count = self.model.holds.len();
        let hold = self.mostly(&open, count)?;
        Some(match self.rng.random_range(0..20) {
            0..=3 => {
                let hours = self.one_of(&[0, 1, 2, 3, 2_000]);
                Step::Extend { hold, hours }
            }
            4..=6 => Step::Release { hold },
            7..=13 => Step::Settle(self.settling(hold)),
            _ => {
                let mut chosen = vec![hold];
                for _ in 0..self.rng.random_range(0..3) {
                    let other = self.mostly(&open, count)?;
                    if !chosen.contains(&other) {
                        chosen.push(other);
                    }
                }
                let settlements = chosen.into_iter().map(|hold| self.settling(hold));
                Step::SettleAll(settlements.collect())
            }
        })
    }

    fn settling(&mut self, hold: usize) -> Settling {
        let of_hold = &self.model.holds[hold];
        let (whole, code) = (of_hold.amount, of_hold.code);
        let is_win = self.chance(60);
        let amount = self.chance(30).then(|| self.near(whole, code));
        let has_payouts = self.chance(if is_win { 70 } else { 10 });
        let payouts = has_payouts.then(|| {
            let count = self.rng.random_range(1..=3);
            let first = self.rng.random_range(0..PEOPLE);
            let mut payouts = Vec::new();
            for number in 0..count {
                let mut amount = self.near(whole / (count as i128), code);
                if self.chance(4) {
                    amount.code = "PT";
                }
                let is_again = self.chance(5);
                let payee = if is_again {
                    first
                } else {
                    (first + number) % PEOPLE
                };
                payouts.push((payee, amount));
            }
            payouts
        });
        Settling {
            hold,
            is_win,
            amount,
            payouts,
        }
    }

    fn clear(&mut self) -> Option<Step> {
        let accounts: Vec<_> = self.model.clearing.iter().collect();
        if accounts.is_empty() && self.chance(80) {
            return None;
        }
        let (bet, code, balance) = if accounts.is_empty() {
            (0, "MP", 0)
        } else {
            let ((bet, code), balance) = self.one_of(&accounts);
            (*bet, *code, *balance)
        };
        let person = self.rng.random_range(0..PEOPLE);
        Some(Step::Clear {
            bet,
            amount: self.near(balance, code),
            payee: self.chance(70).then_some(person),
        })
    }

    fn convert(&mut self) -> Step {
        let person = self.person();
        let amount = self.spendable(person);
        let open = PAIRS.map(|pair| (pair.0, pair.1));
        let open: Vec<Code> = open
            .iter()
            .filter(|pair| pair.0 == amount.code)
            .map(|pair| pair.1)
            .collect();
        let to = if self.chance(85) {
            self.one_of(&open)
        } else {
            self.one_of(&CURRENCIES).0
        };
        if self.chance(60) {
            Step::Convert { person, amount, to }
        } else {
            Step::ConvertBack { person, amount, to }
        }
    }

    fn withdraw(&mut self) -> Step {
        let person = self.person();
        Step::Withdraw {
            person,
            amount: self.spendable(person),
        }
    }

    fn of_withdrawal(&mut self) -> Option<Step> {
        let withdrawals = self.model.withdrawals.iter().enumerate();
        let open = withdrawals.filter(|(_, one)| one.state != State::Ended);
        let open: Vec<usize> = open.map(|(number, _)| number).collect();
        let withdrawal = self.mostly(&open, self.model.withdrawals.len())?;
        let is_processing = self.model.withdrawals[withdrawal].state == State::Processing;
        let payout = self.rng.random_range(0..2);
        Some(match self.rng.random_range(0..8) {
            0 => Step::Cancel { withdrawal },
            1 => Step::Fail { withdrawal },
            2 => Step::Process { withdrawal },
            3 => Step::Complete { withdrawal, payout },
            _ if is_processing => Step::Complete { withdrawal, payout },
            _ => Step::Process { withdrawal },
        })
    }

    fn freeze(&mut self) -> Step {
        let frozen: Vec<usize> = self.model.frozen.iter().copied().collect();
        let person = self.person();
        match self.rng.random_range(0..8) {
            0..=2 if !frozen.is_empty() => Step::Unfreeze {
                person: self.one_of(&frozen),
            },
            0 => Step::Unfreeze { person },
            _ => Step::Freeze { person },
        }
    }

    /// Funds stay below the sum that a person moves alone.
    fn reward(&mut self) -> Step {
        if self.chance(if self.model.treasury == 0 { 70 } else { 15 }) {
            return Step::Fund {
                amount: self.near(500_000, "MP"),
            };
        }
        Step::Mint {
            person: self.rng.random_range(0..PEOPLE),
            amount: self.near(self.model.treasury, "MP"),
            claim: self.rng.random_range(0..2),
        }
    }

    /// An amount of a currency that a person has, mostly.
    fn spendable(&mut self, person: usize) -> Amount {
        let codes = CURRENCIES.map(|(code, _)| code);
        let model = self.model;
        let owned = codes
            .iter()
            .filter(|code| model.books.available(person, code) > 0);
        let owned: Vec<Code> = owned.copied().collect();
        let code = if owned.is_empty() || self.chance(10) {
            self.one_of(&codes)
        } else {
            self.one_of(&owned)
        };
        self.near(model.books.available(person, code), code)
    }

    /// An amount near a number, mostly below.
    fn near(&mut self, number: i128, code: Code) -> Amount {
        let minor = match self.rng.random_range(0..20) {
            0 => 0,
            1 => number + 1,
            2 | 3 => number,
            4 => self.rng.random_range(1..20),
            _ => self.rng.random_range(1..=number.max(20) * 2 / 3),
        };
        let is_finer = self.chance(2);
        Amount {
            minor,
            code,
            is_finer,
        }
    }
}
