//! Currencies that change while instances run.

use serde_json::{Value, json};

use crate::support::rounds::race;
use crate::support::samples::{currency, wallet, with_reason};
use crate::support::wallets::{bet, loss, owner};
use crate::support::{Actor, Run, TestApp, test};

/// The section `wallet` with these currencies behind those of the sample, and a ceiling of each for deposits.
async fn section(app: &TestApp, added: &[Value]) -> Value {
    let mut currencies = wallet(json!({}))["currencies"].clone();
    currencies.as_array_mut().unwrap().extend_from_slice(added);
    let ceilings = added.iter();
    let ceilings = ceilings.map(|of| json!({"currency": of["code"], "amount": "1000"}));
    let tester = json!({
        "name": "tester", "issuer": "goodgo-dev-services", "subject": "tester",
        "depositCeilings": ceilings.collect::<Vec<_>>(),
    });
    let version = app.count("configurations", "section = 'wallet'").await;
    wallet(json!({"currencies": currencies, "issuers": [tester], "version": version}))
}

fn money(amount: &str, code: &str) -> Value {
    json!({"amount": amount, "currency": code})
}

/// Reports a payment to a person.
fn deposit(bank: &Actor, whose: &Actor, amount: &Value) -> Run {
    let payment = json!({"provider": "VCB", "reference": amount["currency"]});
    let fields = json!({"amount": amount, "payment": payment});
    bank.deposit(whose, "1").with(fields)
}

/// Available and held amount of a person's wallet.
async fn balance(whose: &Actor, code: &str) -> [Value; 2] {
    let query =
        "query ($by: WalletBy!) { wallet(by: $by) { available { amount } held { amount } } }";
    let by = json!({"by": {"currency": code}});
    let wallet = whose.get(query, by).await["wallet"].clone();
    ["available", "held"].map(|name| wallet[name]["amount"].clone())
}

/// The instance learns of the currency from the command that names it.
#[test]
fn posts_in_a_currency_of_another_instance() {
    test(async |app| {
        let other = app.another().await;
        let alice = app.miner().await.at(other.address());
        let (bank, game) = (app.bank().await, app.game());
        let (bank, game) = (bank.at(other.address()), game.at(other.address()));
        let refused = deposit(&bank, &alice, &money("7.25", "GEM")).await;
        refused.refused("CURRENCY_UNKNOWN", Some("amount.currency"));
        let section = section(app, &[currency("GEM", 2, 2)]).await;
        app.configure_wallets(section).await;
        let credited = deposit(&bank, &alice, &money("7.25", "GEM")).await.ok();
        assert_eq!(credited["deposit"]["amount"], money("7.25", "GEM"));
        let place = json!({
            "owner": owner(&alice), "amount": money("2.5", "GEM"), "reference": bet("7"), "reason": "A bet",
        });
        let held = game.run("holdPlace", place).await.ok();
        for at in [app.address(), other.address()] {
            assert_eq!(balance(&alice.at(at), "GEM").await, ["4.75", "2.50"]);
        }
        game.settle(loss(&held["hold"]["id"])).await.ok();
        assert_eq!(balance(&alice, "GEM").await, ["4.75", "0.00"]);
        other.stop().await;
    });
}

/// Half of the payments are valid at both scales, half at the former one only; half reach another instance.
#[test]
fn posts_first_or_changes_the_scale_first() {
    const RACES: usize = 40;
    test(async |app| {
        let other = app.another().await;
        let (alice, admin) = (app.miner().await, app.admin());
        let codes: Vec<_> = (1..=RACES).map(|number| format!("GEM{number}")).collect();
        let mut added: Vec<Value> = codes.iter().map(|code| currency(code, 3, 2)).collect();
        let first = section(app, &added).await;
        let bank = app.bank_with(first).await;
        let mut changes = 0;
        for (round, code) in codes.iter().enumerate() {
            let amount = ["1.5", "1.125"][round / 2 % 2];
            let at = [app.address(), other.address()][round / 4 % 2];
            let sent = deposit(&bank.at(at), &alice, &money(amount, code));
            let mut rescaled = added.clone();
            rescaled[round] = currency(code, 2, 2);
            let changed = with_reason(section(app, &rescaled).await);
            let changed = admin.run("walletConfigurationUpdate", changed);
            let [sent, changed] = race(round, sent, changed).await;
            let scale = number_of(app, "scale", code).await;
            if changed.refusal().is_some() {
                let field = format!("configuration.currencies.{}.scale", 9 + round);
                changed.refused("CURRENCY_IN_USE", Some(&field));
                sent.ok();
                assert_eq!(scale, 3, "{code}");
            } else {
                let changed = changed.ok();
                assert_eq!(
                    changed["configuration"]["currencies"][9 + round]["scale"],
                    2
                );
                assert_eq!(scale, 2, "{code}");
                added = rescaled;
                changes += 1;
                if amount == "1.5" {
                    sent.ok();
                } else {
                    sent.refused("AMOUNT_INVALID", Some("amount.amount"));
                }
            }
            // The stored amount has the scale in force.
            let expected = match (scale, amount) {
                (3, "1.5") => (1_500, "1.500"),
                (3, _) => (1_125, "1.125"),
                (_, "1.5") => (150, "1.50"),
                _ => (0, "0.00"),
            };
            assert_eq!(balance(&alice, code).await[0], expected.1, "{code}");
            let number = number_of(app, "number", code).await;
            for (sum, table) in [
                ("available", "wallets"),
                ("amount", "transfers"),
                ("amount", "deposits"),
            ] {
                let of_alice = format!("WHERE currency = {number} AND owner_id = '{}'", alice.id());
                let sum = format!("SELECT coalesce(sum({sum}), 0)::bigint FROM {table} {of_alice}");
                assert_eq!(app.number(&sum).await, expected.0, "{code} in {table}");
            }
        }
        println!("{changes} scales of {RACES} were changed");
        other.stop().await;
    });
}

/// A number in the row of a currency.
async fn number_of(app: &TestApp, column: &str, code: &str) -> i64 {
    let of_code = format!("SELECT {column}::bigint FROM currencies WHERE code = '{code}'");
    app.number(&of_code).await
}
