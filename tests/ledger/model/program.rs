//! One program: its people, its model, and what the server knows of it.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::FutureExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

use super::books::{Amount, Bucket, CURRENCIES, Code, Line};
use super::draw::{Draw, Focus};
use super::rules::{Model, Settling, VERIFIED, received};
use super::steps::{Judged, PEOPLE, Step};
use super::{Balances, World, money, shown};
use crate::support::wallets::{bet, owner};
use crate::support::{Actor, Outcome, Run, TestApp};

/// A program in progress.
pub struct Program {
    seed: u64,
    rng: StdRng,
    model: Model,
    people: Vec<Actor>,
    finance: Actor,
    campaign: Uuid,
    /// Ids of the model's holds and withdrawals.
    holds: Vec<Value>,
    withdrawals: Vec<Value>,
    /// Sent commands with their steps and results.
    sent: Vec<(Run, Step, Judged)>,
    rest: usize,
    focus: Focus,
    moments: Vec<Moment>,
    /// Names of its commands with their refusals.
    pub did: Vec<String>,
}

/// The balances of all wallets at a time at which no command ran.
struct Moment {
    at: DateTime<Utc>,
    balances: BTreeMap<(usize, Code), (i128, i128)>,
}

impl Program {
    pub fn new(app: &TestApp, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        Self {
            seed,
            model: Model::default(),
            people: (0..PEOPLE).map(|_| app.user()).collect(),
            finance: app.finance(),
            campaign: Uuid::from_u64_pair(0xca3b, seed),
            holds: Vec::new(),
            withdrawals: Vec::new(),
            sent: Vec::new(),
            rest: rng.random_range(6..=10),
            focus: Focus::draw(&mut rng),
            moments: Vec::new(),
            did: Vec::new(),
            rng,
        }
    }

    /// Ids of the people, and whether they are verified.
    pub fn people(&self) -> impl Iterator<Item = (String, bool)> {
        let numbered = self.people.iter().enumerate();
        numbered.map(|(number, person)| (person.id().to_string(), number < VERIFIED))
    }

    /// Takes the next step, if there is one left.
    pub async fn take_step(&mut self, world: &World) {
        if self.rest == 0 {
            return;
        }
        self.rest -= 1;
        let (rng, model) = (&mut self.rng, &self.model);
        let (sent, focus) = (self.sent.len(), self.focus);
        let step = Draw {
            rng,
            model,
            sent,
            focus,
        }
        .step();
        let taken = AssertUnwindSafe(self.take(world, &step))
            .catch_unwind()
            .await;
        if let Err(panic) = taken {
            println!("the last step: {step:?}");
            self.print();
            std::panic::resume_unwind(panic);
        }
    }

    /// Prints the seed and the steps.
    fn print(&self) {
        println!("program {} at hour {}:", self.seed, self.model.now);
        for (number, (_, step, judged)) in self.sent.iter().enumerate() {
            println!("{number:3} {step:?}: {judged:?}");
        }
    }

    async fn take(&mut self, world: &World, step: &Step) {
        match step {
            Step::Replay { step } => self.replay(*step).await,
            Step::ConvertBack { person, amount, to } => {
                let (person, given, to) = (*person, *amount, *to);
                let there = Step::Convert {
                    person,
                    amount: given,
                    to,
                };
                if self.send(world, there).await {
                    let minor = received(given.minor, given.code, to).unwrap();
                    let amount = Amount {
                        minor,
                        code: to,
                        is_finer: false,
                    };
                    let gained = received(minor, to, given.code).unwrap_or(0) - given.minor;
                    assert!(gained <= 0, "{given:?} gains {gained} by way of {to}");
                    let back = Step::Convert {
                        person,
                        amount,
                        to: given.code,
                    };
                    if self.send(world, back).await {
                        self.did.push("ConvertBack".to_owned());
                    }
                }
            }
            step => {
                self.send(world, step.clone()).await;
            }
        }
    }

