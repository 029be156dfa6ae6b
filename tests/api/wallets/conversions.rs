use chrono::TimeDelta;
use domain::access::Scope;
use serde_json::{Value, json};

use crate::support::rounds::{prepared, rounds};
use crate::support::samples::wallet;
use crate::support::wallets::owner;
use crate::support::{Actor, Miner, TestApp, at_once, test};

fn usd(amount: &str) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

fn vnd(amount: &str) -> Value {
    json!({"amount": amount, "currency": "VND"})
}

/// Opens USD to VND with a fee of 0.25 % and an exposure of 10,000,000 VND, and back.
async fn open(app: &TestApp, fields: Value) {
    let mut currencies = wallet(json!({}))["currencies"].clone();
    for (place, exposure) in [(7, "1000"), (8, "10000000")] {
        currencies[place]["fxExposureLimit"] = json!(exposure);
    }
    let pair = |from, to| json!({"from": from, "to": to, "feeBps": 25, "staticRate": null});
    let pairs = [pair("USD", "VND"), pair("VND", "USD")];
    let section = json!({"currencies": currencies, "conversionPairs": pairs});
    app.configure_wallets(crate::support::merged(section, fields))
        .await;
    app.count_positions().await;
}

/// A verified person with so many USD.
async fn holder(app: &TestApp, amount: &str) -> Miner {
    let alice = app.miner().await;
    app.verify(&alice).await.ok();
    let payment = json!({"provider": "VCB", "reference": alice.id().to_string()});
    let input = json!({"owner": owner(&alice), "amount": usd(amount), "payment": payment});
    let bank = app.service(&[Scope::WalletDeposit]);
    bank.run("depositCredit", input).await.ok();
    alice
}

fn source(app: &TestApp) -> Actor {
    app.service(&[Scope::RatesWrite])
}

/// Records a rate of USD to VND.
async fn record(app: &TestApp, rate: &str) -> Value {
    source(app).record_rate("USD", "VND", rate).await.ok()["rate"].clone()
}

async fn balances(alice: &Actor) -> [String; 2] {
    let query = "{ viewer { usd: wallet(currency: \"USD\") { available { amount } }
        vnd: wallet(currency: \"VND\") { available { amount } } } }";
    let viewer = alice.get(query, json!({})).await["viewer"].clone();
    ["usd", "vnd"].map(|name| {
        viewer[name]["available"]["amount"]
            .as_str()
            .unwrap()
            .to_owned()
    })
}

#[test]
fn converts_at_the_rate_in_use() {
    test(async |app| {
        open(app, json!({})).await;
        let alice = holder(app, "100").await;
        let rate = record(app, "26000.5").await;
        assert_eq!(rate["status"], "ACCEPTED");
        let query = "query ($amount: MoneyInput!) { conversionQuote(amount: $amount, to: \"VND\") {
            fee { amount } received { amount } given { amount } rate { id rate } } }";
        let quote =
            alice.get(query, json!({"amount": usd("1.5")})).await["conversionQuote"].clone();
        assert_eq!(quote["received"]["amount"], "38903.248125");
        assert_eq!(quote["fee"]["amount"], "97.501875");
        assert_eq!(quote["rate"]["id"], rate["id"]);
        let expected =
            json!({"rateSnapshotId": rate["id"], "minToAmount": "38903.248125", "externalId": "a"});
        let convert = alice.convert(&usd("1.5"), "VND").with(expected).key("a");
        let done = convert.clone().await.ok();
        let conversion = &done["conversion"];
        assert_eq!(conversion["given"]["amount"], "1.500000");
        assert_eq!(conversion["received"]["amount"], "38903.248125");
        assert_eq!(conversion["fee"]["amount"], "97.501875");
        assert_eq!(conversion["feeBps"], 25);
        assert_eq!(conversion["rate"]["id"], rate["id"]);
        assert_eq!(conversion["user"]["uuid"], alice.id().to_string());
        assert_eq!(done["transaction"]["cause"], "CONVERSION");
        assert_eq!(balances(&alice).await, ["98.500000", "38903.248125"]);
        assert_eq!(convert.await.replayed()["transaction"], done["transaction"]);
        let events = app.events("ConversionExecuted").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].payload["conversionId"], conversion["uuid"]);
        let by = "query ($by: ConversionBy!) { conversion(by: $by) { id } }";
        for key in [
            json!({"id": conversion["id"]}),
            json!({"uuid": conversion["uuid"]}),
            json!({"external": {"owner": owner(&alice), "externalId": "a"}}),
        ] {
            let found = alice.get(by, json!({"by": key})).await;
            assert_eq!(found["conversion"]["id"], conversion["id"], "{key}");
            let stranger = app.user().get(by, json!({"by": key})).await;
            assert_eq!(stranger["conversion"], Value::Null, "{key}");
        }
        let list =
            "query ($f: ConversionFilter) { conversions(first: 5, filter: $f) { totalCount } }";
        let staff = app.support();
        for (filter, count) in [
            (json!({}), 1),
            (
                json!({"userId": alice.id().to_string(), "from": "USD", "to": "VND", "externalId": "a"}),
                1,
            ),
            (json!({"from": "VND"}), 0),
        ] {
            for who in [&*alice, &staff] {
                let found = who.get(list, json!({"f": filter})).await;
                assert_eq!(found["conversions"]["totalCount"], count, "{filter}");
            }
        }
        let foreign = json!({"f": {"userId": alice.id().to_string()}});
        assert_eq!(
            app.user().get(list, foreign).await["conversions"]["totalCount"],
            0
        );
    });
}

