//! Merchants, their campaigns and people over the API, against a model that knows the outcome of each command.
//!
//! A round is 25 hours, so that no deadline is within seconds of a command. `GOODGO_SEED` is the seed of the first program: one
//! that fails is run again with its seed and `GOODGO_PROGRAMS` 1.

mod compare;
mod deeds;
mod model;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use db::promotions::campaign::commands::end_over;
use db::promotions::redemption::commands::void_overdue;
use db::promotions::voucher::{expire, revocation::revoke_all};
use domain::access::{Role, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::dice::Dice;
use crate::support::promotions::merchant_owner;
use crate::support::samples::wallet;
use crate::support::wallets::owner;
use crate::support::{Actor, Run, TestApp, is_soak, number_of, test};
use model::{Answer, Currency, MP, Model, Party, VND};

/// Hours of a round.
const ROUND: i64 = 25;

/// The size of a program.
struct Size {
    merchants: usize,
    /// Campaigns that there are from the start.
    campaigns: usize,
    people: usize,
    rounds: usize,
    /// Commands of a round.
    deeds: usize,
    /// Rounds that campaigns last.
    lives: [i64; 3],
    /// One command in this many is about anything, whatever it leads to.
    odd: usize,
}

/// A program: the model, and the objects of the API by the model's indices.
struct Market<'a> {
    app: &'a TestApp,
    model: Model,
    dice: Dice,
    lives: [i64; 3],
    odd: usize,
    start: DateTime<Utc>,
    merchants: Vec<Actor>,
    people: Vec<Actor>,
    shop: Actor,
    admin: Actor,
    campaigns: Vec<Value>,
    vouchers: Vec<Value>,
    redemptions: Vec<Value>,
    orders: Vec<Uuid>,
    /// Number of commands by what they did.
    did: BTreeMap<String, u32>,
}

#[test]
fn soak_campaigns_agree_with_the_model() {
    let count = number_of("GOODGO_PROGRAMS", if is_soak() { 40 } else { 2 });
    let first = number_of("GOODGO_SEED", 1);
    let size = Size {
        merchants: 2,
        campaigns: 4,
        people: 6,
        rounds: 24,
        deeds: 30,
        lives: [2, 5, 20],
        odd: 4,
    };
    let mut did = BTreeMap::new();
    for seed in first..first + count {
        test(async |app| {
            let mut market = Market::open(app, seed, &size).await;
            market.live(&size).await;
            for (deed, times) in market.did {
                *did.entry(deed).or_insert(0) += times;
            }
        });
    }
    println!("soak: {count} programs of campaigns agree with the model");
    println!("{did:#?}");
    for deed in DEEDS {
        let has_happened = did.contains_key(*deed);
        // Two programs have each kind of command, but not each refusal.
        let is_rare = deed.contains(' ') && count < 10;
        assert!(has_happened || is_rare, "it never happened: {deed}");
    }
}

/// A quarter of a year of a small town's shops.
#[test]
fn soak_a_quarter_of_shops_agrees_with_the_model() {
    let size = Size {
        merchants: 5,
        campaigns: 40,
        people: if is_soak() { 2_000 } else { 40 },
        rounds: 87,
        deeds: if is_soak() { 120 } else { 6 },
        lives: [10, 40, 80],
        odd: 50,
    };
    test(async |app| {
        let mut market = Market::open(app, 1, &size).await;
        market.live(&size).await;
        println!(
            "soak: a quarter of {} people: {:?}",
            size.people, market.did
        );
        for deed in ["return", "forceCancel revoke", "jobs"] {
            assert!(market.did.contains_key(deed), "it never happened: {deed}");
        }
    });
}

/// Commands with their outcome, each of which some program has.
const DEEDS: &[&str] = &[
    "acquire",
    "acquire CAMPAIGN_ENDED",
    "acquire CAMPAIGN_NOT_ACTIVE",
    "acquire CAMPAIGN_NOT_FOUND",
    "acquire INSUFFICIENT_FUNDS",
    "acquire LIMIT_PER_USER",
    "acquire SOLD_OUT",
    "acquire WRONG_ACQUISITION_TYPE",
    "activate",
    "activate CAMPAIGN_STATUS_INVALID",
    "cancel",
    "complete",
    "extend",
    "extend DAYS_INVALID",
    "extend VOUCHER_STATUS_INVALID",
    "forceCancel revoke",
    "jobs",
    "pause",
    "redeem",
    "redeem ORDER_AMOUNT_DIFFERS",
    "redeem ORDER_COVERED",
    "redeem ORDER_REDEEMED",
    "redeem VOUCHER_EXPIRED",
    "redeem VOUCHER_REVOKED",
    "redeem VOUCHER_USED",
    "return",
    "return PARTIAL_RETURN_NOT_ALLOWED",
    "return REDEMPTION_PENDING",
    "return REDEMPTION_VOIDED",
    "return RETURN_EXCEEDED",
    "revoke",
    "revoke VOUCHER_STATUS_INVALID",
    "settle",
    "settle REDEMPTION_SETTLED",
    "settle REDEMPTION_VOIDED",
    "void",
    "void REDEMPTION_SETTLED",
];