    /// Sends a command that the model judges, too; returns whether it was applied.
    async fn send(&mut self, world: &World, step: Step) -> bool {
        let key = format!("{}-{}", self.seed, self.sent.len());
        let run = self.run_of(world, &step).key(&key);
        let judged = step.judge(&mut self.model);
        let outcome = run.clone().await;
        self.sent.push((run, step.clone(), judged.clone()));
        assert!(!outcome.is_replay(), "a replay of a new key");
        compare(&outcome, &judged);
        if judged.is_ok() {
            match step {
                Step::Place { .. } => self.holds.push(outcome.field("hold")["id"].clone()),
                Step::Withdraw { .. } => {
                    let id = outcome.field("withdrawal")["id"].clone();
                    self.withdrawals.push(id);
                }
                _ => {}
            }
        }
        self.note(&step, &judged);
        judged.is_ok()
    }

    /// Sends a command again with its key.
    async fn replay(&mut self, number: usize) {
        let (run, _, judged) = self.sent[number].clone();
        let outcome = run.await;
        assert!(outcome.is_replay(), "step {number} again");
        compare(&outcome, &judged);
        self.did.push("Replay".to_owned());
    }

    fn note(&mut self, step: &Step, judged: &Judged) {
        let name = format!("{step:?}");
        let name = name.split([' ', '(']).next().unwrap();
        self.did.push(match judged {
            Ok(()) => name.to_owned(),
            Err((refusal, _)) => format!("{name} {refusal}"),
        });
    }

    /// The reference of an object of the service.
    fn reference(&self, number: usize) -> String {
        format!("{}-{number}", self.seed)
    }

    fn run_of(&self, world: &World, step: &Step) -> Run {
        let service = &world.service;
        let person = |number: &usize| &self.people[*number];
        let payment =
            |number: &usize| json!({"provider": "VCB", "reference": self.reference(*number)});
        // No two holds of a program expire at the same second.
        let expiry = |hours: i64, hold: usize| {
            let hours = TimeDelta::hours(self.model.now + hours) + TimeDelta::minutes(30);
            let at = world.start + hours + TimeDelta::seconds(i64::try_from(hold).unwrap());
            at.to_rfc3339_opts(SecondsFormat::Micros, true)
        };
        match step {
            Step::Deposit {
                owner: of,
                amount,
                payment: number,
            } => {
                let of = of.as_ref().map(|number| owner(person(number)));
                let input =
                    json!({"owner": of, "amount": money(*amount), "payment": payment(number)});
                service.run("depositCredit", input).select("")
            }
            Step::Place {
                owner: of,
                amount,
                bet: number,
                hours,
            } => {
                let input = json!({
                    "owner": owner(person(of)), "amount": money(*amount), "reference": bet(&self.reference(*number)),
                    "reason": "A bet", "expiresAt": expiry(*hours, self.holds.len()),
                });
                service.run("holdPlace", input).select("hold { id }")
            }
            Step::Extend { hold, hours } => {
                let run = service.extend(&self.holds[*hold], &expiry(*hours, *hold));
                run.select("")
            }
            Step::Release { hold } => service.release_hold(&self.holds[*hold]).select(""),
            Step::Settle(one) => service.settle(self.settlement(one)).select(""),
            Step::SettleAll(all) => {
                let all = all.iter().map(|one| self.settlement(one)).collect();
                service
                    .settle_all(all)
                    .select("results { userErrors { code } }")
            }
            Step::Clear {
                bet: number,
                amount,
                payee,
            } => {
                let payee = payee.as_ref().map(person);
                let release = service.release_clearing(&self.reference(*number), "1", payee);
                release.with(json!({"amount": money(*amount)})).select("")
            }
            step => self.run_of_person(world, step),
        }
    }

