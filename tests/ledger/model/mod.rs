//! Random programs of commands on wallets over the API, against a model that knows the result of each one.
//!
//! A program has people, holds and a campaign of its own. All programs of a batch take their next step at the same time;
//! after that all balances are compared, and the clock moves by an hour. `GOODGO_PROGRAMS` is the number of programs and
//! `GOODGO_SEED` the seed of the first one: a program that fails alone is run with its seed and the number 1.

mod books;
mod draw;
mod program;
mod rules;
mod steps;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use db::wallets::hold::commands::holds_expire;
use domain::access::Scope;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::support::samples::wallet;
use crate::support::{Actor, TestApp, is_soak, number_of, test};
use books::decimal;
use program::Program;
use rules::PAIRS;

/// Steps of a program, at most.
const ROUNDS: i64 = 10;
/// Programs that share a clock.
const BATCH: u64 = 1_000;
/// Programs whose steps are between two counts of the house's balances.
const CHUNK: usize = 250;
/// Commands that run at the same time.
const WIDTH: usize = 8;

/// Configuration and people that all programs share.
struct World {
    /// The service with all scopes that the programs need.
    service: Actor,
    /// Time of the first round.
    start: DateTime<Utc>,
}

#[test]
fn soak_programs_of_commands_agree_with_the_model() {
    let count = number_of("GOODGO_PROGRAMS", if is_soak() { 10_000 } else { BATCH });
    let first = number_of("GOODGO_SEED", 1);
    let seeds: Vec<u64> = (first..first + count).collect();
    test(async |app| {
        open(app).await;
        let mut did = BTreeMap::new();
        for seeds in seeds.chunks(usize::try_from(BATCH).unwrap()) {
            for program in run(app, seeds).await {
                for deed in program.did {
                    *did.entry(deed).or_insert(0) += 1;
                }
            }
        }
        println!("soak: {count} programs agree with the model");
        println!("{did:#?}");
        for deed in DEEDS {
            let has_happened = did.contains_key(*deed);
            assert!(has_happened || count < BATCH, "it never happened: {deed}");
        }
    });
}

/// Commands with their results, each of which some program has.
const DEEDS: &[&str] = &[
    "Deposit DEPOSIT_MISMATCH",
    "Deposit",
    "Place EXPIRY_INVALID",
    "Place INSUFFICIENT_FUNDS",
    "Place WALLET_FROZEN",
    "Place",
    "Extend HOLD_ALREADY_RELEASED",
    "Extend HOLD_EXPIRED",
    "Extend",
    "Release HOLD_ALREADY_SETTLED",
    "Release",
    "Settle CLEARING_SHORT",
    "Settle HOLD_ALREADY_RELEASED",
    "Settle HOLD_EXPIRED",
    "Settle PAYOUTS_INVALID",
    "Settle PAYOUT_CURRENCY_MISMATCH",
    "Settle",
    "SettleAll BATCH_REFUSED",
    "SettleAll",
    "Clear CLEARING_NOT_FOUND",
    "Clear CLEARING_SHORT",
    "Clear",
    "Convert AMOUNT_TOO_SMALL",
    "Convert KYC_REQUIRED",
    "Convert PAIR_CLOSED",
    "Convert WALLET_FROZEN",
    "Convert",
    "ConvertBack",
    "Withdraw INSUFFICIENT_FUNDS",
    "Withdraw",
    "Cancel WITHDRAWAL_STATUS_INVALID",
    "Cancel",
    "Process",
    "Complete PAYOUT_REFERENCE_USED",
    "Complete",
    "Fail",
    "Freeze",
    "Unfreeze",
    "Fund",
    "Mint REWARD_ALREADY_MINTED",
    "Mint TREASURY_SHORT",
    "Mint",
    "Replay",
];

/// Opens the pairs of the model without a limit that a program could reach.
async fn open(app: &TestApp) {
    let mut currencies = wallet(json!({}))["currencies"].clone();
    for place in [0, 1, 3] {
        currencies[place]["fxExposureLimit"] = json!("1000000000");
    }
    let pairs = PAIRS.map(|(from, to, rate, per, fee)| {
        let rate = rust_decimal::Decimal::from(i64::try_from(rate).unwrap());
        let rate = rate / rust_decimal::Decimal::from(i64::try_from(per).unwrap());
        json!({"from": from, "to": to, "feeBps": fee, "staticRate": rate.to_string()})
    });
    let ceilings = ["MP", "PT", "STAR"];
    let ceilings = ceilings.map(|code| json!({"currency": code, "amount": "1000000000"}));
    let tester = json!({
        "name": "tester", "issuer": "goodgo-dev-services", "subject": "tester", "depositCeilings": ceilings,
    });
    let section = json!({
        "currencies": currencies, "conversionPairs": pairs, "rateSource": "STATIC", "issuers": [tester],
    });
    app.configure_wallets(section).await;
}

