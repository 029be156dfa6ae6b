//! Steps of a program, and how the model judges them.

use super::books::{Amount, Code};
use super::rules::{Model, Refusal, Settling, VERIFIED};

/// People of a program: the last one is not verified.
pub const PEOPLE: usize = VERIFIED + 1;

/// A command with the numbers of its objects.
#[derive(Clone, Debug)]
pub enum Step {
    Deposit {
        owner: Option<usize>,
        amount: Amount,
        payment: usize,
    },
    Place {
        owner: usize,
        amount: Amount,
        bet: usize,
        hours: i64,
    },
    Extend {
        hold: usize,
        hours: i64,
    },
    Release {
        hold: usize,
    },
    Settle(Settling),
    SettleAll(Vec<Settling>),
    Clear {
        bet: usize,
        amount: Amount,
        payee: Option<usize>,
    },
    Convert {
        person: usize,
        amount: Amount,
        to: Code,
    },
    /// Converts the result of a conversion back.
    ConvertBack {
        person: usize,
        amount: Amount,
        to: Code,
    },
    Withdraw {
        person: usize,
        amount: Amount,
    },
    Cancel {
        withdrawal: usize,
    },
    Process {
        withdrawal: usize,
    },
    Complete {
        withdrawal: usize,
        payout: usize,
    },
    Fail {
        withdrawal: usize,
    },
    Freeze {
        person: usize,
    },
    Unfreeze {
        person: usize,
    },
    Fund {
        amount: Amount,
    },
    Mint {
        person: usize,
        amount: Amount,
        claim: usize,
    },
    /// An earlier step with its key.
    Replay {
        step: usize,
    },
}

/// The refusals of a step: one, and those of the items of a batch.
pub type Judged = Result<(), (Refusal, Vec<Option<Refusal>>)>;

impl Step {
    /// The effect on the model. Not of conversions back and of replays, which consist of other steps.
    pub fn judge(&self, model: &mut Model) -> Judged {
        let alone = |refusal| (refusal, Vec::new());
        match self {
            Self::Deposit {
                owner,
                amount,
                payment,
            } => model.deposit(*owner, *amount, *payment),
            Self::Place {
                owner,
                amount,
                bet,
                hours,
            } => model.place(*owner, *amount, *bet, *hours),
            Self::Extend { hold, hours } => model.extend(*hold, *hours),
            Self::Release { hold } => model.release(*hold),
            Self::Settle(one) => {
                let settled = model.settle(std::slice::from_ref(one));
                settled.map_err(|refused| refused[0].unwrap())
            }
            Self::SettleAll(all) => {
                return model.settle(all).map_err(|refused| {
                    let items = refused.into_iter();
                    let items = items.map(|item| item.or(Some("NOT_APPLIED")));
                    ("BATCH_REFUSED", items.collect())
                });
            }
            Self::Clear { bet, amount, payee } => model.clear(*bet, *amount, *payee),
            Self::Convert { person, amount, to } => model.convert(*person, *amount, to),
            Self::Withdraw { person, amount } => model.withdraw(*person, *amount),
            Self::Cancel { withdrawal } => model.cancel(*withdrawal),
            Self::Process { withdrawal } => model.process(*withdrawal),
            Self::Complete { withdrawal, payout } => model.complete(*withdrawal, *payout),
            Self::Fail { withdrawal } => model.fail(*withdrawal),
            Self::Freeze { person } => model.freeze(*person),
            Self::Unfreeze { person } => model.unfreeze(*person),
            Self::Fund { amount } => model.fund(*amount),
            Self::Mint {
                person,
                amount,
                claim,
            } => model.mint(*person, *amount, *claim),
            Self::ConvertBack { .. } | Self::Replay { .. } => unreachable!("{self:?}"),
        }
        .map_err(alone)
    }
}