#[test]
fn refuses_to_convert_in_order() {
    test(async |app| {
        let alice = app.miner().await;
        for (amount, to, code, path) in [
            (
                json!({"amount": "0", "currency": "XX"}),
                "VND",
                "CURRENCY_UNKNOWN",
                Some("amount.currency"),
            ),
            (usd("0"), "XX", "CURRENCY_UNKNOWN", Some("amount.currency")),
            (usd("0"), "USD", "PAIR_INVALID", Some("to")),
            (usd("0"), "VND", "AMOUNT_INVALID", Some("amount.amount")),
            (usd("1"), "VND", "KYC_REQUIRED", None),
        ] {
            alice.convert(&amount, to).await.refused(code, path);
        }
        for least in ["0", "-1", "0.0000001"] {
            let convert = alice.convert(&usd("1"), "VND");
            let convert = convert.with(json!({"minToAmount": least}));
            convert.await.error("BAD_USER_INPUT");
        }
        let mut currencies = wallet(json!({}))["currencies"].clone();
        currencies[8]["isEnabled"] = json!(false);
        app.configure_wallets(json!({"currencies": currencies, "conversionsFrozen": true}))
            .await;
        alice
            .convert(&usd("0"), "VND")
            .await
            .refused("CURRENCY_DISABLED", Some("amount.currency"));
        let alice = holder(app, "100").await;
        app.configure_wallets(json!({"conversionsFrozen": true}))
            .await;
        alice
            .convert(&usd("1"), "VND")
            .await
            .refused("CONVERSIONS_FROZEN", None);
        app.configure_wallets(json!({})).await;
        alice
            .convert(&usd("1"), "VND")
            .await
            .refused("PAIR_CLOSED", Some("to"));
        let rule = json!({"operation": "CONVERSION", "currency": "VND", "window": "DAY", "maxAmount": "1000000", "maxCount": null});
        open(app, json!({"velocityRules": [rule]})).await;
        alice
            .convert(&usd("1"), "VND")
            .await
            .refused("RATE_STALE", None);
        let old = record(app, "26000").await;
        app.advance(TimeDelta::seconds(30)).await;
        let rate = record(app, "26001").await;
        for expected in [
            json!({"rateSnapshotId": old["id"]}),
            json!({"minToAmount": "26000"}),
        ] {
            let refused = alice.convert(&usd("1"), "VND").with(expected).await;
            let refused = refused.refused("RATE_CHANGED", None);
            assert_eq!(refused["rate"]["id"], rate["id"]);
        }
        source(app)
            .record_rate("VND", "USD", "0.00003845")
            .await
            .ok();
        let tiny = vnd("0.01");
        alice
            .convert(&tiny, "USD")
            .await
            .refused("AMOUNT_TOO_SMALL", Some("amount.amount"));
        let first = alice
            .convert(&usd("1"), "VND")
            .with(json!({"externalId": "a"}))
            .await
            .ok();
        let again = alice
            .convert(&usd("1"), "VND")
            .with(json!({"externalId": "a"}))
            .await;
        let again = again.refused("DUPLICATE_EXTERNAL_ID", Some("externalId"));
        assert_eq!(again["duplicateId"], first["conversion"]["id"]);
        let refused = alice.convert(&usd("38"), "VND").await;
        let refused = refused.refused("VELOCITY_LIMIT", None);
        assert_eq!(refused["limit"]["currency"], "VND");
        open(app, json!({})).await;
        let refused = alice.convert(&usd("99.000001"), "VND").await;
        let refused = refused.refused("INSUFFICIENT_FUNDS", Some("amount"));
        assert_eq!(refused["available"], usd("99.000000"));
    });
}