/// Runs the programs of some seeds side by side.
async fn run(app: &TestApp, seeds: &[u64]) -> Vec<Program> {
    let world = World {
        service: app.service(&[
            Scope::WalletDeposit,
            Scope::WalletHold,
            Scope::WalletSettle,
            Scope::WalletRead,
            Scope::WalletReward,
            Scope::WalletWithdraw,
        ]),
        start: app.now().await,
    };
    let mut programs: Vec<_> = seeds.iter().map(|seed| Program::new(app, *seed)).collect();
    register(app, &programs).await;
    for round in 0..ROUNDS {
        for programs in programs.chunks_mut(CHUNK) {
            app.count_positions().await;
            app.count_issuance().await;
            stream::iter(programs)
                .for_each_concurrent(WIDTH, |program| program.take_step(&world))
                .await;
        }
        let (stored, now) = (stored_balances(app).await, app.now().await);
        for program in &mut programs {
            program.compare_balances(&stored, now);
        }
        app.advance(TimeDelta::hours(1)).await;
        // In every second round some holds have expired and are still held.
        let is_released = round % 2 == 1;
        if is_released {
            while expire(app).await > 0 {}
        }
        for program in &mut programs {
            program.pass_an_hour(is_released);
        }
    }
    stream::iter(&programs)
        .for_each_concurrent(WIDTH, |program| program.compare_pages(&world))
        .await;
    compare_house(app, &programs).await;
    programs
}

/// Registers all people, and verifies all but the last one of each program.
async fn register(app: &TestApp, programs: &[Program]) {
    let rows = programs.iter().flat_map(Program::people);
    let rows = rows.map(|(id, is_verified)| {
        let verified_at = if is_verified { "app_now()" } else { "NULL" };
        format!("('{id}'::uuid, 'Tester', 'tester', app_now(), {verified_at}::timestamptz)")
    });
    let rows: Vec<_> = rows.collect();
    let columns = "id, display_name, display_name_folded, registered_at, kyc_completed_at";
    let insert = format!("INSERT INTO users ({columns}) VALUES {}", rows.join(", "));
    app.sql(&insert).await;
}

async fn expire(app: &TestApp) -> usize {
    let expire = async |tx: &mut db::Tx| holds_expire(tx).await;
    app.db.write("wallets.holds_expire", expire).await.unwrap()
}

/// Available and held amounts by owner and currency.
type Balances = BTreeMap<(String, String), (i64, i64)>;

async fn stored_balances(app: &TestApp) -> Balances {
    let query = "SELECT owner_id::text, code, available, held FROM wallets
         JOIN currencies ON number = currency WHERE owner_kind = 'USER' AND kind = 'MAIN'";
    let rows = app.connect().await.query(query, &[]).await.unwrap();
    rows.iter()
        .map(|row| ((row.get(0), row.get(1)), (row.get(2), row.get(3))))
        .collect()
}

/// Compares the clearing accounts and treasuries of all programs.
async fn compare_house(app: &TestApp, programs: &[Program]) {
    let query = "SELECT reference_id, code, available FROM clearing_accounts a
         JOIN wallets w USING (owner_id, currency) JOIN currencies ON number = currency WHERE w.kind = 'CLEARING'
         UNION ALL
         SELECT owner_id::text, code, available FROM wallets JOIN currencies ON number = currency
         WHERE kind = 'CAMPAIGN_TREASURY' AND available > 0";
    let rows = app.connect().await.query(query, &[]).await.unwrap();
    let stored: BTreeMap<(String, String), i64> = rows
        .iter()
        .map(|row| ((row.get(0), row.get(1)), row.get(2)))
        .collect();
    for program in programs {
        program.compare_house(&stored);
    }
}

/// An amount in a request.
fn money(amount: books::Amount) -> Value {
    json!({"amount": amount.text(), "currency": amount.code})
}

/// An amount in an answer.
fn shown(minor: i128, code: books::Code) -> Value {
    json!({"amount": decimal(minor, code)})
}