    /// Commands on conversions, withdrawals, freezes and rewards.
    fn run_of_person(&self, world: &World, step: &Step) -> Run {
        let service = &world.service;
        let person = |number: &usize| &self.people[*number];
        match step {
            Step::Convert {
                person: number,
                amount,
                to,
            } => person(number).convert(&money(*amount), to).select(""),
            Step::Withdraw {
                person: number,
                amount,
            } => {
                let amount = json!({"amount": money(*amount)});
                person(number)
                    .withdraw("1")
                    .with(amount)
                    .select("withdrawal { id }")
            }
            Step::Cancel { withdrawal } => {
                let owner = &self.people[self.model.withdrawals[*withdrawal].owner];
                owner
                    .cancel_withdrawal(&self.withdrawals[*withdrawal])
                    .select("")
            }
            Step::Process { withdrawal } => self
                .finance
                .process(&self.withdrawals[*withdrawal])
                .select(""),
            Step::Complete { withdrawal, payout } => {
                let reference = self.reference(*payout);
                service
                    .complete(&self.withdrawals[*withdrawal], &reference)
                    .select("")
            }
            Step::Fail { withdrawal } => service.fail(&self.withdrawals[*withdrawal]).select(""),
            Step::Freeze { person: number } => {
                self.finance.freeze(&owner(person(number))).select("")
            }
            Step::Unfreeze { person: number } => self
                .finance
                .unfreeze(&owner(person(number)), "FINANCE")
                .select(""),
            Step::Fund { amount } => self.finance.fund(self.campaign, &money(*amount)).select(""),
            Step::Mint {
                person: number,
                amount,
                claim,
            } => {
                let mint =
                    service.mint(self.campaign, person(number), &self.reference(*claim), "1");
                mint.with(json!({"amount": money(*amount)})).select("")
            }
            _ => unreachable!("{step:?}"),
        }
    }

    fn settlement(&self, one: &Settling) -> Value {
        let outcome = if one.is_win { "WIN" } else { "LOSS" };
        let payouts = one.payouts.as_ref().map(|payouts| {
            let payouts = payouts.iter();
            let payout = |(of, amount): &(usize, Amount)| {
                json!({"owner": owner(&self.people[*of]), "amount": money(*amount)})
            };
            payouts.map(payout).collect::<Vec<_>>()
        });
        json!({
            "holdId": self.holds[one.hold], "outcome": outcome, "amount": one.amount.map(money), "payouts": payouts,
        })
    }

    /// Compares all balances, and keeps them with the time.
    pub fn compare_balances(&mut self, stored: &Balances, now: DateTime<Utc>) {
        let mut balances = BTreeMap::new();
        for (number, person) in self.people.iter().enumerate() {
            for (code, _) in CURRENCIES {
                let wallet = self.model.books.0.get(&(number, code));
                let expected = wallet.map_or((0, 0), |wallet| (wallet.available, wallet.held));
                let key = (person.id().to_string(), code.to_owned());
                let found = stored.get(&key).copied().unwrap_or_default();
                let found = (i128::from(found.0), i128::from(found.1));
                if found != expected {
                    self.print();
                }
                assert_eq!(found, expected, "{code} of person {number}");
                balances.insert((number, code), expected);
            }
        }
        self.moments.push(Moment { at: now, balances });
    }

    /// Moves the model's clock; the job may have released expired holds.
    pub fn pass_an_hour(&mut self, is_released: bool) {
        self.model.now += 1;
        if is_released {
            self.model.expire();
        }
    }

    /// Compares the wallets of all people with their pages of entries.
    pub async fn compare_pages(&self, world: &World) {
        let compared = AssertUnwindSafe(self.compare_wallets(world));
        if let Err(panic) = compared.catch_unwind().await {
            self.print();
            std::panic::resume_unwind(panic);
        }
    }

    async fn compare_wallets(&self, world: &World) {
        let whose = (0..PEOPLE).flat_map(|number| CURRENCIES.map(|(code, _)| (number, code)));
        let whose: Vec<_> = whose.collect();
        let key = |(number, code): &(usize, Code)| {
            let uuid = self.people[*number].id().to_string();
            json!({"owner": {"ownerId": uuid}, "currency": code})
        };
        let keys = whose.iter().map(key).enumerate();
        let keys = keys.map(|(place, key)| (format!("b{place}"), key));
        let mut variables: Value = keys.collect::<serde_json::Map<_, _>>().into();
        // Short pages in some programs, one page in the others.
        variables["first"] = json!(if self.seed.is_multiple_of(10) { 3 } else { 60 });
        let seen = world
            .service
            .get(&wallets(whose.len(), ""), variables.clone())
            .await;
        for (place, whose) in whose.iter().enumerate() {
            let mut seen = seen[format!("w{place}")].clone();
            let wallet = self.model.books.0.get(whose).cloned().unwrap_or_default();
            assert_eq!(seen["available"], shown(wallet.available, whose.1));
            assert_eq!(seen["held"], shown(wallet.held, whose.1));
            // A query for each wallet, so in some programs only.
            if self.seed.is_multiple_of(5) {
                let of = json!({"b0": variables[format!("b{place}")], "first": 1});
                let past = world.service.get(&wallets(1, &self.past()), of).await;
                self.compare_past(*whose, &past["w0"]);
            }
            let mut entries = Vec::new();
            loop {
                let page = &seen["entries"];
                assert_eq!(page["totalCount"], wallet.lines.len());
                entries.extend_from_slice(page["nodes"].as_array().unwrap());
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                let next = json!({
                    "b0": variables[format!("b{place}")], "first": 3, "after": page["pageInfo"]["endCursor"],
                });
                seen = world.service.get(&wallets(1, ""), next).await["w0"].clone();
            }
            // Newest first.
            entries.reverse();
            let lines = wallet.lines.iter().enumerate();
            let expected: Vec<Value> = lines
                .map(|(place, line)| entry(place, line, whose.1))
                .collect();
            assert_eq!(entries, expected, "entries of {whose:?}");
        }
    }