#[test]
fn uses_no_rate_that_gains_or_is_old() {
    test(async |app| {
        open(app, json!({})).await;
        let alice = holder(app, "100").await;
        record(app, "26001").await;
        let back = source(app).record_rate("VND", "USD", "0.00003845");
        back.await.ok();
        alice.convert(&usd("1"), "VND").await.ok();
        // The opposite rate gains: neither is used.
        app.advance(TimeDelta::seconds(20)).await;
        source(app)
            .record_rate("VND", "USD", "0.00003847")
            .await
            .ok();
        alice
            .convert(&usd("1"), "VND")
            .await
            .refused("RATE_STALE", None);
        app.advance(TimeDelta::minutes(2)).await;
        alice
            .convert(&usd("1"), "VND")
            .await
            .refused("RATE_STALE", None);
        record(app, "25990").await;
        alice.convert(&usd("1"), "VND").await.ok();
        app.admin().ban(&alice).await.ok();
        alice
            .convert(&usd("1"), "VND")
            .await
            .refused("WALLET_FROZEN", None);
    });
}

#[test]
fn pays_no_more_than_the_exposure_limit() {
    test(async |app| {
        open(app, json!({})).await;
        let alice = holder(app, "1000").await;
        record(app, "20000").await;
        alice.convert(&usd("400"), "VND").await.ok();
        app.count_positions().await;
        alice
            .convert(&usd("101"), "VND")
            .await
            .refused("FX_EXHAUSTED", None);
        // Long after, nothing is lost of what was counted once and for all.
        app.advance(TimeDelta::minutes(10)).await;
        app.count_positions().await;
        app.advance(TimeDelta::minutes(10)).await;
        app.count_positions().await;
        record(app, "20000").await;
        alice
            .convert(&usd("101"), "VND")
            .await
            .refused("FX_EXHAUSTED", None);
        alice.convert(&usd("100"), "VND").await.ok();
        // Currency that was converted back can be paid out again.
        source(app).record_rate("VND", "USD", "0.00005").await.ok();
        alice.convert(&vnd("2000000"), "USD").await.ok();
        app.count_positions().await;
        alice.convert(&usd("100"), "VND").await.ok();
        // A count that is too old is not used.
        app.sql("UPDATE fx_positions SET counted_at = clock_timestamp() - interval '2 minutes'")
            .await;
        alice.convert(&usd("1"), "VND").await.error("UNAVAILABLE");
    });
}