impl<'a> Market<'a> {
    /// Registers merchants and people with money, and creates the first campaigns.
    async fn open(app: &'a TestApp, seed: u64, size: &Size) -> Self {
        configure(app).await;
        let mut market = Self {
            app,
            model: Model::default(),
            dice: Dice::new(seed),
            lives: size.lives,
            odd: size.odd,
            start: app.now().await,
            merchants: Vec::new(),
            people: Vec::new(),
            shop: app.shop(),
            admin: app.admin(),
            campaigns: Vec::new(),
            vouchers: Vec::new(),
            redemptions: Vec::new(),
            orders: Vec::new(),
            did: BTreeMap::new(),
        };
        let bank = app.service(&[Scope::WalletDeposit]);
        for number in 0..size.merchants {
            let merchant = app.person(&[Role::Merchant]);
            let whose = merchant_owner(&merchant);
            market.merchants.push(merchant);
            for (currency, amount) in [(MP, 100_000_000), (VND, 500_000_000)] {
                let party = Party::Merchant(number);
                market.deposit(&bank, party, &whose, currency, amount).await;
            }
        }
        for number in 0..size.people {
            let person = app.user();
            person.register().await.ok();
            let whose = owner(&person);
            market.people.push(person);
            for (currency, amount) in [(MP, 60_000), (VND, 60_000)] {
                let party = Party::Person(number);
                market.deposit(&bank, party, &whose, currency, amount).await;
            }
        }
        for _ in 0..size.campaigns {
            market.create().await;
        }
        market
    }

    async fn deposit(
        &mut self,
        bank: &Actor,
        party: Party,
        whose: &Value,
        currency: Currency,
        amount: i64,
    ) {
        let payment = json!({"provider": "VCB", "reference": self.app.order().await.to_string()});
        let input = json!({"owner": whose, "amount": money(amount, currency), "payment": payment});
        bank.run("depositCredit", input).await.ok();
        self.model.give(party, currency, amount);
    }

    /// Runs all rounds. The jobs run after most of them: commands and reads decide by time before.
    async fn live(&mut self, size: &Size) {
        for round in 0..size.rounds {
            if round == size.rounds / 2 {
                self.revoke_largest().await;
            }
            for _ in 0..size.deeds {
                self.deed().await;
            }
            if !self.dice.once_in(3) {
                self.run_jobs().await;
            }
            if round % 6 == 5 || round + 1 == size.rounds {
                self.compare().await;
            }
            self.app.advance(TimeDelta::hours(ROUND)).await;
            self.model.now += ROUND;
        }
        self.run_jobs().await;
        self.compare().await;
    }

    async fn run_jobs(&mut self) {
        let db = &self.app.db;
        end_over(db).await.unwrap();
        void_overdue(db).await.unwrap();
        revoke_all(db).await.unwrap();
        expire(db).await.unwrap();
        self.model.run_jobs();
        self.count("jobs");
    }

    fn count(&mut self, deed: &str) {
        *self.did.entry(deed.to_owned()).or_default() += 1;
    }

    /// Runs a command, whose outcome has to be the model's; returns the payload of one that was applied.
    async fn run(&mut self, deed: &str, run: Run, expected: Answer) -> Option<Value> {
        let outcome = run.await;
        let hour = self.model.now;
        assert_eq!(
            outcome.refusal(),
            expected.err(),
            "{deed} at hour {hour}: {}",
            outcome.answer.body
        );
        match expected {
            Ok(()) => self.count(deed),
            Err(code) => self.count(&format!("{deed} {code}")),
        }
        expected.is_ok().then(|| outcome.ok())
    }
}

/// Opens deposits of both currencies, and revocations of one person.
async fn configure(app: &TestApp) {
    let mut currencies = wallet(json!({}))["currencies"].clone();
    for currency in currencies.as_array_mut().unwrap() {
        currency["dualControlLimit"] = json!("1000000000");
    }
    let ceilings = ["MP", "VND"];
    let ceilings = ceilings.map(|code| json!({"currency": code, "amount": "100000000000"}));
    let tester = json!({
        "name": "tester", "issuer": "goodgo-dev-services", "subject": "tester", "depositCeilings": ceilings,
    });
    let section = json!({"currencies": currencies, "issuers": [tester]});
    app.configure_wallets(section).await;
    app.configure("promotion", &json!({"maxOpenCampaigns": 1000}))
        .await;
}

/// An amount in a request.
fn money(amount: i64, currency: Currency) -> Value {
    let amount = rust_decimal::Decimal::new(amount, currency.1);
    json!({"amount": amount.to_string(), "currency": currency.0})
}