    /// Fields of a wallet with its balance at each moment.
    fn past(&self) -> String {
        let at = |moment: &Moment| moment.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let moments = self.moments.iter().map(at).enumerate();
        let fields = moments.map(|(number, at)| {
            format!(
                "m{number}: balanceAt(at: \"{at}\") {{ available {{ amount }} held {{ amount }} }} "
            )
        });
        fields.collect()
    }

    /// Compares the balance of a wallet at each moment.
    fn compare_past(&self, whose: (usize, Code), seen: &Value) {
        for (number, Moment { at, balances }) in self.moments.iter().enumerate() {
            let (available, held) = balances[&whose];
            let expected =
                json!({"available": shown(available, whose.1), "held": shown(held, whose.1)});
            assert_eq!(seen[format!("m{number}")], expected, "{whose:?} at {at}");
        }
    }

    /// Compares the clearing accounts and the treasury, by reference or campaign and currency.
    pub fn compare_house(&self, stored: &BTreeMap<(String, String), i64>) {
        let clearing = self.model.clearing.iter();
        let clearing =
            clearing.map(|((number, code), balance)| (self.reference(*number), *code, *balance));
        let treasury = (self.campaign.to_string(), "MP", self.model.treasury);
        for (name, code, expected) in clearing.chain([treasury]) {
            let found = stored.get(&(name.clone(), code.to_owned()));
            let found = found.copied().unwrap_or_default();
            if i128::from(found) != expected {
                self.print();
            }
            assert_eq!(i128::from(found), expected, "{name} of {code}");
        }
    }
}

/// Reads a number of wallets with a page of their entries, and further fields.
fn wallets(count: usize, past: &str) -> String {
    let fields = "available { amount } held { amount } entries(first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { sequence bucket side transfer { reason } amount { amount } balanceAfter { amount } } }";
    let keys = (0..count).map(|place| format!("$b{place}: WalletKeyInput!, "));
    let fields = (0..count)
        .map(|place| format!("w{place}: wallet(by: {{owner: $b{place}}}) {{ {fields} {past} }} "));
    format!(
        "query ({}$first: Int, $after: String) {{ {} }}",
        keys.collect::<String>(),
        fields.collect::<String>()
    )
}

/// An entry as the API shows it.
fn entry(place: usize, line: &Line, code: Code) -> Value {
    let bucket = match line.bucket {
        Bucket::Available => "AVAILABLE",
        Bucket::Held => "HELD",
    };
    json!({
        "sequence": (place + 1).to_string(), "bucket": bucket, "transfer": {"reason": line.reason},
        "side": if line.is_credit { "CREDIT" } else { "DEBIT" },
        "amount": shown(line.amount, code), "balanceAfter": shown(line.after, code),
    })
}

/// Compares the result of a command, and those of the items of a batch.
#[track_caller]
fn compare(outcome: &Outcome, judged: &Judged) {
    let expected = judged.as_ref().err();
    assert_eq!(outcome.refusal(), expected.map(|(code, _)| *code));
    let items = expected
        .map(|(_, items)| items.as_slice())
        .unwrap_or_default();
    if items.is_empty() {
        return;
    }
    let results = outcome.field("results").as_array().unwrap();
    let codes = results
        .iter()
        .map(|result| result["userErrors"][0]["code"].as_str());
    assert_eq!(codes.collect::<Vec<_>>(), items);
}