#[test]
fn holds_back_rates_that_jump() {
    test(async |app| {
        open(app, json!({})).await;
        let (source, finance) = (source(app), app.finance());
        for (from, to, rate, code, path) in [
            ("XX", "XX", "0", "CURRENCY_UNKNOWN", "amount.currency"),
            ("USD", "USD", "0", "PAIR_INVALID", "to"),
            ("USD", "VND", "0", "RATE_INVALID", "rate"),
            ("USD", "VND", "0.0000000000001", "RATE_INVALID", "rate"),
        ] {
            source
                .record_rate(from, to, rate)
                .await
                .refused(code, Some(path));
        }
        let first = record(app, "26000").await;
        let earlier = json!({"observedAt": first["observedAt"]});
        let refused = source
            .record_rate("USD", "VND", "26000")
            .with(earlier)
            .await;
        refused.refused("RATE_TIME_INVALID", Some("observedAt"));
        let future = json!({"observedAt": "2999-01-01T00:00:00Z"});
        let refused = source.record_rate("USD", "VND", "26000").with(future).await;
        refused.refused("RATE_TIME_INVALID", Some("observedAt"));
        app.advance(TimeDelta::seconds(10)).await;
        let jumped = record(app, "28000").await;
        assert_eq!(jumped["status"], "WAITING");
        assert_eq!(app.events("RateRefused").await.len(), 1);
        let rates = "{ rates { from to feeBps isStale rate { id } snapshots(first: 5, status: WAITING) { totalCount nodes { recordedBy { ... on Service { subject } } } } } }";
        let seen = finance.get(rates, json!({})).await["rates"][0].clone();
        assert_eq!(
            (&seen["from"], &seen["isStale"]),
            (&json!("USD"), &json!(true))
        );
        assert_eq!(seen["rate"]["id"], first["id"]);
        assert_eq!(seen["snapshots"]["totalCount"], 1);
        assert_eq!(
            seen["snapshots"]["nodes"][0]["recordedBy"]["subject"],
            "tester"
        );
        let own = app.user().get("{ rates { rate { recordedBy { __typename } } snapshots(first: 1) { totalCount } } }", json!({})).await;
        assert_eq!(own["rates"][0]["snapshots"], Value::Null);
        assert_eq!(own["rates"][0]["rate"]["recordedBy"], Value::Null);

        let accept = |id: &Value| finance.accept_rate(id);
        accept(&jumped["id"])
            .with(json!({"reason": ""}))
            .await
            .refused("REASON_INVALID", Some("reason"));
        accept(&first["id"])
            .await
            .refused("RATE_NOT_WAITING", Some("rateSnapshotId"));
        let accepted = accept(&jumped["id"]).await.ok();
        assert_eq!(accepted["rate"]["status"], "ACCEPTED");
        assert_eq!(
            accepted["rate"]["decidedBy"]["uuid"],
            finance.id().to_string()
        );
        app.advance(TimeDelta::seconds(10)).await;
        assert_eq!(record(app, "28500").await["status"], "ACCEPTED");
        // Whoever recorded it doesn't accept it.
        let both = app.person(&[domain::access::Role::Admin, domain::access::Role::Finance]);
        app.advance(TimeDelta::seconds(10)).await;
        let own = both.record_rate("USD", "VND", "40000").await.ok();
        both.accept_rate(&own["rate"]["id"])
            .await
            .refused("OWN_ACCOUNT", Some("rateSnapshotId"));
        // A newer rate makes it pointless.
        app.advance(TimeDelta::seconds(10)).await;
        record(app, "28600").await;
        accept(&own["rate"]["id"])
            .await
            .refused("RATE_NOT_WAITING", Some("rateSnapshotId"));
    });
}

#[test]
fn holds_back_rates_that_drift() {
    test(async |app| {
        open(app, json!({})).await;
        let step = async |rate: &str| {
            app.advance(TimeDelta::seconds(10)).await;
            record(app, rate).await
        };
        let status = async |rate: &str| step(rate).await["status"].clone();
        assert_eq!(status("20000").await, "ACCEPTED");
        for rate in ["20400", "20800", "21000"] {
            assert_eq!(status(rate).await, "ACCEPTED", "{rate}");
        }
        // Each step is small, all of them are more than 5 %.
        for rate in ["21001", "21400"] {
            assert_eq!(status(rate).await, "WAITING", "{rate}");
        }
        assert_eq!(
            status("19000").await,
            "WAITING",
            "further than 5 % from 21000"
        );
        // An hour later the last rate used is the one compared with.
        app.advance(TimeDelta::hours(1)).await;
        assert_eq!(status("22050").await, "ACCEPTED");
        let waits = step("22100").await;
        assert_eq!(waits["status"], "WAITING");
        // A second person moves the bounds.
        app.finance().accept_rate(&waits["id"]).await.ok();
        assert_eq!(status("23205").await, "ACCEPTED");
        assert_eq!(status("23206").await, "WAITING");
    });
}

#[test]
fn uses_rates_of_the_configuration() {
    test(async |app| {
        let pair =
            |from, to, rate: &str| json!({"from": from, "to": to, "feeBps": 0, "staticRate": rate});
        let pairs = [pair("USD", "VND", "25000"), pair("VND", "USD", "0.00004")];
        open(
            app,
            json!({"conversionPairs": pairs, "rateSource": "STATIC"}),
        )
        .await;
        let alice = holder(app, "10").await;
        app.advance(TimeDelta::hours(2)).await;
        let done = alice.convert(&usd("2"), "VND").await.ok();
        let rate = &done["conversion"]["rate"];
        assert_eq!(done["conversion"]["received"]["amount"], "50000.000000");
        let node =
            "query ($id: ID!) { node(id: $id) { ... on RateSnapshot { uuid rate status } } }";
        let seen = alice.get(node, json!({"id": rate["id"]})).await["node"].clone();
        assert_eq!(seen["rate"], "25000");
        let expected = json!({"rateSnapshotId": rate["id"]});
        alice
            .convert(&usd("2"), "VND")
            .with(expected.clone())
            .await
            .ok();
        // There and back gains nothing.
        alice.convert(&vnd("100000"), "USD").await.ok();
        assert_eq!(balances(&alice).await, ["10.000000", "0.000000"]);
        // Another version has other rates.
        let pairs = [pair("USD", "VND", "24000")];
        open(
            app,
            json!({"conversionPairs": pairs, "rateSource": "STATIC"}),
        )
        .await;
        let refused = alice.convert(&usd("2"), "VND").with(expected).await;
        let now = refused.refused("RATE_CHANGED", None)["rate"].clone();
        assert_ne!(now["id"], rate["id"]);
    });
}

#[test]
fn spends_a_balance_once() {
    test(async |app| {
        open(app, json!({})).await;
        let people = prepared(async |_| holder(app, "5").await).await;
        record(app, "100").await;
        rounds(async |round| {
            let alice = &people[round];
            let convert = || alice.convert(&usd("5"), "VND");
            let both = at_once([convert(), convert()]).await;
            both.one_applied("INSUFFICIENT_FUNDS");
            assert_eq!(balances(alice).await, ["0.000000", "498.750000"]);
        })
        .await;
    });
}

/// The conversion creates the wallet of the currency received, while a freeze covers all wallets of the owner.
#[test]
fn converts_before_a_freeze_or_not_at_all() {
    test(async |app| {
        open(app, json!({})).await;
        let finance = app.finance();
        let people = prepared(async |_| holder(app, "5").await).await;
        record(app, "100").await;
        let mut converted = 0;
        rounds(async |round| {
            let alice = &people[round];
            let convert = alice.convert(&usd("5"), "VND").into_future();
            // A conversion takes longer than a freeze, which starts later in most rounds.
            let freeze = async {
                for _ in 0..round % 4 {
                    balances(alice).await;
                }
                finance.freeze(&owner(alice)).await
            };
            let (done, frozen) = tokio::join!(convert, freeze);
            frozen.ok();
            let expected = if done.refusal().is_none() {
                converted += 1;
                ["0.000000", "498.750000"]
            } else {
                done.refused("WALLET_FROZEN", None);
                ["5.000000", "0.000000"]
            };
            assert_eq!(balances(alice).await, expected);
        })
        .await;
        println!("{converted} were converted");
        // Wallets that were created meanwhile are frozen too.
        let wallets = app.count("wallets", "owner_kind = 'USER' AND is_frozen");
        assert_eq!(wallets.await, 200 + converted);
        assert_eq!(
            app.count("wallets", "owner_kind = 'USER'").await,
            200 + converted
        );
    });
}

#[test]
fn converts_for_the_person_alone() {
    test(async |app| {
        open(app, json!({})).await;
        let (alice, bob) = (holder(app, "5").await, holder(app, "5").await);
        record(app, "100").await;
        let for_bob = json!({"userId": bob.id().to_string()});
        alice
            .convert(&usd("1"), "VND")
            .with(for_bob.clone())
            .await
            .error("FORBIDDEN");
        let service = app.service(&[Scope::WalletConvert]);
        service
            .convert(&usd("1"), "VND")
            .await
            .error("BAD_USER_INPUT");
        let done = service.convert(&usd("1"), "VND").with(for_bob).await.ok();
        assert_eq!(done["conversion"]["user"]["uuid"], bob.id().to_string());
    });
}
